//! A typed, blocking client of the Stokt REST API: the only crate that knows Stokt's JSON.
