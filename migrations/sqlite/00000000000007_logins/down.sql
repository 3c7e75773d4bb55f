DROP TABLE password_resets;
ALTER TABLE sessions DROP COLUMN refresh_id;
