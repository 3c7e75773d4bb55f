-- Who follows lists of others, and the links by which lists are shown to whoever has them.

-- The one link of a list that holds; only its hash is kept.
CREATE TABLE list_shares (
    list_id UUID NOT NULL PRIMARY KEY REFERENCES climb_lists(id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    created_at TIMESTAMPTZ NOT NULL
);

-- Somebody follows a list, because it is public or by a link; a private one is seen for as long as that link holds.
CREATE TABLE list_follows (
    list_id UUID NOT NULL REFERENCES climb_lists(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    token_hash TEXT CHECK (length(token_hash) = 64),
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (list_id, user_id)
);
CREATE INDEX list_follows_by_user ON list_follows (user_id, list_id);

CREATE INDEX climb_lists_by_created ON climb_lists (created_at, id);
CREATE INDEX climb_lists_by_gym ON climb_lists (gym_id, created_at, id);
