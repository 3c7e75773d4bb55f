DROP INDEX climb_lists_by_gym;
DROP INDEX climb_lists_by_created;
DROP TABLE list_follows;
DROP TABLE list_shares;
