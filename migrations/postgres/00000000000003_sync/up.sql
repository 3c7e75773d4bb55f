-- Bookkeeping of imports and of synchronisation with Stokt.

-- The audit of every link made between an identity here and one at Stokt, and of every one undone; rows are only
-- added. direction: which way the row moved that was linked, or which side the link was undone for.
CREATE TABLE id_mappings (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'climb', 'user', 'list')),
    local_id TEXT NOT NULL,
    stokt_id TEXT NOT NULL,
    event TEXT NOT NULL CHECK (event IN ('linked', 'unlinked')),
    direction TEXT NOT NULL CHECK (direction IN ('stokt_to_mastoc', 'mastoc_to_stokt')),
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX id_mappings_by_stokt ON id_mappings (entity, stokt_id, id);
CREATE INDEX id_mappings_by_row ON id_mappings (entity, local_id, id);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit of links is only added to';
END
$$;
CREATE TRIGGER id_mappings_never_change BEFORE UPDATE OR DELETE ON id_mappings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- Emptying a table is no deletion of its rows.
CREATE TRIGGER id_mappings_never_emptied BEFORE TRUNCATE ON id_mappings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What both sides last agreed on, for each linked row: base is the canonical form, extra what Stokt sent beside our columns.
CREATE TABLE sync_links (
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'climb', 'user', 'list')),
    local_id TEXT NOT NULL,
    stokt_id TEXT NOT NULL,
    base JSON,
    base_hash TEXT,
    observed_hash TEXT NOT NULL,
    extra JSON NOT NULL,
    local_rev INTEGER NOT NULL DEFAULT 0,
    base_rev INTEGER NOT NULL DEFAULT 0,
    first_seen_run UUID,
    last_seen_run UUID,
    missing_runs INTEGER NOT NULL DEFAULT 0,
    missing_since TIMESTAMPTZ,
    tombstone_at TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (entity, stokt_id),
    UNIQUE (entity, local_id)
);

-- What Stokt said of a climb for the account that asked (liked, attempts); never the climb's own.
CREATE TABLE climb_viewer_facts (
    climb_id UUID NOT NULL REFERENCES climbs(id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    facts JSON NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (climb_id, account)
);

-- One import or synchronisation run and its report.
CREATE TABLE sync_runs (
    id UUID NOT NULL PRIMARY KEY,
    direction TEXT NOT NULL CHECK (direction IN ('stokt_to_mastoc', 'mastoc_to_stokt', 'both')),
    mode TEXT NOT NULL CHECK (mode IN ('full', 'incremental')),
    origin TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'waiting', 'partial', 'failed', 'interrupted')),
    report JSON,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ
);
CREATE INDEX sync_runs_by_start ON sync_runs (started_at, id);

-- Up to which moment, on the remote's clock, everything of one gym at one origin is known: the start of the last
-- listing that proved complete.
CREATE TABLE sync_watermarks (
    origin TEXT NOT NULL,
    gym_stokt_id UUID NOT NULL,
    watermark TIMESTAMPTZ NOT NULL,
    run_id UUID NOT NULL REFERENCES sync_runs(id),
    PRIMARY KEY (origin, gym_stokt_id)
);

-- How far the import of one gym from one origin has come; removed when it completes.
CREATE TABLE import_checkpoints (
    origin TEXT NOT NULL,
    gym_stokt_id UUID NOT NULL,
    run_id UUID NOT NULL REFERENCES sync_runs(id),
    step TEXT NOT NULL,
    next_url TEXT,
    listing JSON,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (origin, gym_stokt_id)
);

-- Records that an unfinished listing has shown so far: the proof of completeness survives a crash.
CREATE TABLE sync_seen (
    run_id UUID NOT NULL REFERENCES sync_runs(id),
    stokt_id TEXT NOT NULL,
    PRIMARY KEY (run_id, stokt_id)
);

-- Records that were refused, with the reason and what was sent; a later success removes them.
CREATE TABLE quarantined (
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'climb', 'user', 'list')),
    stokt_id TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    record JSON,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (entity, stokt_id)
);

-- Writes that wait to be sent to Stokt, or whose outcome is not known yet; what came to its end stays as a record.
-- payload, fingerprint and local_rev are frozen when the row is made: what was edited since then is not sent with it.
CREATE TABLE outbox (
    id UUID NOT NULL PRIMARY KEY,
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'climb', 'user', 'list')),
    local_id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('create', 'update', 'privacy', 'delete')),
    stokt_id TEXT,
    account TEXT NOT NULL,
    payload JSON NOT NULL,
    fingerprint TEXT NOT NULL,
    local_rev INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'sent', 'unknown', 'ambiguous', 'done', 'rejected')),
    fence BIGINT NOT NULL DEFAULT 0,
    lease_until TIMESTAMPTZ,
    known_twins JSON,
    listings INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX outbox_by_state ON outbox (state, created_at, id);
CREATE INDEX outbox_by_row ON outbox (entity, local_id);
-- One thing at a time for each row of ours, and one creation at a time of what nobody could tell apart at Stokt.
CREATE UNIQUE INDEX outbox_one_open ON outbox (entity, local_id) WHERE state NOT IN ('done', 'rejected');
CREATE UNIQUE INDEX outbox_one_in_flight ON outbox (fingerprint)
    WHERE action = 'create' AND state IN ('leased', 'sent', 'unknown', 'ambiguous');

-- Differences that a person settles; one that is open for each row. updated_at: when what it says last changed.
CREATE TABLE conflicts (
    id UUID NOT NULL PRIMARY KEY,
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'climb', 'user', 'list')),
    local_id TEXT NOT NULL,
    stokt_id TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('fields', 'gone', 'deleted')),
    fields JSON NOT NULL,
    base JSON,
    ours JSON,
    theirs JSON,
    run_id UUID REFERENCES sync_runs(id),
    resolution TEXT CHECK (resolution IN ('mastoc', 'stokt', 'agreed', 'unlinked')),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    resolved_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX conflicts_one_open ON conflicts (entity, local_id) WHERE resolved_at IS NULL;
CREATE INDEX conflicts_open ON conflicts (created_at, id) WHERE resolved_at IS NULL;
CREATE INDEX conflicts_by_row ON conflicts (entity, local_id);

-- Who runs, and the fencing number that its writes must still carry. broken_*: who last took the lock from a run, and why.
CREATE TABLE sync_locks (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    fence BIGINT NOT NULL,
    acquired_at TIMESTAMPTZ NOT NULL,
    released_at TIMESTAMPTZ,
    broken_at TIMESTAMPTZ,
    breaker TEXT,
    broken_reason TEXT
);
