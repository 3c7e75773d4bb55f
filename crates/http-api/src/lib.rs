//! The HTTP API: the only crate that knows our JSON as a server.
