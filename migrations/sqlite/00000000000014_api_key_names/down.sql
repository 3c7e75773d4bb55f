-- Names must be unique again: a revoked key that shares its name bears its prefix as well.
UPDATE api_keys SET name = name || ' ' || prefix
WHERE revoked_at IS NOT NULL AND EXISTS (SELECT 1 FROM api_keys o WHERE o.name = api_keys.name AND o.id <> api_keys.id);
CREATE TABLE api_keys_old (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'sync', 'admin')),
    prefix TEXT NOT NULL UNIQUE,
    secret_hash TEXT NOT NULL,
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    last_used_at TEXT CHECK (length(last_used_at) = 27),
    revoked_at TEXT CHECK (length(revoked_at) = 27)
) STRICT;
INSERT INTO api_keys_old (id, name, scope, prefix, secret_hash, created_at, last_used_at, revoked_at)
SELECT id, name, scope, prefix, secret_hash, created_at, last_used_at, revoked_at FROM api_keys;
DROP TABLE api_keys;
ALTER TABLE api_keys_old RENAME TO api_keys;
