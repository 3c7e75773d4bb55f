-- Leaving, and claiming an imported setter as oneself.

-- When the account was deleted: the row stays as the nameless setter of its climbs.
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMPTZ;

-- Somebody says that an imported setter is them. The setter's own row is gone once it was confirmed: then the person
-- bears the Stokt id, and this row tells when that happened and who confirmed it.
CREATE TABLE setter_claims (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    setter_id UUID NOT NULL,
    stokt_id UUID NOT NULL,
    setter_name TEXT NOT NULL,
    message TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'confirmed', 'rejected')),
    decided_by UUID REFERENCES users(id) ON DELETE SET NULL,
    decided_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX setter_claims_one_open ON setter_claims (user_id, stokt_id) WHERE state = 'open';
CREATE UNIQUE INDEX setter_claims_one_owner ON setter_claims (stokt_id) WHERE state = 'confirmed';
CREATE UNIQUE INDEX setter_claims_one_setter ON setter_claims (user_id) WHERE state = 'confirmed';
CREATE INDEX setter_claims_by_user ON setter_claims (user_id, created_at, id);
CREATE INDEX setter_claims_by_state ON setter_claims (state, created_at, id);
CREATE INDEX setter_claims_by_judge ON setter_claims (decided_by);
