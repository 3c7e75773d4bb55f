DROP TABLE setter_claims;
ALTER TABLE users DROP COLUMN deleted_at;
