//! Databases, builders and servers for tests; a dev-dependency only.
