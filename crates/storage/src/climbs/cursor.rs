//! The orders in which climbs can be listed, and the place in such an order from which a listing goes on.

use std::str::FromStr;

use mastoc_domain::board::Climb;
use mastoc_domain::{ClimbId, Timestamp, UnknownWord};
use thiserror::Error;

use crate::fragment::Fragment;

/// An order of climbs. It is total: climbs that are equal in it are ordered by their id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ClimbSort {
    /// The latest set first.
    #[default]
    Newest,
    /// The first set first.
    Oldest,
    /// By folded name, byte by byte.
    Name,
    /// The same backwards.
    NameDesc,
    /// The easiest first; ungraded climbs before all others.
    Grade,
    /// The hardest first; ungraded climbs after all others.
    GradeDesc,
    /// The most climbed first.
    ClimbedBy,
    /// The most liked first.
    Likes,
}

impl ClimbSort {
    /// Every order.
    pub const ALL: [Self; 8] = [
        Self::Newest,
        Self::Oldest,
        Self::Name,
        Self::NameDesc,
        Self::Grade,
        Self::GradeDesc,
        Self::ClimbedBy,
        Self::Likes,
    ];

    /// The word used on the wire and in cursors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Name => "name",
            Self::NameDesc => "-name",
            Self::Grade => "grade",
            Self::GradeDesc => "-grade",
            Self::ClimbedBy => "climbed_by",
            Self::Likes => "likes",
        }
    }

    /// The column, and whether it runs downwards.
    pub(crate) const fn column(self) -> (&'static str, bool) {
        match self {
            Self::Newest => ("created_at", true),
            Self::Oldest => ("created_at", false),
            Self::Name => ("name_folded", false),
            Self::NameDesc => ("name_folded", true),
            Self::Grade => ("grade_rank", false),
            Self::GradeDesc => ("grade_rank", true),
            Self::ClimbedBy => ("climbed_by", true),
            Self::Likes => ("total_likes", true),
        }
    }

    /// Whether the order is one of time, which the indexes by face and by setter follow.
    pub(crate) const fn is_by_time(self) -> bool {
        matches!(self, Self::Newest | Self::Oldest)
    }

    /// Adds `ORDER BY` for the climb called `climb`. Unless `by_index`, the rows are few: they are gathered first, so
    /// the databases must not walk an index in this order instead.
    pub(crate) fn order(self, sql: &mut Fragment, climb: &str, by_index: bool) {
        let (column, down) = self.column();
        sql.sql(" ORDER BY ");
        if !by_index {
            sql.either("GREATEST(NULL, ", "+");
        }
        sql.sql(climb).sql(".").sql(column);
        if !by_index {
            sql.either(")", "");
        }
        let direction = if down { " DESC" } else { "" };
        sql.sql(direction).sql(", ").sql(climb).sql(".id").sql(direction);
    }
}

impl FromStr for ClimbSort {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text).ok_or_else(|| UnknownWord {
            found: text.chars().take(40).collect(),
            expected: "newest oldest name -name grade -grade climbed_by likes",
        })
    }
}

impl std::fmt::Display for ClimbSort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the last climb of a page has in the column of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Time(Timestamp),
    Number(i32),
    Text(String),
}

/// The place of one climb in an order; a listing goes on after it, however the board changed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClimbCursor {
    sort: ClimbSort,
    key: Key,
    id: ClimbId,
}

/// An end of an index that a cursor bounds. SQLite uses one bound for each end and may take a filter's in its place,
/// which would read everything between the two; so a filter's bound at the same end is hidden from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Lower,
    Upper,
    Neither,
}

/// The text is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the cursor is damaged; take it from the answer before, or leave it out to start again")]
pub struct CursorError;

