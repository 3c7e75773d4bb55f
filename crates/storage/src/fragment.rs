//! Statements whose shape depends on what is asked for: SQL text with bound values, the same on both databases.
//!
//! diesel's own builders make every other statement. The ones here need row comparisons, per-query index guidance
//! and subqueries that its query language has no words for, so their text is written by hand; every value that comes
//! from outside is bound, never written into the text.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Double, Integer, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl};
use mastoc_domain::Timestamp;
use uuid::Uuid;

use crate::types::{DbTime, DbUuid, Id, Time};

/// SQL text under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fragment {
    text: String,
    marks: Vec<(usize, Mark)>,
    is_one_off: bool,
}

/// What stands at one place of the text.
#[derive(Debug, Clone)]
enum Mark {
    Id(Id),
    Time(Time),
    Int(i32),
    Big(i64),
    Double(f64),
    Text(String),
    OnPostgres(&'static str),
    OnSqlite(&'static str),
}

impl Fragment {
    /// Starts with some text.
    pub(crate) fn new(text: &str) -> Self {
        let mut start = String::with_capacity(1024);
        start.push_str(text);
        Self { text: start, marks: Vec::with_capacity(8), is_one_off: false }
    }

    /// Adds text; never anything that came from outside.
    pub(crate) fn sql(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    fn mark(&mut self, mark: Mark) -> &mut Self {
        self.marks.push((self.text.len(), mark));
        self
    }

    /// Binds an identity.
    pub(crate) fn id(&mut self, id: Uuid) -> &mut Self {
        self.mark(Mark::Id(Id(id)))
    }

    /// Binds a point in time.
    pub(crate) fn time(&mut self, time: Timestamp) -> &mut Self {
        self.mark(Mark::Time(Time(time)))
    }

    /// Binds a 32-bit number.
    pub(crate) fn int(&mut self, number: i32) -> &mut Self {
        self.mark(Mark::Int(number))
    }

    /// Binds a 64-bit number.
    pub(crate) fn big(&mut self, number: i64) -> &mut Self {
        self.mark(Mark::Big(number))
    }

    /// Binds a floating point number.
    pub(crate) fn double(&mut self, number: f64) -> &mut Self {
        self.mark(Mark::Double(number))
    }

    /// Binds text.
    pub(crate) fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.mark(Mark::Text(text.into()))
    }

    /// Adds text where the two databases need different words.
    pub(crate) fn either(&mut self, postgres: &'static str, sqlite: &'static str) -> &mut Self {
        self.mark(Mark::OnPostgres(postgres)).mark(Mark::OnSqlite(sqlite))
    }

    /// Hides the next column from SQLite's choice of index. PostgreSQL has statistics to choose by.
    pub(crate) fn unindexed(&mut self) -> &mut Self {
        self.mark(Mark::OnSqlite("+"))
    }

    /// Adds a parenthesised, comma-separated list; `bind` adds each item.
    pub(crate) fn list<T>(&mut self, items: &[T], mut bind: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.sql("(");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.sql(", ");
            }
            bind(self, item);
        }
        self.sql(")")
    }

    /// Adds another fragment.
    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.marks.extend(other.marks.iter().map(|(at, mark)| (start + at, mark.clone())));
        self.is_one_off |= other.is_one_off;
        self
    }

    /// Marks a text that hardly comes twice, so that connections do not keep a prepared statement of it for ever.
    pub(crate) fn one_off(&mut self) -> &mut Self {
        self.is_one_off = true;
        self
    }

    /// Finishes a statement whose rows have the columns `Columns`.
    pub(crate) fn selecting<Columns>(self) -> Statement<Columns> {
        Statement { fragment: self, columns: PhantomData }
    }
}

/// A finished statement with the types of its columns.
#[derive(Debug, Clone)]
pub(crate) struct Statement<Columns> {
    fragment: Fragment,
    columns: PhantomData<fn() -> Columns>,
}

impl<Columns> Query for Statement<Columns> {
    type SqlType = Columns;
}

impl<Columns> QueryId for Statement<Columns> {
    type QueryId = ();
    // Prepared statements are kept by their text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Columns, Conn> RunQueryDsl<Conn> for Statement<Columns> {}

macro_rules! walk_on {
    ($backend:ty, says $own:ident, skips $other:ident) => {
        impl<Columns> QueryFragment<$backend> for Statement<Columns> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                if self.fragment.is_one_off {
                    out.unsafe_to_cache_prepared();
                }
                let mut from = 0;
                for (at, mark) in &self.fragment.marks {
                    out.push_sql(self.fragment.text.get(from..*at).unwrap_or_default());
                    from = *at;
                    match mark {
                        Mark::Id(value) => out.push_bind_param::<DbUuid, Id>(value)?,
                        Mark::Time(value) => out.push_bind_param::<DbTime, Time>(value)?,
                        Mark::Int(value) => out.push_bind_param::<Integer, i32>(value)?,
                        Mark::Big(value) => out.push_bind_param::<BigInt, i64>(value)?,
                        Mark::Double(value) => out.push_bind_param::<Double, f64>(value)?,
                        Mark::Text(value) => out.push_bind_param::<Text, String>(value)?,
                        Mark::$other(_) => {}
                        Mark::$own(text) => out.push_sql(text),
                    }
                }
                out.push_sql(self.fragment.text.get(from..).unwrap_or_default());
                Ok(())
            }
        }
    };
}

walk_on!(Pg, says OnPostgres, skips OnSqlite);
walk_on!(Sqlite, says OnSqlite, skips OnPostgres);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_values_in_their_places_and_speaks_both_dialects() {
        let mut inner = Fragment::default();
        inner.unindexed().sql("b = ").text("x");
        let mut outer = Fragment::new("SELECT 1 WHERE a = ");
        outer.big(7).sql(" AND ").append(&inner).sql(" AND c IN ").list(&[1, 2], |sql, number| {
            sql.int(*number);
        });
        let statement = outer.selecting::<Integer>();
        assert_eq!(
            diesel::debug_query::<Pg, _>(&statement).to_string(),
            "SELECT 1 WHERE a = $1 AND b = $2 AND c IN ($3, $4) -- binds: [7, \"x\", 1, 2]"
        );
        assert_eq!(
            diesel::debug_query::<Sqlite, _>(&statement).to_string(),
            "SELECT 1 WHERE a = ? AND +b = ? AND c IN (?, ?) -- binds: [7, \"x\", 1, 2]"
        );
    }
}
