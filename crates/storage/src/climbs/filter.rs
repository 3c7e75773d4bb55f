//! What can be asked of climbs, and the conditions that it becomes.

use mastoc_domain::fold::{escape_like, fold_name};
use mastoc_domain::grade::FontGrade;
use mastoc_domain::holds_list::Role;
use mastoc_domain::sync_state::Source;
use mastoc_domain::{FaceId, GymId, HoldId, ListId, Timestamp, UserId};

use crate::fragment::Fragment;
use crate::visibility::Viewer;

use super::cursor::Bound;
use super::drive::Drive;
use super::mine::Mine;

/// The longest name or tag that is looked for, in bytes; nothing stored is longer.
const LONGEST_TEXT: usize = 1_000;

/// A hold that climbs are searched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldMatch {
    /// Which hold.
    pub hold: HoldId,
    /// In which role; `None` for any.
    pub role: Option<Role>,
}

/// Which climbs are wanted: those that pass every field that is set. The default wants all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClimbFilter {
    /// On a face of this gym.
    pub gym_id: Option<GymId>,
    /// On this face.
    pub face_id: Option<FaceId>,
    /// Set by one of these; empty for anybody.
    pub setter_ids: Vec<UserId>,
    /// Set by none of these; a climb without a known setter passes.
    pub exclude_setter_ids: Vec<UserId>,
    /// Born there.
    pub source: Option<Source>,
    /// The folded name contains this text, folded.
    pub search: Option<String>,
    /// At least this Font grade.
    pub grade_min: Option<FontGrade>,
    /// At most this Font grade.
    pub grade_max: Option<FontGrade>,
    /// Whether ungraded climbs pass the limits on grades too.
    pub include_ungraded: bool,
    /// At least this IRCRA value.
    pub min_ircra: Option<f64>,
    /// At most this IRCRA value.
    pub max_ircra: Option<f64>,
    /// Set at this time or later.
    pub since_created_at: Option<Timestamp>,
    /// Brought in line with Stokt at this time or later.
    pub since_synced_at: Option<Timestamp>,
    /// Unknown at Stokt.
    pub local_only: bool,
    /// With exactly this feet rule.
    pub feet_rule: Option<String>,
    /// A benchmark, or not.
    pub benchmark: Option<bool>,
    /// Bearing each of these tags as a whole tag, small and capital letters alike.
    pub tags: Vec<String>,
    /// Using each of these holds.
    pub holds: Vec<HoldMatch>,
    /// Using one of these holds at least; empty for any.
    pub any_holds: Vec<HoldMatch>,
    /// Using none of these holds.
    pub without_holds: Vec<HoldId>,
    /// Of at least so many different holds.
    pub min_holds: Option<i32>,
    /// Of at most so many different holds.
    pub max_holds: Option<i32>,
    /// With which this person has each of these to do.
    pub mine: Vec<(Mine, UserId)>,
    /// In this list, which whoever asks was found to see.
    pub list_id: Option<ListId>,
}

impl ClimbFilter {
    /// Whether climbs are chosen by nothing but where they are: the questions that come all the time.
    pub(crate) fn is_plain(&self) -> bool {
        let plain = Self { gym_id: self.gym_id, face_id: self.face_id, ..Self::default() };
        *self == plain
    }

    /// The LIKE pattern that folded names have to match; `None` where every name will do, or none can.
    pub(crate) fn name_pattern(&self) -> Option<String> {
        let folded = fold_name(self.search.as_deref()?);
        (is_storable(&folded) && !folded.is_empty()).then(|| format!("%{}%", escape_like(&folded)))
    }

    /// Whether a limit on Font grades is set.
    pub(crate) fn limits_grades(&self) -> bool {
        self.grade_min.is_some() || self.grade_max.is_some()
    }

