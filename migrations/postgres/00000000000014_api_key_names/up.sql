-- The name of a revoked key is free again, so that keys can be rotated under one name; history names keys by their ids.
ALTER TABLE api_keys DROP CONSTRAINT api_keys_name_key;
CREATE UNIQUE INDEX api_keys_active_name ON api_keys (name) WHERE revoked_at IS NULL;
