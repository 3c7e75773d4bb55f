-- What people climbed, liked, marked and said here; Stokt's own counts stand in the climbs.

-- One ascent of somebody's logbook. A flash takes one attempt.
CREATE TABLE ascents (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    climb_id UUID NOT NULL REFERENCES climbs(id) ON DELETE CASCADE,
    climbed_at TIMESTAMPTZ NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 1),
    is_flash BOOLEAN NOT NULL,
    grade_feel SMALLINT CHECK (grade_feel BETWEEN -1 AND 1),
    rating SMALLINT CHECK (rating BETWEEN 1 AND 5),
    notes TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CHECK (NOT is_flash OR attempts = 1)
);
CREATE INDEX ascents_by_user ON ascents (user_id, climbed_at, id);
CREATE INDEX ascents_by_climb ON ascents (climb_id, climbed_at, id);
CREATE INDEX ascents_by_user_climb ON ascents (user_id, climb_id);

-- Somebody likes a climb.
CREATE TABLE climb_likes (
    climb_id UUID NOT NULL REFERENCES climbs(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (climb_id, user_id)
);
CREATE INDEX climb_likes_by_user ON climb_likes (user_id, climb_id);

-- Somebody wants to find a climb again; nobody else's business.
CREATE TABLE climb_bookmarks (
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    climb_id UUID NOT NULL REFERENCES climbs(id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, climb_id)
);
CREATE INDEX climb_bookmarks_by_time ON climb_bookmarks (user_id, created_at, climb_id);
CREATE INDEX climb_bookmarks_by_climb ON climb_bookmarks (climb_id);

-- Somebody's words about a climb.
CREATE TABLE comments (
    id UUID NOT NULL PRIMARY KEY,
    climb_id UUID NOT NULL REFERENCES climbs(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX comments_by_climb ON comments (climb_id, created_at, id);
CREATE INDEX comments_by_user ON comments (user_id, id);