    /// Adds the condition on the face or gym alone, or `TRUE`.
    pub(crate) fn place(&self, sql: &mut Fragment, climb: &str) {
        match (self.face_id, self.gym_id) {
            (Some(face), None) => sql.sql(climb).sql(".face_id = ").id(face.0),
            (None, Some(gym)) => {
                sql.sql(climb).sql(".face_id IN (SELECT id FROM faces WHERE gym_id = ").id(gym.0).sql(")")
            }
            (Some(face), Some(gym)) => {
                sql.sql(climb).sql(".face_id IN (SELECT id FROM faces WHERE id = ").id(face.0);
                sql.sql(" AND gym_id = ").id(gym.0).sql(")")
            }
            (None, None) => sql.sql("TRUE"),
        };
    }

    /// Adds every condition on the climb called `climb` but what `viewer` may see, each behind `AND`. Only the one
    /// that `drive` goes by is left to SQLite to choose an index by.
    fn and_conditions(&self, sql: &mut Fragment, climb: &str, drive: Drive, taken: Bound) {
        self.and_place(sql, climb, drive);
        self.and_setters(sql, climb, drive);
        self.and_grades(sql, climb, drive, taken);
        self.and_texts(sql, climb, drive);
        self.and_holds(sql, climb);
        self.and_mine(sql, climb, drive);
        if let Some(since) = self.since_created_at {
            let indexed = drive.goes_by(Drive::Created) && taken != Bound::Lower;
            column(sql, climb, "created_at", indexed).sql(" >= ").time(since);
        }
        if let Some(since) = self.since_synced_at {
            column(sql, climb, "synced_at", drive.goes_by(Drive::Synced)).sql(" >= ").time(since);
        }
        self.and_marks(sql, climb, drive.goes_by(Drive::Marks));
        if self.source == Some(Source::Stokt) {
            column(sql, climb, "source", false).sql(" = 'stokt'");
        }
        if self.benchmark == Some(false) {
            sql.sql(" AND NOT ").sql(climb).sql(".is_benchmark");
        }
        if let Some(least) = self.min_holds {
            column(sql, climb, "holds_count", false).sql(" >= ").int(least);
        }
        if let Some(most) = self.max_holds {
            column(sql, climb, "holds_count", false).sql(" <= ").int(most);
        }
    }

    /// Whether one of the rare marks is asked for.
    pub(crate) fn has_marks(&self) -> bool {
        self.local_only
            || self.source == Some(Source::Mastoc)
            || self.benchmark == Some(true)
            || self.wants_tags()
    }

    /// Adds the conditions that climbs bear the rare marks, each behind `AND`; each has an index of just those climbs.
    pub(crate) fn and_marks(&self, sql: &mut Fragment, climb: &str, indexed: bool) {
        if self.local_only {
            column(sql, climb, "stokt_id", indexed).sql(" IS NULL");
        }
        if self.source == Some(Source::Mastoc) {
            column(sql, climb, "source", indexed).sql(" = 'mastoc'");
        }
        if self.benchmark == Some(true) {
            column(sql, climb, "is_benchmark", indexed);
        }
        if self.wants_tags() {
            column(sql, climb, "tags", indexed).sql(" <> ''");
        }
    }

    fn wants_tags(&self) -> bool {
        self.tags.iter().any(|tag| !tag.trim().is_empty())
    }

    fn and_place(&self, sql: &mut Fragment, climb: &str, drive: Drive) {
        if let Some(face) = self.face_id {
            column(sql, climb, "face_id", drive.goes_by(Drive::Face)).sql(" = ").id(face.0);
        }
        if let Some(gym) = self.gym_id.filter(|_| drive != Drive::GymFaces) {
            column(sql, climb, "face_id", drive.goes_by(Drive::Gym));
            sql.sql(" IN (SELECT id FROM faces WHERE gym_id = ").id(gym.0).sql(")");
        }
    }