impl ClimbCursor {
    /// The place of `climb`; `sort_key` is the row's last column.
    pub(crate) fn of(sort: ClimbSort, climb: &Climb, sort_key: &str) -> Self {
        let key = match sort {
            ClimbSort::Newest | ClimbSort::Oldest => Key::Time(climb.created_at),
            ClimbSort::Name | ClimbSort::NameDesc => Key::Text(sort_key.to_owned()),
            ClimbSort::Grade | ClimbSort::GradeDesc => Key::Number(sort_key.parse().unwrap_or_default()),
            ClimbSort::ClimbedBy => Key::Number(climb.climbed_by),
            ClimbSort::Likes => Key::Number(climb.total_likes),
        };
        Self { sort, key, id: climb.id }
    }

    /// The order that the cursor is a place in.
    #[must_use]
    pub fn sort(&self) -> ClimbSort {
        self.sort
    }

    /// The cursor as text: the order, the climb's id and the key, with spaces between.
    #[must_use]
    pub fn to_text(&self) -> String {
        let start = format!("{} {}", self.sort, self.id);
        match &self.key {
            Key::Time(time) => format!("{start} {time}"),
            Key::Number(number) => format!("{start} {number}"),
            Key::Text(text) => format!("{start} {text}"),
        }
    }

    /// Reads what [`ClimbCursor::to_text`] printed.
    ///
    /// # Errors
    /// [`CursorError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        let mut parts = text.splitn(3, ' ');
        let (Some(sort), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(CursorError);
        };
        let sort: ClimbSort = sort.parse().map_err(|_| CursorError)?;
        let id = id.parse().map_err(|_| CursorError)?;
        let key = match sort {
            ClimbSort::Newest | ClimbSort::Oldest => {
                Key::Time(Timestamp::parse(key).map_err(|_| CursorError)?)
            }
            ClimbSort::Name | ClimbSort::NameDesc if key.contains('\0') => return Err(CursorError),
            ClimbSort::Name | ClimbSort::NameDesc => Key::Text(key.to_owned()),
            _ => Key::Number(key.parse().map_err(|_| CursorError)?),
        };
        Ok(Self { sort, key, id })
    }

    /// Which end of the order's index the cursor bounds, if the rows come out of that index.
    pub(crate) fn bound(&self, by_index: bool) -> Bound {
        match (by_index, self.sort.column().1) {
            (false, _) => Bound::Neither,
            (true, true) => Bound::Upper,
            (true, false) => Bound::Lower,
        }
    }

    /// Adds ` AND (column, id) > (key, id)`, or `<`, for the climb called `climb`: a range of the order's index.
    pub(crate) fn and_after(&self, sql: &mut Fragment, climb: &str, by_index: bool) {
        let (column, down) = self.sort.column();
        sql.sql(" AND (");
        if !by_index {
            sql.unindexed();
        }
        sql.sql(climb).sql(".").sql(column).sql(", ").sql(climb).sql(".id) ").sql(if down {
            "< ("
        } else {
            "> ("
        });
        match &self.key {
            Key::Time(time) => sql.time(*time),
            Key::Number(number) => sql.int(*number),
            Key::Text(text) => sql.text(text.as_str()),
        };
        sql.sql(", ").id(self.id.0).sql(")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_back_and_refuses_the_rest() {
        let id = ClimbId::generate();
        let keys = [
            (ClimbSort::Newest, Key::Time(Timestamp::now())),
            (ClimbSort::NameDesc, Key::Text("la  dalle % de l'ours".into())),
            (ClimbSort::Name, Key::Text(String::new())),
            (ClimbSort::Grade, Key::Number(0)),
            (ClimbSort::Likes, Key::Number(-3)),
        ];
        for (sort, key) in keys {
            let cursor = ClimbCursor { sort, key, id };
            assert_eq!(ClimbCursor::parse(&cursor.to_text()), Ok(cursor));
        }
        for bad in
            ["", "newest", "newest x 2020-01-01T00:00:00Z", &format!("newest {id}"), &format!("grade {id} x")]
        {
            assert_eq!(ClimbCursor::parse(bad), Err(CursorError), "{bad}");
        }
        for sort in ClimbSort::ALL {
            assert_eq!(sort.as_str().parse(), Ok(sort));
        }
        assert!("Newest".parse::<ClimbSort>().is_err());
    }
}
