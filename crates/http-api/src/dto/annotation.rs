//! What people say about holds, as JSON.

use std::collections::BTreeMap;

use mastoc_domain::annotation::{Condition, Consensus, Difficulty, GripType, Vote};
use mastoc_domain::{HoldId, Timestamp};
use mastoc_storage::annotations::{Annotation, AnnotationPatch, HoldAnnotations};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fields::Fields;

/// The longest notes, in characters.
const LONGEST_NOTES: usize = 2_000;
/// The most holds that are asked about at once.
const MOST_HOLDS: usize = 1_000;

/// What most people say about a hold, by dimension.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HoldConsensus)]
struct ConsensusJson {
    /// How it is gripped: `plat`, `reglette`, `bi_doigt`, `tri_doigt`, `mono_doigt`, `pince`, `colonnette`, `inverse`,
    /// `bac`, `prise_volume`, `micro` or `autre`.
    grip_type: Option<&'static str>,
    /// How many say so.
    grip_type_votes: u32,
    /// Their share of those who say anything about the grip, from 0 to 1.
    grip_type_confidence: f64,
    /// Whether enough people agree: 3 votes and half of those cast.
    grip_type_established: bool,
    /// Its state: `ok`, `a_brosser`, `sale`, `tournee`, `usee` or `cassee`. Reports that were closed do not count.
    condition: Option<&'static str>,
    /// How many say so.
    condition_votes: u32,
    /// Their share of those who say anything about its state.
    condition_confidence: f64,
    /// Whether enough people agree: 2 votes and 60 % of those cast.
    condition_established: bool,
    /// How hard it is: `facile`, `normale` or `dure`.
    difficulty: Option<&'static str>,
    /// How many say so.
    difficulty_votes: u32,
    /// Their share of those who say anything about how hard it is.
    difficulty_confidence: f64,
    /// Whether enough people agree: 3 votes and half of those cast.
    difficulty_established: bool,
    /// How many people said something about the hold.
    total_annotators: u32,
}

/// What the caller says about a hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserAnnotation)]
struct OwnJson<'a> {
    /// How they grip it.
    grip_type: Option<&'static str>,
    /// What state they found it in.
    condition: Option<&'static str>,
    /// Whether somebody has seen to the hold since, so that what they said of its state counts no more.
    is_condition_closed: bool,
    /// How hard they find it.
    difficulty: Option<&'static str>,
    /// For themselves; nobody else sees it.
    notes: Option<&'a str>,
    /// When they first said something.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When they last changed it.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What people say about a hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HoldAnnotations)]
pub(crate) struct HoldAnnotationsJson<'a> {
    /// The hold.
    #[schema(value_type = i64)]
    hold_id: HoldId,
    /// What most say.
    consensus: ConsensusJson,
    /// What the caller says; null where they say nothing, and for callers that are not persons.
    user_annotation: Option<OwnJson<'a>>,
}

/// A dimension's word, votes, confidence, and whether it is established.
fn said<T: Vote>(
    agreed: Option<&Consensus<T>>,
    word: impl Fn(T) -> &'static str,
) -> (Option<&'static str>, u32, f64, bool) {
    agreed.map_or((None, 0, 0.0, false), |agreed| {
        (Some(word(agreed.value)), agreed.votes, agreed.confidence(), agreed.is_established())
    })
}

impl<'a> From<&'a HoldAnnotations> for HoldAnnotationsJson<'a> {
    fn from(hold: &'a HoldAnnotations) -> Self {
        let grip = said(hold.grip_type.as_ref(), GripType::as_str);
        let condition = said(hold.condition.as_ref(), Condition::as_str);
        let difficulty = said(hold.difficulty.as_ref(), Difficulty::as_str);
        Self {
            hold_id: hold.hold_id,
            consensus: ConsensusJson {
                grip_type: grip.0,
                grip_type_votes: grip.1,
                grip_type_confidence: grip.2,
                grip_type_established: grip.3,
                condition: condition.0,
                condition_votes: condition.1,
                condition_confidence: condition.2,
                condition_established: condition.3,
                difficulty: difficulty.0,
                difficulty_votes: difficulty.1,
                difficulty_confidence: difficulty.2,
                difficulty_established: difficulty.3,
                total_annotators: hold.total_annotators,
            },
            user_annotation: hold.own.as_ref().map(OwnJson::from),
        }
    }
}

