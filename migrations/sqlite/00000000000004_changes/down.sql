DROP TABLE tombstones;
DROP TABLE change_log;
