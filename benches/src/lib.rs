//! What make bench measures.