    fn and_setters(&self, sql: &mut Fragment, climb: &str, drive: Drive) {
        if !self.setter_ids.is_empty() && drive != Drive::EachSetter {
            column(sql, climb, "setter_id", drive.goes_by(Drive::Setters));
            match self.setter_ids.as_slice() {
                [setter] => sql.sql(" = ").id(setter.0),
                setters => sql.sql(" IN ").list(setters, |sql, setter| {
                    sql.id(setter.0);
                }),
            };
        }
        if !self.exclude_setter_ids.is_empty() {
            sql.sql(" AND (")
                .sql(climb)
                .sql(".setter_id IS NULL OR ")
                .unindexed()
                .sql(climb)
                .sql(".setter_id NOT IN ");
            sql.list(&self.exclude_setter_ids, |sql, setter| {
                sql.id(setter.0);
            });
            sql.sql(")");
        }
    }

    /// Adds the limits on Font grades alone, without `AND`, each hidden from SQLite's choice of index unless
    /// `lower` or `upper`. They never let an ungraded climb (rank 0) pass by themselves.
    pub(crate) fn grades(&self, sql: &mut Fragment, climb: &str, lower: bool, upper: bool) {
        let bound = |sql: &mut Fragment, indexed: bool, relation: &str, rank: i32| {
            if !indexed {
                sql.unindexed();
            }
            sql.sql(climb).sql(".grade_rank ").sql(relation).sql(" ").int(rank);
        };
        let lowest = self.grade_min.map_or(1, FontGrade::rank).max(1);
        bound(sql, lower, ">=", lowest);
        if let Some(highest) = self.grade_max {
            sql.sql(" AND ");
            bound(sql, upper, "<=", highest.rank());
        }
    }

    fn and_grades(&self, sql: &mut Fragment, climb: &str, drive: Drive, taken: Bound) {
        if self.limits_grades() {
            sql.sql(" AND (");
            let indexed = drive.goes_by(Drive::Grades) && !self.include_ungraded;
            self.grades(sql, climb, indexed && taken != Bound::Lower, indexed && taken != Bound::Upper);
            if self.include_ungraded {
                sql.sql(" OR ").unindexed().sql(climb).sql(".grade_rank = 0");
            }
            sql.sql(")");
        }
        for (limit, relation) in [(self.min_ircra, " >= "), (self.max_ircra, " <= ")] {
            let Some(limit) = limit else { continue };
            sql.sql(" AND (").sql(climb).sql(".grade_ircra").sql(relation).double(limit);
            if self.include_ungraded {
                sql.sql(" OR ").sql(climb).sql(".grade_ircra IS NULL");
            }
            sql.sql(")");
        }
    }

