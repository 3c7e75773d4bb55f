-- What people climbed, liked, marked and said here; Stokt's own counts stand in the climbs.

-- One ascent of somebody's logbook. A flash takes one attempt.
CREATE TABLE ascents (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users(id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    climb_id BLOB NOT NULL REFERENCES climbs(id) ON DELETE CASCADE CHECK (length(climb_id) = 16),
    climbed_at TEXT NOT NULL CHECK (length(climbed_at) = 27),
    attempts INTEGER NOT NULL CHECK (attempts >= 1),
    is_flash INTEGER NOT NULL CHECK (is_flash IN (0, 1)),
    grade_feel INTEGER CHECK (grade_feel BETWEEN -1 AND 1),
    rating INTEGER CHECK (rating BETWEEN 1 AND 5),
    notes TEXT,
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27),
    CHECK (is_flash = 0 OR attempts = 1)
) STRICT;
CREATE INDEX ascents_by_user ON ascents (user_id, climbed_at, id);
CREATE INDEX ascents_by_climb ON ascents (climb_id, climbed_at, id);
CREATE INDEX ascents_by_user_climb ON ascents (user_id, climb_id);

-- Somebody likes a climb.
CREATE TABLE climb_likes (
    climb_id BLOB NOT NULL REFERENCES climbs(id) ON DELETE CASCADE CHECK (length(climb_id) = 16),
    user_id BLOB NOT NULL REFERENCES users(id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    PRIMARY KEY (climb_id, user_id)
) STRICT;
CREATE INDEX climb_likes_by_user ON climb_likes (user_id, climb_id);

-- Somebody wants to find a climb again; nobody else's business.
CREATE TABLE climb_bookmarks (
    user_id BLOB NOT NULL REFERENCES users(id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    climb_id BLOB NOT NULL REFERENCES climbs(id) ON DELETE CASCADE CHECK (length(climb_id) = 16),
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    PRIMARY KEY (user_id, climb_id)
) STRICT;
CREATE INDEX climb_bookmarks_by_time ON climb_bookmarks (user_id, created_at, climb_id);
CREATE INDEX climb_bookmarks_by_climb ON climb_bookmarks (climb_id);

-- Somebody's words about a climb.
CREATE TABLE comments (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    climb_id BLOB NOT NULL REFERENCES climbs(id) ON DELETE CASCADE CHECK (length(climb_id) = 16),
    user_id BLOB NOT NULL REFERENCES users(id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    text TEXT NOT NULL,
    created_at TEXT NOT NULL CHECK (length(created_at) = 27),
    updated_at TEXT NOT NULL CHECK (length(updated_at) = 27)
) STRICT;
CREATE INDEX comments_by_climb ON comments (climb_id, created_at, id);
CREATE INDEX comments_by_user ON comments (user_id, id);
