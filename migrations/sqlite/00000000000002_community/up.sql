-- What people add to the board and keep here.

-- What somebody keeps to themselves about a climb; never sent to Stokt.
CREATE TABLE climb_personal (
    user_id BLOB NOT NULL REFERENCES users(id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    climb_id BLOB NOT NULL REFERENCES climbs(id) ON DELETE CASCADE CHECK (length(climb_id) = 16),
    notes TEXT,
    rating INTEGER CHECK (rating BETWEEN 1 AND 5),
    is_project INTEGER NOT NULL DEFAULT 0 CHECK (is_project IN (0, 1)),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27),
    PRIMARY KEY (user_id, climb_id)
) STRICT;
CREATE INDEX climb_personal_by_climb ON climb_personal (climb_id);

-- A list of climbs: personal, a circuit, or projects.
CREATE TABLE climb_lists (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    stokt_id BLOB UNIQUE CHECK (length(stokt_id) = 16),
    owner_id BLOB REFERENCES users(id) CHECK (length(owner_id) = 16),
    gym_id BLOB REFERENCES gyms(id) CHECK (length(gym_id) = 16),
    name TEXT NOT NULL,
    description TEXT,
    list_type TEXT NOT NULL CHECK (list_type IN ('personal', 'circuit', 'project')),
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27)
) STRICT;
CREATE INDEX climb_lists_by_owner ON climb_lists (owner_id, id);

-- A climb in a list, once; notes and status stay here.
CREATE TABLE list_items (
    list_id BLOB NOT NULL REFERENCES climb_lists(id) ON DELETE CASCADE CHECK (length(list_id) = 16),
    climb_id BLOB NOT NULL REFERENCES climbs(id) ON DELETE CASCADE CHECK (length(climb_id) = 16),
    position INTEGER NOT NULL,
    notes TEXT,
    status TEXT NOT NULL DEFAULT 'todo' CHECK (status IN ('todo', 'in_progress', 'done')),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27),
    PRIMARY KEY (list_id, climb_id)
) STRICT;
CREATE INDEX list_items_by_position ON list_items (list_id, position, climb_id);
CREATE INDEX list_items_by_climb ON list_items (climb_id);

-- What one person says about one hold.
CREATE TABLE hold_annotations (
    hold_id INTEGER NOT NULL REFERENCES holds(id),
    user_id BLOB NOT NULL REFERENCES users(id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    grip_type TEXT CHECK (grip_type IN ('plat', 'reglette', 'bi_doigt', 'tri_doigt', 'mono_doigt', 'pince', 'colonnette', 'inverse', 'bac', 'prise_volume', 'micro', 'autre')),
    condition TEXT CHECK (condition IN ('ok', 'a_brosser', 'sale', 'tournee', 'usee', 'cassee')),
    difficulty TEXT CHECK (difficulty IN ('facile', 'normale', 'dure')),
    notes TEXT,
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27),
    PRIMARY KEY (hold_id, user_id)
) STRICT;
CREATE INDEX hold_annotations_by_user ON hold_annotations (user_id);
