-- What was done to climbs here, and by whom.

-- The history of a climb, which outlives it: hence no reference to it. changes: [{field, before, after}]. Nobody but
-- owner_id sees what was done while the climb was private.
CREATE TABLE climb_edits (
    id UUID NOT NULL PRIMARY KEY,
    climb_id UUID NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('created', 'updated', 'deleted')),
    user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    api_key TEXT,
    owner_id UUID,
    is_private BOOLEAN NOT NULL,
    changes JSON NOT NULL,
    at TIMESTAMPTZ NOT NULL
);
CREATE INDEX climb_edits_by_climb ON climb_edits (climb_id, id);
CREATE INDEX climb_edits_by_user ON climb_edits (user_id);

-- A grade that was set here stays, whatever the crowd at Stokt says.
ALTER TABLE climbs ADD COLUMN has_own_grade BOOLEAN NOT NULL DEFAULT FALSE;

-- Somebody's projects, however many notes they keep.
CREATE INDEX climb_personal_projects ON climb_personal (user_id, climb_id) WHERE is_project;