    fn and_texts(&self, sql: &mut Fragment, climb: &str, drive: Drive) {
        if let Some(pattern) = self.name_pattern() {
            if drive == Drive::Names {
                sql.sql(" AND ")
                    .sql(climb)
                    .sql(".id IN (SELECT n.id FROM climbs n WHERE n.name_folded LIKE ");
                sql.text(pattern).sql(" ESCAPE '\\')");
            } else {
                column(sql, climb, "name_folded", false).sql(" LIKE ").text(pattern).sql(" ESCAPE '\\'");
            }
        } else if self.search.as_ref().is_some_and(|text| !is_storable(&fold_name(text))) {
            sql.sql(" AND FALSE");
        }
        if let Some(rule) = &self.feet_rule {
            if is_storable(rule) {
                column(sql, climb, "feet_rule", false).sql(" = ").text(rule.as_str());
            } else {
                sql.sql(" AND FALSE");
            }
        }
        for tag in self.tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
            if !is_storable(tag) || tag.contains(',') {
                sql.sql(" AND FALSE");
                continue;
            }
            // PostgreSQL takes LIKE on an expression for rarer than it is, but guesses one half for CASE.
            sql.sql(" AND CASE WHEN ");
            for (index, variant) in letter_cases(tag).into_iter().enumerate() {
                sql.sql(if index > 0 { " OR " } else { "" });
                sql.sql("',' || lower(replace(")
                    .sql(climb)
                    .sql(".tags, ', ', ',')")
                    .either(" COLLATE \"C\"", "");
                sql.sql(") || ',' LIKE ").text(format!("%,{},%", escape_like(&variant))).sql(" ESCAPE '\\'");
            }
            sql.sql(" THEN TRUE ELSE FALSE END");
        }
    }

    fn and_holds(&self, sql: &mut Fragment, climb: &str) {
        if !self.holds.is_empty() {
            sql.sql(" AND ").sql(climb).sql(".id IN (");
            for (index, hold) in self.holds.iter().enumerate() {
                sql.sql(if index > 0 { " INTERSECT " } else { "" });
                sql.sql("SELECT climb_id FROM climb_holds WHERE ");
                hold.condition(sql);
            }
            sql.sql(")");
        }
        if !self.any_holds.is_empty() {
            sql.sql(" AND ");
            if !self.holds.is_empty() {
                sql.unindexed();
            }
            sql.sql(climb).sql(".id IN (SELECT climb_id FROM climb_holds WHERE ");
            for (index, hold) in self.any_holds.iter().enumerate() {
                sql.sql(if index > 0 { " OR " } else { "" });
                hold.condition(sql);
            }
            sql.sql(")");
        }
        if !self.without_holds.is_empty() {
            sql.sql(" AND ").sql(climb).sql(".id NOT IN (SELECT climb_id FROM climb_holds WHERE hold_id IN ");
            sql.list(&self.without_holds, |sql, hold| {
                sql.big(hold.0);
            });
            sql.sql(")");
        }
    }

    /// Adds everything that a climb has to be for `viewer` to get it, without `AND` in front. `taken` is the end of
    /// the index that a cursor bounds already.
    pub(crate) fn conditions(
        &self,
        sql: &mut Fragment,
        climb: &str,
        viewer: Viewer,
        drive: Drive,
        taken: Bound,
    ) {
        viewer.sees(sql, climb);
        self.and_conditions(sql, climb, drive, taken);
    }
}

impl HoldMatch {
    fn condition(&self, sql: &mut Fragment) {
        match self.role {
            Some(role) => {
                sql.sql("(hold_id = ").big(self.hold.0).sql(" AND role = ").text(role.as_str()).sql(")");
            }
            None => {
                sql.sql("hold_id = ").big(self.hold.0);
            }
        }
    }
}

/// Adds ` AND climb.name`, hidden from SQLite's choice of index unless `indexed`.
pub(super) fn column<'s>(sql: &'s mut Fragment, climb: &str, name: &str, indexed: bool) -> &'s mut Fragment {
    sql.sql(" AND ");
    if !indexed {
        sql.unindexed();
    }
    sql.sql(climb).sql(".").sql(name)
}

/// Whether text of this kind can be stored at all; PostgreSQL even refuses to be asked for NUL.
fn is_storable(text: &str) -> bool {
    text.len() <= LONGEST_TEXT && !text.contains('\0')
}

/// The ways in which a tag may be capitalised, with ASCII letters made small, which the databases do themselves.
/// Neither database makes other letters small by the same rules, hence: as given, small, capital, capitalised.
fn letter_cases(tag: &str) -> Vec<String> {
    let small = tag.to_lowercase();
    let mut letters = small.chars();
    let capitalised: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let mut cases = Vec::with_capacity(4);
    for case in [tag.to_owned(), small, tag.to_uppercase(), capitalised] {
        let case = case.to_ascii_lowercase();
        if !cases.contains(&case) {
            cases.push(case);
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_means_chosen_by_place_only() {
        assert!(ClimbFilter::default().is_plain());
        assert!(ClimbFilter { gym_id: Some(GymId::generate()), ..ClimbFilter::default() }.is_plain());
        assert!(!ClimbFilter { min_holds: Some(1), ..ClimbFilter::default() }.is_plain());
    }

    #[test]
    fn a_tag_of_plain_letters_has_one_form() {
        assert_eq!(letter_cases("Dalle"), ["dalle"]);
        assert_eq!(letter_cases("Évité"), ["Évité", "évité", "ÉvitÉ"]);
    }
}
