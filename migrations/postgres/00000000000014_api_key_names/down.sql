-- Names must be unique again: a revoked key that shares its name bears its prefix as well.
UPDATE api_keys SET name = name || ' ' || prefix
WHERE revoked_at IS NOT NULL AND EXISTS (SELECT 1 FROM api_keys o WHERE o.name = api_keys.name AND o.id <> api_keys.id);
DROP INDEX api_keys_active_name;
ALTER TABLE api_keys ADD CONSTRAINT api_keys_name_key UNIQUE (name);
