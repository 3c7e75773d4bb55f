//! Whether what is kept beside a climb so that it is found says what the climb says: its holds as rows, how many they
//! are, and its folded name. One statement, read row by row.

use std::collections::BTreeSet;

use diesel::RunQueryDsl as _;
use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::Queryable;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::sql_types::{Integer, Nullable, Text};
use mastoc_domain::fold::fold_name;
use mastoc_domain::holds_list::HoldsList;

use super::kinds::climbs;
use super::{Check, Finding, MEND};
use crate::conn::{AnyConnection, ReadConn};
use crate::error::StoreError;

pub(super) const NAME: &str = "derived";

const HOLDS: Check =
    Check::fault("holds", "the holds that a climb is searched by are not those that it uses", MEND);
const COUNT: Check = Check::fault("holds_count", "a climb uses another number of holds than it says", MEND);
const FOLDED: Check =
    Check::fault("name_folded", "the name that a climb is searched by is not its name", MEND);

type Columns = (Text, Text, Text, Text, Integer, Nullable<Text>);

#[derive(Queryable)]
struct Row {
    id: String,
    name: String,
    name_folded: String,
    holds_list: String,
    holds_count: i32,
    /// The rows of its holds as tokens, in any order.
    holds: Option<String>,
}

struct Found {
    holds: Finding,
    count: Finding,
    folded: Finding,
}

impl Found {
    fn look(&mut self, row: Row) {
        let Row { id, name, name_folded, holds_list, holds_count, holds } = row;
        if name_folded != fold_name(&name) {
            self.folded.add(|| id.clone());
        }
        let said = HoldsList::parse(&holds_list).ok();
        // Of a list that nobody can read there are no holds.
        let (tokens, count) = said.map_or_else(
            || (BTreeSet::new(), 0),
            |list| (list.iter().map(|token| token.to_string()).collect(), list.hold_count()),
        );
        let kept: BTreeSet<String> =
            holds.unwrap_or_default().split_whitespace().map(ToOwned::to_owned).collect();
        if tokens != kept {
            self.holds.add(|| id.clone());
        }
        if usize::try_from(holds_count).ok() != Some(count) {
            self.count.add(|| id);
        }
    }
}

/// Looks at every climb.
pub(super) fn check(conn: &mut ReadConn<'_>) -> Result<Vec<Finding>, StoreError> {
    let mut sql = climbs("SELECT {id}, r.name, r.name_folded, r.holds_list, r.holds_count, (SELECT ");
    sql.either("string_agg(h.role || h.hold_id::text, ' ')", "group_concat(h.role || h.hold_id, ' ')");
    sql.sql(" FROM climb_holds h WHERE h.climb_id = r.id) FROM climbs r ORDER BY r.id");
    let statement = sql.selecting::<Columns>();
    let mut found = Found {
        holds: Finding::none_of(HOLDS),
        count: Finding::none_of(COUNT),
        folded: Finding::none_of(FOLDED),
    };
    match conn.any() {
        AnyConnection::Postgres(c) => {
            for row in statement.load_iter::<Row, PgRowByRowLoadingMode>(c)? {
                found.look(row?);
            }
        }
        AnyConnection::Sqlite(c) => {
            for row in statement.load_iter::<Row, DefaultLoadingMode>(c)? {
                found.look(row?);
            }
        }
    }
    Ok(vec![found.holds, found.count, found.folded])
}
