//! Climbs that the reader has something to do with: set by them, their projects, what they climbed and liked; and the
//! climbs of a list.

use std::str::FromStr;

use diesel::RunQueryDsl as _;
use diesel::sql_types::BigInt;
use mastoc_domain::{ListId, UnknownWord, UserId};

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;

use super::drive::{Drive, FEW};
use super::filter::{ClimbFilter, column};

/// What a person has to do with the climbs that they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mine {
    /// They marked it as a project.
    Project,
    /// They set it.
    Set,
    /// They logged an ascent of it.
    Sent,
    /// They logged none.
    NotSent,
    /// They like it.
    Liked,
}

impl Mine {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Project, Self::Set, Self::Sent, Self::NotSent, Self::Liked];

    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Set => "set",
            Self::Sent => "sent",
            Self::NotSent => "not_sent",
            Self::Liked => "liked",
        }
    }

    /// Adds a select of the ids of these climbs of `person`; for [`Mine::NotSent`], of those that it leaves out.
    pub(crate) fn ids(self, sql: &mut Fragment, person: UserId) {
        match self {
            Self::Project => {
                sql.sql("SELECT climb_id FROM climb_personal WHERE user_id = ").id(person.0);
                sql.sql(" AND is_project");
            }
            Self::Set => {
                sql.sql("SELECT id FROM climbs WHERE setter_id = ").id(person.0);
            }
            Self::Sent | Self::NotSent => {
                sql.sql("SELECT climb_id FROM ascents WHERE user_id = ").id(person.0);
            }
            Self::Liked => {
                sql.sql("SELECT climb_id FROM climb_likes WHERE user_id = ").id(person.0);
            }
        }
    }
}

impl FromStr for Mine {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|mine| mine.as_str() == text).ok_or_else(|| UnknownWord {
            found: text.chars().take(40).collect(),
            expected: "project set sent not_sent liked",
        })
    }
}

impl ClimbFilter {
    /// Lets only those pass that `mine` says of `person`; the way to fill [`ClimbFilter::mine`], since it knows the
    /// shorter ways.
    pub fn narrow(&mut self, mine: Mine, person: UserId) {
        // Setters have indexes of their own, also in the order of time.
        if mine == Mine::Set && self.setter_ids.is_empty() {
            self.setter_ids.push(person);
        } else {
            self.mine.push((mine, person));
        }
    }

    /// Adds a select of the ids of the climbs of a list.
    fn list_ids(sql: &mut Fragment, list: ListId) {
        sql.sql("SELECT climb_id FROM list_items WHERE list_id = ").id(list.0);
    }

    /// The place in [`ClimbFilter::mine`] of the first condition that leaves only what it names, so that climbs can be
    /// gathered by it.
    fn gathering(&self) -> Option<usize> {
        self.mine.iter().position(|(mine, _)| *mine != Mine::NotSent)
    }

    /// Whether the list, or what a person has to do with climbs, leaves few of them. At most one statement.
    pub(super) fn has_few_mine(&self, conn: &mut ReadConn<'_>) -> Result<bool, StoreError> {
        let mut sql = Fragment::new("SELECT count(*) FROM (");
        match (self.list_id, self.gathering().and_then(|index| self.mine.get(index))) {
            (Some(list), _) => Self::list_ids(&mut sql, list),
            (None, Some((mine, person))) => mine.ids(&mut sql, *person),
            (None, None) => return Ok(false),
        }
        sql.sql(" LIMIT ").big(FEW + 1).sql(") AS few");
        let statement = sql.selecting::<BigInt>();
        let count: i64 = on_backend!(conn, |c| statement.get_result(c))?;
        Ok(count <= FEW)
    }

    /// Adds those conditions, each behind `AND`.
    pub(super) fn and_mine(&self, sql: &mut Fragment, climb: &str, drive: Drive) {
        let is_driven = drive.goes_by(Drive::Mine);
        if let Some(list) = self.list_id {
            column(sql, climb, "id", is_driven).sql(" IN (");
            Self::list_ids(sql, list);
            sql.sql(")");
        }
        let first = self.gathering().filter(|_| self.list_id.is_none());
        for (index, (mine, person)) in self.mine.iter().enumerate() {
            let among = if *mine == Mine::NotSent { " NOT IN (" } else { " IN (" };
            column(sql, climb, "id", is_driven && first == Some(index)).sql(among);
            mine.ids(sql, *person);
            sql.sql(")");
        }
    }
}
