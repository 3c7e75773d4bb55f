-- The name of a revoked key is free again, so that keys can be rotated under one name; history names keys by their ids.
CREATE TABLE api_keys_new (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'sync', 'admin')),
    prefix TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    last_used_at TEXT CHECK (length(last_used_at) = 27),
    revoked_at TEXT CHECK (length(revoked_at) = 27)
) STRICT;
INSERT INTO api_keys_new (id, name, scope, prefix, secret_hash, created_at, last_used_at, revoked_at)
SELECT id, name, scope, prefix, secret_hash, created_at, last_used_at, revoked_at FROM api_keys;
DROP TABLE api_keys;
ALTER TABLE api_keys_new RENAME TO api_keys;
CREATE UNIQUE INDEX api_keys_active_name ON api_keys (name) WHERE revoked_at IS NULL;
