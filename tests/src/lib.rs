//! End-to-end tests that run the built binaries, and tests of the house itself.
