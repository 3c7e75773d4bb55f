//! Climbs that the reader has something to do with: set by them, their projects.

use std::str::FromStr;

use diesel::RunQueryDsl as _;
use diesel::sql_types::BigInt;
use mastoc_domain::{UnknownWord, UserId};

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
}

impl Mine {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Project, Self::Set];

    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Set => "set",
        }
    }

    /// Adds a select of the ids of these climbs of `person`.
    pub(crate) fn ids(self, sql: &mut Fragment, person: UserId) {
        match self {
            Self::Project => {
                sql.sql("SELECT climb_id FROM climb_personal WHERE user_id = ").id(person.0);
                sql.sql(" AND is_project");
            }
            Self::Set => {
                sql.sql("SELECT id FROM climbs WHERE setter_id = ").id(person.0);
            }
        }
    }
}

impl FromStr for Mine {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|mine| mine.as_str() == text)
            .ok_or_else(|| UnknownWord { found: text.chars().take(40).collect(), expected: "project set" })
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

    /// Whether what a person has to do with climbs leaves few of them. At most one statement.
    pub(super) fn has_few_mine(&self, conn: &mut ReadConn<'_>) -> Result<bool, StoreError> {
        let Some((mine, person)) = self.mine.first() else { return Ok(false) };
        let mut sql = Fragment::new("SELECT count(*) FROM (");
        mine.ids(&mut sql, *person);
        sql.sql(" LIMIT ").big(FEW + 1).sql(") AS few");
        let statement = sql.selecting::<BigInt>();
        let count: i64 = on_backend!(conn, |c| statement.get_result(c))?;
        Ok(count <= FEW)
    }

    /// Adds those conditions, each behind `AND`.
    pub(super) fn and_mine(&self, sql: &mut Fragment, climb: &str, drive: Drive) {
        for (index, (mine, person)) in self.mine.iter().enumerate() {
            column(sql, climb, "id", drive.goes_by(Drive::Mine) && index == 0).sql(" IN (");
            mine.ids(sql, *person);
            sql.sql(")");
        }
    }
}
