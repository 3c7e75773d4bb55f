//! Ascents and logbooks as JSON, and the bodies that make and change them.

use std::time::Duration;

use mastoc_domain::grade::FontGrade;
use mastoc_domain::{AscentId, ClimbId, Timestamp, UserId};
use mastoc_storage::ascents::{Ascent, AscentFacts, Logbook, Tally};
use serde::Serialize;
use utoipa::ToSchema;

use super::list::free_text;
use crate::fields::Fields;

/// The most attempts that are believed.
const MOST_ATTEMPTS: i64 = 100_000;
/// How far in the future an ascent may be: clocks and time zones differ.
const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// One ascent of a climb.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ascent)]
pub(crate) struct AscentJson<'a> {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: AscentId,
    /// What was climbed.
    #[schema(value_type = Uuid)]
    climb_id: ClimbId,
    /// The climb's name; null when the climb is hidden from the caller by now.
    climb_name: Option<&'a str>,
    /// The climb's Font grade; null when it has none, or the climb is hidden from the caller by now.
    grade_font: Option<&'a str>,
    /// Who climbed.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The climber's name.
    user_name: &'a str,
    /// When it was climbed.
    #[schema(value_type = String, format = DateTime)]
    climbed_at: Timestamp,
    /// How many attempts it took.
    attempts: i32,
    /// Whether it took one, and that was the first ever.
    is_flash: bool,
    /// Softer (-1), as graded (0) or harder (1).
    grade_feel: Option<i16>,
    /// 1 to 5.
    rating: Option<i16>,
    /// The caller's own notes; null in ascents of others.
    notes: Option<&'a str>,
    /// When it was entered.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a Ascent> for AscentJson<'a> {
    fn from(ascent: &'a Ascent) -> Self {
        Self {
            id: ascent.id,
            climb_id: ascent.climb_id,
            climb_name: ascent.climb_name.as_deref(),
            grade_font: ascent.grade_font.as_deref(),
            user_id: ascent.user_id,
            user_name: &ascent.user_name,
            climbed_at: ascent.facts.climbed_at,
            attempts: ascent.facts.attempts,
            is_flash: ascent.facts.is_flash,
            grade_feel: ascent.facts.grade_feel,
            rating: ascent.facts.rating,
            notes: ascent.facts.notes.as_deref(),
            created_at: ascent.created_at,
            updated_at: ascent.updated_at,
        }
    }
}

/// A page of ascents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AscentPage<'a> {
    /// The ascents of this page.
    pub(crate) results: Vec<AscentJson<'a>>,
    /// How many ascents there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many ascents a page has.
    pub(crate) page_size: i64,
}

/// How often something was climbed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
pub(crate) struct TallyJson {
    /// Ascents.
    ascents: i64,
    /// Different climbs.
    climbs: i64,
    /// Flashes.
    flashes: i64,
}

impl From<&Tally> for TallyJson {
    fn from(tally: &Tally) -> Self {
        Self { ascents: tally.ascents, climbs: tally.climbs, flashes: tally.flashes }
    }
}

/// How often climbs of one grade were climbed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GradeTally)]
pub(crate) struct GradeTallyJson {
    /// Font grade, `?` where ungraded; null for climbs that are hidden from the caller by now.
    grade_font: Option<&'static str>,
    #[serde(flatten)]
    tally: TallyJson,
}

/// How often one climbed in one month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonthTally)]
pub(crate) struct MonthTallyJson<'a> {
    /// The month in UTC: `2026-11`.
    month: &'a str,
    #[serde(flatten)]
    tally: TallyJson,
}

/// A logbook in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Logbook)]
pub(crate) struct LogbookJson<'a> {
    /// All of it.
    total: TallyJson,
    /// By grade, the easiest first.
    by_grade: Vec<GradeTallyJson>,
    /// By month, the latest first.
    by_month: Vec<MonthTallyJson<'a>>,
}

impl<'a> From<&'a Logbook> for LogbookJson<'a> {
    fn from(logbook: &'a Logbook) -> Self {
        let grade = |(grade, tally): &(Option<FontGrade>, Tally)| GradeTallyJson {
            grade_font: grade.map(FontGrade::as_str),
            tally: tally.into(),
        };
        let month = |(month, tally): &'a (String, Tally)| MonthTallyJson { month, tally: tally.into() };
        Self {
            total: (&logbook.total).into(),
            by_grade: logbook.by_grade.iter().map(grade).collect(),
            by_month: logbook.by_month.iter().map(month).collect(),
        }
    }
}

