-- What people add to the board and keep here.

-- What somebody keeps to themselves about a climb; never sent to Stokt.
CREATE TABLE climb_personal (
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    climb_id UUID NOT NULL REFERENCES climbs(id) ON DELETE CASCADE,
    notes TEXT,
    rating SMALLINT CHECK (rating BETWEEN 1 AND 5),
    is_project BOOLEAN NOT NULL DEFAULT false,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, climb_id)
);
CREATE INDEX climb_personal_by_climb ON climb_personal (climb_id);

-- A list of climbs: personal, a circuit, or projects.
CREATE TABLE climb_lists (
    id UUID NOT NULL PRIMARY KEY,
    stokt_id UUID UNIQUE,
    owner_id UUID REFERENCES users(id),
    gym_id UUID REFERENCES gyms(id),
    name TEXT NOT NULL,
    description TEXT,
    list_type TEXT NOT NULL CHECK (list_type IN ('personal', 'circuit', 'project')),
    is_public BOOLEAN NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX climb_lists_by_owner ON climb_lists (owner_id, id);

-- A climb in a list, once; notes and status stay here.
CREATE TABLE list_items (
    list_id UUID NOT NULL REFERENCES climb_lists(id) ON DELETE CASCADE,
    climb_id UUID NOT NULL REFERENCES climbs(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    notes TEXT,
    status TEXT NOT NULL DEFAULT 'todo' CHECK (status IN ('todo', 'in_progress', 'done')),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (list_id, climb_id)
);
CREATE INDEX list_items_by_position ON list_items (list_id, position, climb_id);
CREATE INDEX list_items_by_climb ON list_items (climb_id);

-- What one person says about one hold.
CREATE TABLE hold_annotations (
    hold_id BIGINT NOT NULL REFERENCES holds(id),
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    grip_type TEXT CHECK (grip_type IN ('plat', 'reglette', 'bi_doigt', 'tri_doigt', 'mono_doigt', 'pince', 'colonnette', 'inverse', 'bac', 'prise_volume', 'micro', 'autre')),
    condition TEXT CHECK (condition IN ('ok', 'a_brosser', 'sale', 'tournee', 'usee', 'cassee')),
    difficulty TEXT CHECK (difficulty IN ('facile', 'normale', 'dure')),
    notes TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (hold_id, user_id)
);
CREATE INDEX hold_annotations_by_user ON hold_annotations (user_id);