impl<'a> From<&'a Annotation> for OwnJson<'a> {
    fn from(own: &'a Annotation) -> Self {
        Self {
            grip_type: own.grip_type.map(GripType::as_str),
            condition: own.condition.map(Condition::as_str),
            is_condition_closed: own.is_condition_closed,
            difficulty: own.difficulty.map(Difficulty::as_str),
            notes: own.notes.as_deref(),
            created_at: own.created_at,
            updated_at: own.updated_at,
        }
    }
}

/// What people say about many holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HoldAnnotationsBatch)]
pub(crate) struct BatchJson<'a> {
    /// By the holds' ids as text; ids that no hold has are left out.
    #[schema(value_type = std::collections::HashMap<String, HoldAnnotationsJson<'a>>)]
    annotations: BTreeMap<i64, HoldAnnotationsJson<'a>>,
}

impl<'a> From<&'a [HoldAnnotations]> for BatchJson<'a> {
    fn from(holds: &'a [HoldAnnotations]) -> Self {
        Self { annotations: holds.iter().map(|hold| (hold.hold_id.0, hold.into())).collect() }
    }
}

/// What somebody says about a hold. A field that is not sent stays; null and an empty text clear it.
#[derive(ToSchema)]
#[schema(as = AnnotationInput)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct AnnotationInput {
    /// `plat`, `reglette`, `bi_doigt`, `tri_doigt`, `mono_doigt`, `pince`, `colonnette`, `inverse`, `bac`,
    /// `prise_volume`, `micro` or `autre`.
    #[schema(
        required = false,
        pattern = "^(plat|reglette|bi_doigt|tri_doigt|mono_doigt|pince|colonnette|inverse|bac|prise_volume|micro|autre)?$"
    )]
    grip_type: Option<String>,
    /// `ok`, `a_brosser`, `sale`, `tournee`, `usee` or `cassee`. Saying the same again after a report was closed reports it
    /// again.
    #[schema(required = false, pattern = "^(ok|a_brosser|sale|tournee|usee|cassee)?$")]
    condition: Option<String>,
    /// `facile`, `normale` or `dure`.
    #[schema(required = false, pattern = "^(facile|normale|dure)?$")]
    difficulty: Option<String>,
    /// For oneself.
    #[schema(required = false, max_length = 2000)]
    notes: Option<String>,
}

/// Which holds are asked about.
#[derive(ToSchema)]
#[schema(as = HoldIds)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct HoldIdsInput {
    /// Their ids.
    #[schema(max_items = 1000)]
    hold_ids: Vec<i64>,
}

/// A word, or nothing where the text is empty; the refusal names the words there are.
fn word<T: std::str::FromStr<Err: std::fmt::Display>>(fields: &mut Fields, name: &str) -> Option<Option<T>> {
    let text = fields.text(name, 100)?;
    match text.as_deref().map(str::trim) {
        None | Some("") => Some(None),
        Some(text) => match text.parse() {
            Ok(word) => Some(Some(word)),
            Err(error) => {
                fields.refuse(name, error);
                None
            }
        },
    }
}

/// Reads what somebody says about a hold.
pub(crate) fn patch(fields: &mut Fields) -> AnnotationPatch {
    AnnotationPatch {
        grip_type: word(fields, "grip_type"),
        condition: word(fields, "condition"),
        difficulty: word(fields, "difficulty"),
        notes: fields
            .long_text("notes", LONGEST_NOTES)
            .map(|text| text.filter(|text| !text.trim().is_empty())),
    }
}

/// Reads which holds are asked about.
pub(crate) fn hold_ids(fields: &mut Fields) -> Vec<HoldId> {
    let read = fields.list("hold_ids", MOST_HOLDS, |item| {
        item.as_i64().map(HoldId).ok_or_else(|| "is no number of a hold".to_owned())
    });
    fields.required("hold_ids", read).unwrap_or_default()
}