/// An ascent to be entered. Every field may be left out.
#[derive(ToSchema)]
#[schema(as = NewAscent)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct NewAscentInput {
    /// When it was climbed; now by default, and at most a day ahead.
    #[schema(required = false, value_type = Option<String>, format = DateTime)]
    climbed_at: Option<Timestamp>,
    /// How many attempts it took; 1 by default.
    #[schema(required = false, minimum = 1, maximum = 100000)]
    attempts: Option<i32>,
    /// Whether it took one attempt, which was the first ever; false by default.
    #[schema(required = false)]
    is_flash: Option<bool>,
    /// Softer (-1), as graded (0) or harder (1).
    #[schema(required = false, minimum = -1, maximum = 1)]
    grade_feel: Option<i16>,
    /// 1 to 5.
    #[schema(required = false, minimum = 1, maximum = 5)]
    rating: Option<i16>,
    /// For the climber's own eyes.
    #[schema(required = false, max_length = 2000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    notes: Option<String>,
}

/// What becomes different about an ascent. A field that is not sent stays; null clears what may be empty.
#[derive(ToSchema)]
#[schema(as = AscentChange)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct AscentChangeInput {
    /// When it was climbed; at most a day ahead.
    #[schema(required = false, value_type = String, format = DateTime)]
    climbed_at: Timestamp,
    /// How many attempts it took.
    #[schema(required = false, minimum = 1, maximum = 100000)]
    attempts: i32,
    /// Whether it took one attempt, which was the first ever.
    #[schema(required = false)]
    is_flash: bool,
    /// Softer (-1), as graded (0) or harder (1).
    #[schema(required = false, minimum = -1, maximum = 1)]
    grade_feel: Option<i16>,
    /// 1 to 5.
    #[schema(required = false, minimum = 1, maximum = 5)]
    rating: Option<i16>,
    /// For the climber's own eyes.
    #[schema(required = false, max_length = 2000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    notes: Option<String>,
}

/// What was sent of an ascent: `None` where a field was not.
pub(crate) struct SentAscent {
    climbed_at: Option<Timestamp>,
    attempts: Option<i32>,
    is_flash: Option<bool>,
    grade_feel: Option<Option<i16>>,
    rating: Option<Option<i16>>,
    notes: Option<Option<String>>,
}

fn small(fields: &mut Fields, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<Option<i16>> {
    let number = fields.integer(name, range)?;
    Some(number.and_then(|number| i16::try_from(number).ok()))
}

/// Reads what is told of an ascent; what is wrong is noted in `fields`. In a new one, null is as good as nothing.
pub(crate) fn sent(fields: &mut Fields, now: Timestamp, is_new: bool) -> SentAscent {
    let time = fields.time("climbed_at");
    let latest = now.as_utc() + AHEAD;
    if time.flatten().is_some_and(|time| time.as_utc() > latest) {
        fields.refuse("climbed_at", "must not be in the future");
    }
    let attempts = fields.integer("attempts", 1..=MOST_ATTEMPTS);
    let flash = fields.flag("is_flash");
    let (climbed_at, attempts, is_flash) = if is_new {
        (time.flatten(), attempts.flatten(), flash.flatten())
    } else {
        (
            fields.not_null("climbed_at", time),
            fields.not_null("attempts", attempts),
            fields.not_null("is_flash", flash),
        )
    };
    SentAscent {
        climbed_at,
        attempts: attempts.and_then(|attempts| i32::try_from(attempts).ok()),
        is_flash,
        grade_feel: small(fields, "grade_feel", -1..=1),
        rating: small(fields, "rating", 1..=5),
        notes: free_text(fields, "notes"),
    }
}

impl SentAscent {
    /// What the ascent is with this, over what it was before.
    pub(crate) fn over(self, before: AscentFacts) -> AscentFacts {
        AscentFacts {
            climbed_at: self.climbed_at.unwrap_or(before.climbed_at),
            attempts: self.attempts.unwrap_or(before.attempts),
            is_flash: self.is_flash.unwrap_or(before.is_flash),
            grade_feel: self.grade_feel.unwrap_or(before.grade_feel),
            rating: self.rating.unwrap_or(before.rating),
            notes: self.notes.unwrap_or(before.notes),
        }
    }

    /// A new ascent with this.
    pub(crate) fn fresh(self, now: Timestamp) -> AscentFacts {
        self.over(AscentFacts {
            climbed_at: now,
            attempts: 1,
            is_flash: false,
            grade_feel: None,
            rating: None,
            notes: None,
        })
    }
}
