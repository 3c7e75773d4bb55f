-- Leaving, and claiming an imported setter as oneself.

-- When the account was deleted: the row stays as the nameless setter of its climbs.
ALTER TABLE users ADD COLUMN deleted_at TEXT CHECK (length(deleted_at) = 27);

-- Somebody says that an imported setter is them. The setter's own row is gone once it was confirmed: then the person
-- bears the Stokt id, and this row tells when that happened and who confirmed it.
CREATE TABLE setter_claims (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users(id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    setter_id BLOB NOT NULL CHECK (length(setter_id) = 16),
    stokt_id BLOB NOT NULL CHECK (length(stokt_id) = 16),
    setter_name TEXT NOT NULL,
    message TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'confirmed', 'rejected')),
    decided_by BLOB REFERENCES users(id) ON DELETE SET NULL CHECK (length(decided_by) = 16),
    decided_at TEXT CHECK (length(decided_at) = 27),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    CHECK ((state = 'open') = (decided_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX setter_claims_one_open ON setter_claims (user_id, stokt_id) WHERE state = 'open';
CREATE UNIQUE INDEX setter_claims_one_owner ON setter_claims (stokt_id) WHERE state = 'confirmed';
CREATE UNIQUE INDEX setter_claims_one_setter ON setter_claims (user_id) WHERE state = 'confirmed';
CREATE INDEX setter_claims_by_user ON setter_claims (user_id, created_at, id);
CREATE INDEX setter_claims_by_state ON setter_claims (state, created_at, id);
CREATE INDEX setter_claims_by_judge ON setter_claims (decided_by);
