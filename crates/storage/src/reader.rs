//! A connection of one's own for whoever reads all the time: no pool to go through, and none to exhaust.

use crate::conn::{AnyConnection, ReadConn};
use crate::error::StoreError;
use crate::store::Store;

/// Reads through one connection outside the pool; opens it when it is first needed, and anew when it broke.
pub struct Reader {
    store: Store,
    connection: Option<AnyConnection>,
}

impl Reader {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, connection: None }
    }

    /// Reads. A connection that broke since the last time is replaced, and the work is tried once more.
    ///
    /// # Errors
    /// What `work` answers, or [`StoreError::Unavailable`] when the database cannot be reached.
    pub fn read<T>(
        &mut self,
        mut work: impl FnMut(&mut ReadConn<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(connection) = &mut self.connection {
            match work(&mut ReadConn::new(connection)) {
                Err(StoreError::Unavailable(cause)) => {
                    tracing::debug!(cause, "a reader's connection broke and is replaced");
                    self.connection = None;
                }
                answer => return answer,
            }
        }
        let mut connection = self.store.own_connection()?;
        let answer = work(&mut ReadConn::new(&mut connection));
        if !matches!(answer, Err(StoreError::Unavailable(_))) {
            self.connection = Some(connection);
        }
        answer
    }
}
