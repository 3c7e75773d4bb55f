//! A typed, blocking client of mastoc's own API; for now the part that imports need.
