//! Plans and executes what moves between Stokt and a board of ours.
