//! Who reads, and which climbs they may see; every query about climbs asks here.

use mastoc_domain::UserId;

use crate::fragment::Fragment;

/// Who reads. Private climbs are hidden from everybody but their setter and the service's own keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Anybody, logged in or not, and keys of the scopes read and write.
    Public,
    /// A person: sees their own private climbs, and their personal fields.
    Person(UserId),
    /// Keys of the scopes sync and admin: see everything.
    Service,
}

impl Viewer {
    /// Adds the condition under which the climb called `climb` in the statement is seen.
    pub(crate) fn sees(self, sql: &mut Fragment, climb: &str) {
        match self {
            Self::Public => sql.sql("NOT ").sql(climb).sql(".is_private"),
            Self::Person(person) => {
                sql.sql("(NOT ")
                    .sql(climb)
                    .sql(".is_private OR ")
                    .unindexed()
                    .sql(climb)
                    .sql(".setter_id = ");
                sql.id(person.0).sql(")")
            }
            Self::Service => sql.sql("TRUE"),
        };
    }

    /// Adds `AND` and the opposite condition. Few climbs are private and an index holds just them, so counting all
    /// and subtracting the hidden is many times faster than counting the visible.
    pub(crate) fn and_not_sees(self, sql: &mut Fragment, climb: &str) {
        sql.sql(" AND ").sql(climb).sql(".is_private");
        match self {
            Self::Public => {}
            Self::Person(person) => {
                sql.sql(" AND ").sql(climb).sql(".setter_id IS DISTINCT FROM ").id(person.0);
            }
            Self::Service => {
                sql.sql(" AND FALSE");
            }
        }
    }

    /// Adds an expression that counts the climbs called `climb` that are seen among those that `condition` selects.
    pub(crate) fn count_seen(self, sql: &mut Fragment, climb: &str, condition: &Fragment) {
        sql.sql("(SELECT count(*) FROM climbs ").sql(climb).sql(" WHERE ").append(condition).sql(")");
        if self != Self::Service {
            sql.sql(" - (SELECT count(*) FROM climbs ").sql(climb).sql(" WHERE ").append(condition);
            self.and_not_sees(sql, climb);
            sql.sql(")");
        }
    }
}
