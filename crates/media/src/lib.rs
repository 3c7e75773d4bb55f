//! Pictures on disk, verified and addressed by their hash: the only crate that knows image bytes.
