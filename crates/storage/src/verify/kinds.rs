//! The kinds of rows that may be linked, and statements that have one part for each of them.

use crate::fragment::Fragment;

/// A uuid as text.
macro_rules! uuid_text {
    ($sql:expr, $column:literal) => {
        $sql.either(
            concat!($column, "::text"),
            concat!(
                "lower(substr(hex(",
                $column,
                "), 1, 8) || '-' || substr(hex(",
                $column,
                "), 9, 4) || '-' || ",
                "substr(hex(",
                $column,
                "), 13, 4) || '-' || substr(hex(",
                $column,
                "), 17, 4) || '-' || ",
                "substr(hex(",
                $column,
                "), 21))"
            ),
        )
    };
}
pub(super) use uuid_text;

/// A kind of row that may be linked: its word, its table, and whether its ids are numbers.
struct Kind {
    word: &'static str,
    table: &'static str,
    is_numbered: bool,
    /// Whether whoever follows is told of every row of it that comes and goes.
    is_followed: bool,
}

const fn kind(word: &'static str, table: &'static str) -> Kind {
    Kind { word, table, is_numbered: false, is_followed: true }
}

const KINDS: &[Kind] = &[
    kind("gym", "gyms"),
    kind("wall", "walls"),
    kind("face", "faces"),
    kind("user", "users"),
    kind("climb", "climbs"),
    // Lists and holds come and go for some who follow, while their rows stay.
    Kind { is_followed: false, ..kind("list", "climb_lists") },
    Kind { is_numbered: true, is_followed: false, ..kind("hold", "holds") },
];

impl Kind {
    /// The id of the row `r` as text.
    fn id_text(&self, sql: &mut Fragment) {
        if self.is_numbered {
            sql.sql("CAST(r.id AS TEXT)");
        } else {
            uuid_text!(sql, "r.id");
        }
    }

    /// Stokt's id of the row `r` as text.
    fn stokt_text(&self, sql: &mut Fragment) {
        if self.is_numbered {
            sql.sql("CAST(r.stokt_id AS TEXT)");
        } else {
            uuid_text!(sql, "r.stokt_id");
        }
    }

    /// That the row `r` is the one whose id is the text `x.id`; SQLite finds it by its key.
    fn is_named_by_x(&self, sql: &mut Fragment) {
        if self.is_numbered {
            sql.either("CAST(r.id AS TEXT) = x.id", "r.id = CAST(x.id AS INTEGER)");
        } else {
            sql.either("r.id::text = x.id", "r.id = unhex(x.id, '-')");
        }
    }

    /// Writes a part of a statement about this kind: `{word}`, `{table}`, `{id}`, `{stokt}` (both ids as text) and
    /// `{named_by_x}` stand for its own.
    fn write(&self, template: &str, sql: &mut Fragment) {
        for (index, piece) in template.split(['{', '}']).enumerate() {
            match piece {
                _ if index % 2 == 0 => {
                    sql.sql(piece);
                }
                "word" => {
                    sql.sql(self.word);
                }
                "table" => {
                    sql.sql(self.table);
                }
                "id" => self.id_text(sql),
                "stokt" => self.stokt_text(sql),
                "named_by_x" => self.is_named_by_x(sql),
                unknown => debug_assert!(false, "{unknown}: no such word of a template"),
            }
        }
    }
}

/// One part for each kind, as the template says.
pub(super) fn each(template: &str) -> Fragment {
    each_of(KINDS.iter(), template)
}

/// The same for the kinds that are followed row by row.
pub(super) fn each_followed(template: &str) -> Fragment {
    each_of(KINDS.iter().filter(|kind| kind.is_followed), template)
}

fn each_of<'a>(kinds: impl Iterator<Item = &'a Kind>, template: &str) -> Fragment {
    let mut sql = Fragment::default();
    for (index, kind) in kinds.enumerate() {
        if index > 0 {
            sql.sql(" UNION ALL ");
        }
        kind.write(template, &mut sql);
    }
    sql
}

/// A statement about climbs.
pub(super) fn climbs(template: &str) -> Fragment {
    let mut sql = Fragment::default();
    kind("climb", "climbs").write(template, &mut sql);
    sql
}
