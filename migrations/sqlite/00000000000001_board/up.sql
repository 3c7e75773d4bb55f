-- The board: people, pictures, gyms, walls, faces in versions, holds, climbs.

-- A person: a setter who was imported, an account, or both.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    stokt_id BLOB UNIQUE CHECK (length(stokt_id) = 16),
    full_name TEXT NOT NULL,
    full_name_folded TEXT NOT NULL,
    avatar_path TEXT,
    avatar_sha256 TEXT,
    email TEXT,
    email_folded TEXT UNIQUE,
    username TEXT CHECK (username NOT LIKE '%@%'),
    username_folded TEXT UNIQUE,
    password_hash TEXT,
    role TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27)
) STRICT;
CREATE INDEX users_by_name ON users (full_name_folded, id);
CREATE INDEX users_by_avatar ON users (avatar_path);

-- A picture whose copy here is verified; the file is named by its hash.
CREATE TABLE images (
    sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
    media_type TEXT NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    verified_at TEXT NOT NULL CHECK (length(verified_at) = 27),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27)
) STRICT;

-- A gym, or somebody's home wall.
CREATE TABLE gyms (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    stokt_id BLOB UNIQUE CHECK (length(stokt_id) = 16),
    display_name TEXT NOT NULL,
    location TEXT,
    description TEXT,
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27)
) STRICT;

-- A wall of a gym.
CREATE TABLE walls (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    stokt_id BLOB UNIQUE CHECK (length(stokt_id) = 16),
    gym_id BLOB NOT NULL REFERENCES gyms(id) CHECK (length(gym_id) = 16),
    name TEXT NOT NULL,
    is_angle_adjustable INTEGER NOT NULL CHECK (is_angle_adjustable IN (0, 1)),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    feet_rules TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27)
) STRICT;
CREATE INDEX walls_by_gym ON walls (gym_id, id);

-- One photographed arrangement of holds; current_version is the one that is shown.
CREATE TABLE faces (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    stokt_id BLOB UNIQUE CHECK (length(stokt_id) = 16),
    gym_id BLOB NOT NULL REFERENCES gyms(id) CHECK (length(gym_id) = 16),
    wall_id BLOB REFERENCES walls(id) CHECK (length(wall_id) = 16),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    current_version INTEGER NOT NULL CHECK (current_version >= 1),
    feet_rules_options TEXT NOT NULL,
    has_symmetry INTEGER NOT NULL CHECK (has_symmetry IN (0, 1)),
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27)
) STRICT;
CREATE INDEX faces_by_gym ON faces (gym_id, id);
CREATE INDEX faces_by_wall ON faces (wall_id);

-- Picture and hold geometry belong together: a new picture is a new version, old climbs keep theirs.
CREATE TABLE face_versions (
    face_id BLOB NOT NULL REFERENCES faces(id) CHECK (length(face_id) = 16),
    version INTEGER NOT NULL CHECK (version >= 1),
    picture_path TEXT,
    picture_width INTEGER,
    picture_height INTEGER,
    small_path TEXT,
    small_width INTEGER,
    small_height INTEGER,
    picture_sha256 TEXT REFERENCES images(sha256),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    PRIMARY KEY (face_id, version)
) STRICT;
CREATE INDEX face_versions_by_picture ON face_versions (picture_path);
CREATE INDEX face_versions_by_small ON face_versions (small_path);
CREATE INDEX face_versions_by_image ON face_versions (picture_sha256);

-- A hold: its identity. Imported ids are below 1,000,000,000, ids made here start there.
CREATE TABLE holds (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id > 0),
    stokt_id INTEGER UNIQUE CHECK (stokt_id > 0 AND stokt_id < 1000000000),
    face_id BLOB NOT NULL REFERENCES faces(id) CHECK (length(face_id) = 16),
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    retired_at TEXT CHECK (length(retired_at) = 27),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27),
    CHECK (stokt_id IS NULL OR stokt_id = id)
) STRICT;
CREATE INDEX holds_by_face ON holds (face_id, id);

