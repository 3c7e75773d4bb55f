//! What an import brings in, as plain values: one record for every kind of row that Stokt knows.
//!
//! Every record carries `extra`: whatever Stokt sent that has no field of its own here, or that would not print
//! back exactly. Record and `extra` together are the whole of what was sent ("lossless", see the decision record).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::board::{ClimbGrade, FeetRuleOption, HoldShape, PictureRef};
use crate::ids::{StoktHoldId, StoktId};
use crate::sync_state::EntityKind;
use crate::time::Timestamp;

/// JSON fields without a place of their own.
pub type Extra = Map<String, Value>;

/// A gym as it is imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportGym {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// The name people know.
    pub display_name: String,
    /// Where it is.
    pub location: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The rest.
    pub extra: Extra,
}

/// A wall as it is imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportWall {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// The gym it stands in.
    pub gym_stokt_id: StoktId,
    /// Its name.
    pub name: String,
    /// Whether its inclination can be changed.
    pub is_angle_adjustable: bool,
    /// Whether it is in use.
    pub is_active: bool,
    /// The feet rules offered on it.
    pub feet_rules: Vec<FeetRuleOption>,
    /// The rest.
    pub extra: Extra,
}

/// A face as it is imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportFace {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// The gym it belongs to.
    pub gym_stokt_id: StoktId,
    /// The wall it shows.
    pub wall_stokt_id: Option<StoktId>,
    /// Whether it is in use.
    pub is_active: bool,
    /// The wall picture. A new path means a new version of the face.
    pub picture: Option<PictureRef>,
    /// A smaller rendering.
    pub small_picture: Option<PictureRef>,
    /// The feet rules that its climbs may name.
    pub feet_rules_options: Vec<String>,
    /// Whether the arrangement is mirror-symmetric.
    pub has_symmetry: bool,
    /// The rest.
    pub extra: Extra,
}

/// A hold as it is imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportHold {
    /// Stokt's id, which becomes ours.
    pub stokt_id: StoktHoldId,
    /// The face it is on.
    pub face_stokt_id: StoktId,
    /// Horizontal centre in pixels.
    pub centroid_x: f64,
    /// Vertical centre in pixels.
    pub centroid_y: f64,
    /// Its outlines and tape lines.
    pub shape: HoldShape,
    /// The rest.
    pub extra: Extra,
}

/// A setter as it is imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportUser {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// The name they show.
    pub full_name: String,
    /// The path of their avatar at Stokt.
    pub avatar_path: Option<String>,
    /// The rest.
    pub extra: Extra,
}

/// A climb as it is imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportClimb {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// The face it is on.
    pub face_stokt_id: StoktId,
    /// Who set it.
    pub setter_stokt_id: Option<StoktId>,
    /// Its name.
    pub name: String,
    /// Its holds with their roles, exactly as sent.
    pub holds_list: String,
    /// The mirrored list, exactly as sent.
    pub mirror_holds_list: String,
    /// Its grade.
    pub grade: ClimbGrade,
    /// What feet may use.
    pub feet_rule: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Whether only its setter may see it.
    pub is_private: bool,
    /// Whether it is a benchmark.
    pub is_benchmark: bool,
    /// How many people climbed it.
    pub climbed_by: i32,
    /// Likes.
    pub total_likes: i32,
    /// Comments.
    pub total_comments: i32,
    /// Comma-separated tags.
    pub tags: String,
    /// The circuit, as sent.
    pub circuit: String,
    /// The angle, as sent.
    pub angle: String,
    /// When it was set.
    pub created_at: Timestamp,
    /// The rest that speaks of the climb.
    pub extra: Extra,
    /// What speaks of the account that asked (liked, attempts, ...), kept apart from the climb; empty when unknown.
    pub viewer: Extra,
}

/// What became of one record of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// A new row.
    Created,
    /// The row existed and was really changed.
    Updated,
    /// The row existed and says the same.
    Exists,
    /// Stokt's version changed nothing here, because the row has local changes that wait to be synchronised.
    KeptLocal,
    /// Refused; kept aside with its reason while the others went on.
    Failed(ItemProblem),
}

/// Why a record was refused, or what is odd about one that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemProblem {
    /// A stable word such as `unknown_hold`.
    pub code: String,
    /// What is wrong, for a person.
    pub detail: String,
}

/// One record's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOutcome {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Stokt's id as text.
    pub stokt_id: String,
    /// Our id as text, where there is a row.
    pub local_id: Option<String>,
    /// What became of it.
    pub status: ItemStatus,
    /// What is odd about a record that was kept as it is.
    pub notes: Vec<ItemProblem>,
}

/// Outcomes of a whole batch, in the batch's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOutcome {
    /// What kind of rows the batch held.
    pub kind: EntityKind,
    /// One outcome for each record.
    pub items: Vec<ItemOutcome>,
}

impl BatchOutcome {
    fn count(&self, wanted: impl Fn(&ItemStatus) -> bool) -> usize {
        self.items.iter().filter(|item| wanted(&item.status)).count()
    }

    /// How many rows are new.
    #[must_use]
    pub fn created(&self) -> usize {
        self.count(|status| *status == ItemStatus::Created)
    }

    /// How many rows really changed.
    #[must_use]
    pub fn updated(&self) -> usize {
        self.count(|status| *status == ItemStatus::Updated)
    }

    /// How many rows said the same already, or keep their local changes.
    #[must_use]
    pub fn unchanged(&self) -> usize {
        self.count(|status| matches!(status, ItemStatus::Exists | ItemStatus::KeptLocal))
    }

    /// How many records were refused.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|status| matches!(status, ItemStatus::Failed(_)))
    }
}
