//! How many rows and values one statement may carry on either database.

/// Values that one statement binds at most; SQLite's limit is 32,766 and PostgreSQL's 65,535.
const MOST_BINDS: usize = 32_000;

/// Cuts rows of `columns` values into as many pieces as statements can carry.
pub(crate) fn chunks<T>(rows: &[T], columns: usize) -> std::slice::Chunks<'_, T> {
    rows.chunks((MOST_BINDS / columns.max(1)).max(1))
}

/// Cuts ids that are looked up into as many pieces as statements can carry.
pub(crate) fn keys<T>(ids: &[T]) -> std::slice::Chunks<'_, T> {
    chunks(ids, 1)
}
