-- What a login is renewed with, and what a forgotten password is replaced with.

-- The one refresh token that renews the session. Any other one that was ever given out has been used: if it comes
-- again, somebody has a copy. Null: the session is not renewed.
ALTER TABLE sessions ADD COLUMN refresh_id UUID;

-- Tokens sent by e-mail, by their SHA-256; a used one is deleted.
CREATE TABLE password_resets (
    token_hash TEXT NOT NULL PRIMARY KEY CHECK (length(token_hash) = 64),
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX password_resets_by_user ON password_resets (user_id);
CREATE INDEX password_resets_by_end ON password_resets (expires_at);
