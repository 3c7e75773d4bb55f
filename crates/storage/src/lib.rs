//! The board kept in SQLite or PostgreSQL: the only crate that knows diesel.
