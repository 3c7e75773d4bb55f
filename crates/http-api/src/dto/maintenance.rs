//! Holds that need a hand, and closings of reports, as JSON.

use mastoc_domain::{FaceId, GymId, HoldId, Timestamp, UserId};
use mastoc_storage::maintenance::{Closing, Report};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A hold of which most people say that it needs a hand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaintenanceReport)]
pub(crate) struct ReportJson {
    /// The hold.
    #[schema(value_type = i64)]
    hold_id: HoldId,
    /// The face it is on.
    #[schema(value_type = Uuid)]
    face_id: FaceId,
    /// The gym it is in.
    #[schema(value_type = Uuid)]
    gym_id: GymId,
    /// What most say: `cassee`, `usee`, `tournee`, `sale` or `a_brosser`.
    condition: &'static str,
    /// How many say so.
    votes: u32,
    /// How many say anything about its state.
    votes_cast: u32,
    /// Those who say so by those who say anything, from 0 to 1.
    confidence: f64,
    /// Whether enough people agree.
    is_established: bool,
    /// When somebody last said so.
    #[schema(value_type = Option<String>, format = DateTime)]
    newest_at: Option<Timestamp>,
    /// How many climbs use it that the caller may see.
    climbs_count: i64,
}

impl From<&Report> for ReportJson {
    fn from(report: &Report) -> Self {
        let agreed = &report.condition;
        Self {
            hold_id: report.hold_id,
            face_id: report.face_id,
            gym_id: report.gym_id,
            condition: agreed.value.as_str(),
            votes: agreed.votes,
            votes_cast: agreed.cast,
            confidence: agreed.confidence(),
            is_established: agreed.is_established(),
            newest_at: report.newest_at,
            climbs_count: report.climbs_count,
        }
    }
}

/// A page of holds that need a hand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaintenancePage)]
pub(crate) struct ReportPage {
    /// The worst first, then those that most people report, then by id.
    pub(crate) results: Vec<ReportJson>,
    /// How many there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many a page has.
    pub(crate) page_size: i64,
}

/// That somebody saw to a hold, and what was reported until then.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaintenanceClosing)]
pub(crate) struct ClosingJson<'a> {
    /// Its own id.
    id: Uuid,
    /// The hold.
    #[schema(value_type = i64)]
    hold_id: HoldId,
    /// Who closed the report; null for a key of the service.
    #[schema(value_type = Option<Uuid>)]
    closed_by: Option<UserId>,
    /// Their name.
    closed_by_name: Option<&'a str>,
    /// What most people said.
    condition: &'static str,
    /// How many said so.
    votes: u32,
    /// How many said anything about its state.
    votes_cast: u32,
    /// What was done.
    note: Option<&'a str>,
    /// When it was closed.
    #[schema(value_type = String, format = DateTime)]
    closed_at: Timestamp,
}

impl<'a> From<&'a Closing> for ClosingJson<'a> {
    fn from(closing: &'a Closing) -> Self {
        Self {
            id: closing.id,
            hold_id: closing.hold_id,
            closed_by: closing.closed_by,
            closed_by_name: closing.closed_by_name.as_deref(),
            condition: closing.condition.value.as_str(),
            votes: closing.condition.votes,
            votes_cast: closing.condition.cast,
            note: closing.note.as_deref(),
            closed_at: closing.closed_at,
        }
    }
}

/// A page of a hold's closings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaintenanceClosingPage)]
pub(crate) struct ClosingPage<'a> {
    /// Newest first.
    pub(crate) results: Vec<ClosingJson<'a>>,
    /// How many there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many a page has.
    pub(crate) page_size: i64,
}

/// What is told when a report is closed.
#[derive(ToSchema)]
#[schema(as = MaintenanceClosingInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct ClosingInput {
    /// What was done.
    #[schema(required = false, max_length = 2000)]
    note: Option<String>,
}
