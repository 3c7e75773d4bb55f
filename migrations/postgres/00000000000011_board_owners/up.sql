-- Boards that are made here: who owns them, and which numbers their holds get.

-- Nobody owns a gym that came from outside, or that a key of the service made.
ALTER TABLE gyms ADD COLUMN owner_id UUID REFERENCES users(id) ON DELETE SET NULL;
CREATE INDEX gyms_by_owner ON gyms (owner_id);

-- The number that the next hold made here gets. Whoever takes numbers changes the one row, and so waits for others.
CREATE TABLE hold_numbers (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    next_number BIGINT NOT NULL CHECK (next_number >= 1000000000)
);
INSERT INTO hold_numbers (id, next_number)
SELECT 1, coalesce(max(h.id) + 1, 1000000000) FROM holds h WHERE h.id >= 1000000000;
