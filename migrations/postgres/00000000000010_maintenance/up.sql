-- What people report about holds, until somebody has seen to it.

-- When somebody last voted for a condition, and whether that vote was answered by a closing: the consensus counts
-- open votes only, while the person's own row stays as they wrote it.
ALTER TABLE hold_annotations ADD COLUMN condition_at TIMESTAMPTZ;
ALTER TABLE hold_annotations ADD COLUMN is_condition_closed BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE hold_annotations SET condition_at = updated_at WHERE condition IS NOT NULL;
-- The consensus of many holds reads this index alone.
CREATE INDEX hold_annotations_votes ON hold_annotations (hold_id, grip_type, condition, difficulty, is_condition_closed);
CREATE INDEX hold_annotations_reports ON hold_annotations (hold_id, condition, condition_at)
    WHERE condition IS NOT NULL AND NOT is_condition_closed;

-- That somebody saw to a hold, and what was reported then.
CREATE TABLE maintenance_closings (
    id UUID NOT NULL PRIMARY KEY,
    hold_id BIGINT NOT NULL REFERENCES holds(id) ON DELETE CASCADE,
    closed_by UUID REFERENCES users(id) ON DELETE SET NULL,
    condition TEXT NOT NULL CHECK (condition IN ('ok', 'a_brosser', 'sale', 'tournee', 'usee', 'cassee')),
    votes INTEGER NOT NULL CHECK (votes > 0),
    votes_cast INTEGER NOT NULL CHECK (votes_cast >= votes),
    note TEXT,
    closed_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX maintenance_closings_by_hold ON maintenance_closings (hold_id, closed_at, id);
CREATE INDEX maintenance_closings_by_closer ON maintenance_closings (closed_by);
