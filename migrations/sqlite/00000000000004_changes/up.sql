-- The change log and tombstones.

-- Every visible change in commit order; is_public says whether readers without special rights may see that it happened,
-- owner_id who may see it in any case.
CREATE TABLE change_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'user', 'climb', 'annotation', 'list', 'social', 'comment', 'ascent')),
    entity_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('created', 'updated', 'deleted')),
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    owner_id BLOB CHECK (length(owner_id) = 16),
    at TEXT NOT NULL CHECK (length(at) = 27)
) STRICT;
CREATE INDEX change_log_by_row ON change_log (entity, entity_id, seq);

-- Rows that were deleted; they are not brought back by an import.
CREATE TABLE tombstones (
    entity TEXT NOT NULL CHECK (entity IN ('gym', 'wall', 'face', 'hold', 'climb', 'user', 'list')),
    entity_id TEXT NOT NULL,
    stokt_id TEXT,
    reason TEXT NOT NULL,
    row TEXT,
    deleted_at TEXT NOT NULL CHECK (length(deleted_at) = 27),
    PRIMARY KEY (entity, entity_id)
) STRICT;
CREATE INDEX tombstones_by_stokt ON tombstones (entity, stokt_id);
