-- What was done to climbs here, and by whom.

-- The history of a climb, which outlives it: hence no reference to it. changes: [{field, before, after}]. Nobody but
-- owner_id sees what was done while the climb was private.
CREATE TABLE climb_edits (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    climb_id BLOB NOT NULL CHECK (length(climb_id) = 16),
    action TEXT NOT NULL CHECK (action IN ('created', 'updated', 'deleted')),
    user_id BLOB REFERENCES users(id) ON DELETE SET NULL CHECK (length(user_id) = 16),
    api_key TEXT,
    owner_id BLOB CHECK (length(owner_id) = 16),
    is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)),
    changes TEXT NOT NULL,
    at TEXT NOT NULL CHECK (length(at) = 27)
) STRICT;
CREATE INDEX climb_edits_by_climb ON climb_edits (climb_id, id);
CREATE INDEX climb_edits_by_user ON climb_edits (user_id);

-- A grade that was set here stays, whatever the crowd at Stokt says.
ALTER TABLE climbs ADD COLUMN has_own_grade INTEGER NOT NULL DEFAULT 0 CHECK (has_own_grade IN (0, 1));

-- Somebody's projects, however many notes they keep.
CREATE INDEX climb_personal_projects ON climb_personal (user_id, climb_id) WHERE is_project;
