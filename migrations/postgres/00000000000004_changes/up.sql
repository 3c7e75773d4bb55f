-- The change log and tombstones.

-- Every visible change in commit order; is_public says whether readers without special rights may see that it happened,
-- owner_id who may see it in any case.
CREATE TABLE change_log (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'user', 'climb', 'annotation', 'list', 'social', 'comment', 'ascent')),
    entity_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('created', 'updated', 'deleted')),
    is_public BOOLEAN NOT NULL,
    owner_id UUID,
    at TIMESTAMPTZ NOT NULL
);
CREATE INDEX change_log_by_row ON change_log (entity, entity_id, seq);

-- Rows that were deleted; they are not brought back by an import.
CREATE TABLE tombstones (
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'climb', 'user', 'list')),
    entity_id TEXT NOT NULL,
    stokt_id TEXT,
    reason TEXT NOT NULL,
    row JSON,
    deleted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (entity, entity_id)
);
CREATE INDEX tombstones_by_stokt ON tombstones (entity, stokt_id);