-- The geometry of a hold in one version of its face, in pixels of that version's picture; texts exactly as they came.
CREATE TABLE hold_shapes (
    face_id BLOB NOT NULL CHECK (length(face_id) = 16),
    version INTEGER NOT NULL,
    hold_id INTEGER NOT NULL REFERENCES holds(id),
    centroid_x REAL NOT NULL,
    centroid_y REAL NOT NULL,
    area TEXT NOT NULL,
    polygon_str TEXT NOT NULL,
    touch_polygon_str TEXT NOT NULL,
    path_str TEXT NOT NULL,
    centroid_str TEXT NOT NULL,
    top_polygon_str TEXT NOT NULL,
    center_tape_str TEXT NOT NULL,
    left_tape_str TEXT NOT NULL,
    right_tape_str TEXT NOT NULL,
    PRIMARY KEY (face_id, version, hold_id),
    FOREIGN KEY (face_id, version) REFERENCES face_versions(face_id, version)
) STRICT;
CREATE INDEX hold_shapes_by_hold ON hold_shapes (hold_id);

-- A climb: a chosen set of holds of one face. grade_rank orders Font grades, 0 is ungraded.
CREATE TABLE climbs (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    stokt_id BLOB UNIQUE CHECK (length(stokt_id) = 16),
    face_id BLOB NOT NULL CHECK (length(face_id) = 16),
    face_version INTEGER NOT NULL,
    setter_id BLOB REFERENCES users(id) CHECK (length(setter_id) = 16),
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    holds_list TEXT NOT NULL,
    mirror_holds_list TEXT NOT NULL,
    holds_count INTEGER NOT NULL,
    grade_font TEXT,
    grade_ircra REAL,
    grade_hueco TEXT,
    grade_dankyu TEXT,
    grade_rank INTEGER NOT NULL,
    feet_rule TEXT,
    description TEXT,
    is_private INTEGER NOT NULL CHECK (is_private IN (0, 1)),
    is_benchmark INTEGER NOT NULL CHECK (is_benchmark IN (0, 1)),
    climbed_by INTEGER NOT NULL,
    total_likes INTEGER NOT NULL,
    total_comments INTEGER NOT NULL,
    tags TEXT NOT NULL,
    circuit TEXT NOT NULL,
    angle TEXT NOT NULL,
    rev INTEGER NOT NULL DEFAULT 1,
    source TEXT NOT NULL CHECK (source IN ('mastoc', 'stokt')),
    sync_state TEXT NOT NULL CHECK (sync_state IN ('local', 'synced', 'modified', 'conflict', 'archived')),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27),
    synced_at TEXT CHECK (length(synced_at) = 27),
    FOREIGN KEY (face_id, face_version) REFERENCES face_versions(face_id, version)
) STRICT;
CREATE INDEX climbs_by_created ON climbs (created_at, id);
CREATE INDEX climbs_by_face_created ON climbs (face_id, created_at, id);
CREATE INDEX climbs_by_setter_created ON climbs (setter_id, created_at, id);
CREATE INDEX climbs_by_name ON climbs (name_folded, id);
CREATE INDEX climbs_by_grade ON climbs (grade_rank, id);
CREATE INDEX climbs_by_climbed ON climbs (climbed_by, id);
CREATE INDEX climbs_by_likes ON climbs (total_likes, id);
CREATE INDEX climbs_local ON climbs (created_at, id) WHERE stokt_id IS NULL;
CREATE INDEX climbs_by_synced ON climbs (synced_at, id);
-- The few that are not simply in step with Stokt are counted again and again.
CREATE INDEX climbs_unsettled ON climbs (sync_state, id) WHERE sync_state <> 'synced';
CREATE INDEX climbs_private ON climbs (face_id, id) WHERE is_private;
-- Counting by face, grade and setter reads this index alone.
CREATE INDEX climbs_figures ON climbs (face_id, is_private, grade_rank, setter_id);
-- Filters that few climbs pass: a page in the order of time walks only those.
CREATE INDEX climbs_benchmark ON climbs (created_at, id) WHERE is_benchmark;
CREATE INDEX climbs_born_here ON climbs (created_at, id) WHERE source = 'mastoc';
CREATE INDEX climbs_tagged ON climbs (created_at, id) WHERE tags <> '';

-- Which holds a climb uses, in which role; what search by holds runs on. One hold may carry two roles.
CREATE TABLE climb_holds (
    climb_id BLOB NOT NULL REFERENCES climbs(id) ON DELETE CASCADE CHECK (length(climb_id) = 16),
    hold_id INTEGER NOT NULL REFERENCES holds(id),
    role TEXT NOT NULL CHECK (role IN ('S', 'O', 'F', 'T')),
    PRIMARY KEY (climb_id, hold_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX climb_holds_by_hold ON climb_holds (hold_id, role, climb_id);
