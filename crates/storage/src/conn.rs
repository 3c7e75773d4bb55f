//! One connection of either database, and the two roles in which it is handed out.

use std::ops::{Deref, DerefMut};

use diesel::{PgConnection, SqliteConnection};
use mastoc_domain::Timestamp;

use crate::changes::PendingChange;

/// A connection of either database.
pub(crate) enum AnyConnection {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// Compiles one body once for each database and runs the one that fits the connection.
///
/// `on_backend!(conn, |c| query.load(c))`: `c` is `&mut PgConnection` or `&mut SqliteConnection`.
macro_rules! on_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn.any() {
            $crate::conn::AnyConnection::Postgres($c) => $body,
            $crate::conn::AnyConnection::Sqlite($c) => $body,
        }
    };
}
pub(crate) use on_backend;

/// A connection to read through: one consistent view of the data.
pub struct ReadConn<'c> {
    connection: &'c mut AnyConnection,
}

impl<'c> ReadConn<'c> {
    pub(crate) fn new(connection: &'c mut AnyConnection) -> Self {
        Self { connection }
    }

    pub(crate) fn any(&mut self) -> &mut AnyConnection {
        self.connection
    }
}

/// A connection inside the one transaction of [`Store::write`](crate::Store::write); reads as well.
///
/// Changes that readers can see are noted as they are made, and logged right before the commit.
pub struct WriteConn<'c> {
    read: ReadConn<'c>,
    pub(crate) pending: Vec<PendingChange>,
    now: Timestamp,
}

impl<'c> WriteConn<'c> {
    pub(crate) fn new(connection: &'c mut AnyConnection) -> Self {
        Self { read: ReadConn::new(connection), pending: Vec::new(), now: Timestamp::now() }
    }

    /// The moment that everything written in this transaction bears.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Notes a visible change; it enters the change log with the commit.
    pub(crate) fn note(&mut self, change: PendingChange) {
        self.pending.push(change);
    }
}

impl<'c> Deref for WriteConn<'c> {
    type Target = ReadConn<'c>;
    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

impl DerefMut for WriteConn<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.read
    }
}
