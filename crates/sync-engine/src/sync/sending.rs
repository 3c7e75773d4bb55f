//! What is sent to Stokt of a climb: frozen in the outbox, in Stokt's words, and what Stokt would refuse of it.

use std::collections::HashMap;

use mastoc_domain::canonical::{CanonicalClimb, fingerprint};
use mastoc_domain::holds_list::{HoldsList, Role};
use mastoc_domain::sync_merge::Field;
use mastoc_domain::{HoldId, StoktHoldId, StoktId};
use mastoc_stokt_client::types::{ClimbPatch, NewClimb, NewGrade, NewHolds};
use mastoc_storage::outbox::Entry;
use mastoc_storage::sync_climbs::ClimbSide;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusals::{Outgoing, refusals};

/// What a row of the outbox holds about a climb.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    /// The climb's name, for people.
    pub(crate) name: String,
    /// Stokt's id of its gym.
    pub(crate) gym: StoktId,
    /// Stokt's id of its face.
    pub(crate) face: StoktId,
    /// The base once Stokt has done it, in canonical form.
    pub(crate) base: Value,
    /// What Stokt shows then, in canonical form.
    pub(crate) expected: Value,
    /// What is sent.
    pub(crate) send: Send,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Send {
    /// The whole climb.
    Create(Box<NewClimb>),
    /// Fields of it.
    Patch {
        /// Which of the canonical form.
        fields: Vec<Field>,
        /// Their values.
        patch: Box<ClimbPatch>,
    },
    /// Its privacy.
    Privacy(bool),
    /// That it goes.
    Delete,
}

impl Frozen {
    /// What a row holds; `None` for a row that this version did not write.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        serde_json::from_value(entry.payload.clone()).ok()
    }

    /// As a row holds it.
    pub(crate) fn to_json(&self) -> Value {
        // Plain structs with text keys always become JSON.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The base once Stokt has done it.
    pub(crate) fn base(&self) -> Option<CanonicalClimb> {
        CanonicalClimb::from_json(&self.base)
    }

    /// What Stokt shows then.
    pub(crate) fn expected(&self) -> Option<CanonicalClimb> {
        CanonicalClimb::from_json(&self.expected)
    }

    /// Whether Stokt shows what was sent; fields that were not sent do not matter, nor does white space around a name,
    /// which Stokt cuts off.
    pub(crate) fn is_shown_by(&self, shown: &CanonicalClimb) -> bool {
        let Some(expected) = self.expected() else { return false };
        match &self.send {
            Send::Create(_) | Send::Delete => false,
            Send::Privacy(is_private) => shown.is_private == *is_private,
            Send::Patch { fields, .. } => fields.iter().all(|field| is_taken(*field, &expected, shown)),
        }
    }

    /// The fields that Stokt does not show as they were sent.
    pub(crate) fn refused_fields(&self, shown: &CanonicalClimb) -> Vec<&'static str> {
        match (&self.send, self.expected()) {
            (Send::Patch { fields, .. }, Some(expected)) => fields
                .iter()
                .filter(|field| !is_taken(**field, &expected, shown))
                .map(|field| field.as_str())
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn is_taken(field: Field, sent: &CanonicalClimb, shown: &CanonicalClimb) -> bool {
    match field {
        Field::Name => sent.name.trim() == shown.name.trim(),
        field => field.is_same(sent, shown),
    }
}

/// What Stokt was last told of a climb that it does not tell again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    description: String,
    grade: Option<NewGrade>,
}

impl Told {
    /// Reads it off what was sent, oldest first.
    pub(crate) fn by(payloads: &[Value]) -> Self {
        let mut told = Self::default();
        for payload in payloads {
            let Ok(frozen) = serde_json::from_value::<Frozen>(payload.clone()) else { continue };
            let (description, grade) = match frozen.send {
                Send::Create(new) => (Some(new.description), new.grade),
                Send::Patch { patch, .. } => (patch.description, patch.grade),
                Send::Privacy(_) | Send::Delete => continue,
            };
            told.description = description.unwrap_or(told.description);
            told.grade = grade.or(told.grade);
        }
        told
    }
}

/// Where a climb is at Stokt, and which of its holds are known there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board {
    /// Stokt's ids of gyms, by Stokt's ids of their faces.
    pub(crate) gyms: HashMap<StoktId, StoktId>,
    /// Stokt's ids of holds.
    pub(crate) holds: HashMap<HoldId, Option<StoktHoldId>>,
}

/// A climb with its place at Stokt.
pub(crate) struct Placed<'a> {
    side: &'a ClimbSide,
    gym: StoktId,
    face: StoktId,
    holds: NewHolds,
}

/// Finds a climb's place at Stokt, or says what Stokt would refuse of it. `fields`: what is to be sent.
pub(crate) fn place<'a>(side: &'a ClimbSide, board: &Board, fields: &[Field]) -> Result<Placed<'a>, String> {
    let found = side.face_stokt_id.and_then(|face| Some((face, *board.gyms.get(&face)?)));
    let climb =
        Outgoing { is_face_there: found.is_some(), name: &side.name, holds_list: &side.holds_list, fields };
    let is_there =
        |hold: HoldId| board.holds.get(&hold).copied().flatten().is_some_and(|there| there.get() == hold.0);
    let refused = refusals(&climb, is_there);
    match found {
        Some((face, gym)) if refused.is_empty() => {
            // A list that cannot be read is refused where it would be sent.
            let holds = HoldsList::parse(&side.holds_list).map(|list| holds(&list)).unwrap_or_default();
            Ok(Placed { side, gym, face, holds })
        }
        _ => Err(refused.join("; ")),
    }
}

/// The holds by role, in the order in which they are written here, none twice in one role.
fn holds(list: &HoldsList) -> NewHolds {
    let of = |role: Role| {
        let mut ids: Vec<String> = Vec::new();
        for token in list.iter().filter(|token| token.role == role) {
            let id = token.hold.to_string();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    };
    NewHolds {
        start: of(Role::Start),
        others: of(Role::Other),
        top: of(Role::Top),
        feet_only: of(Role::Feet),
    }
}

/// The setter's own grade in Stokt's words; none for an ungraded climb, and for a grade that the crowd gave.
fn grade(side: &ClimbSide) -> Option<NewGrade> {
    let font = side.grade.font.as_deref().filter(|font| side.has_own_grade && *font != "?")?;
    Some(NewGrade { grading_system: "font".to_owned(), value: font.to_lowercase() })
}

impl Placed<'_> {
    /// By what it would be recognised at Stokt.
    pub(crate) fn fingerprint(&self, account: StoktId) -> String {
        fingerprint(self.face, account, &self.side.holds_list, &self.side.name)
    }

    fn freeze(&self, base: &CanonicalClimb, expected: &CanonicalClimb, send: Send) -> Frozen {
        Frozen {
            name: self.side.name.clone(),
            gym: self.gym,
            face: self.face,
            base: base.to_json(),
            expected: expected.to_json(),
            send,
        }
    }

    /// To be made at Stokt.
    pub(crate) fn create(self) -> Frozen {
        let side = self.side;
        let new = NewClimb {
            name: side.name.clone(),
            holds_list: self.holds.clone(),
            grade: grade(side),
            description: side.description.clone().unwrap_or_default(),
            is_private: side.is_private,
            feet_rule: side.canonical.feet_rule.clone().unwrap_or_default(),
        };
        self.freeze(&side.canonical, &side.canonical, Send::Create(Box::new(new)))
    }

    /// These fields to be changed, and of the setter's grade and description what Stokt was `told` otherwise: what was
    /// not changed here may have been there. A grade that was taken back is not sent: Stokt has no word for that.
    /// `None` when there is nothing that could be sent.
    pub(crate) fn patch(
        self,
        fields: &[Field],
        expected: &CanonicalClimb,
        base: &CanonicalClimb,
        told: &Told,
    ) -> Option<Frozen> {
        let side = self.side;
        let has = |field| fields.contains(&field);
        let patch = ClimbPatch {
            name: has(Field::Name).then(|| side.name.clone()),
            holds_list: has(Field::Holds).then(|| self.holds.clone()),
            grade: grade(side).filter(|grade| told.grade.as_ref() != Some(grade)),
            description: Some(side.description.clone().unwrap_or_default())
                .filter(|ours| *ours != told.description),
            is_private: has(Field::IsPrivate).then_some(side.is_private),
            feet_rule: has(Field::FeetRule).then(|| side.canonical.feet_rule.clone().unwrap_or_default()),
        };
        if patch == ClimbPatch::default() {
            return None;
        }
        let send = Send::Patch { fields: fields.to_vec(), patch: Box::new(patch) };
        Some(self.freeze(base, expected, send))
    }

    /// Stokt's id of its gym.
    pub(crate) fn gym(&self) -> StoktId {
        self.gym
    }

    /// Its privacy to be changed.
    pub(crate) fn privacy(
        self,
        is_private: bool,
        expected: &CanonicalClimb,
        base: &CanonicalClimb,
    ) -> Frozen {
        self.freeze(base, expected, Send::Privacy(is_private))
    }
}

#[cfg(test)]
mod tests {
    use mastoc_domain::board::ClimbGrade;
    use mastoc_domain::sync_state::{Source, SyncState};
    use mastoc_domain::{ClimbId, FaceId, Timestamp};
    use uuid::Uuid;

    use super::super::refusals::WHOLE;
    use super::*;

    fn side(name: &str, holds: &str, font: Option<&str>, own: bool) -> ClimbSide {
        ClimbSide {
            id: ClimbId(Uuid::nil()),
            stokt_id: None,
            face: FaceId(Uuid::nil()),
            face_stokt_id: Some(StoktId(Uuid::max())),
            setter: None,
            setter_stokt_id: None,
            canonical: CanonicalClimb::new(name, holds, Some("No foot"), true, false, "", "", "", ""),
            name: name.into(),
            holds_list: holds.into(),
            grade: ClimbGrade { font: font.map(str::to_owned), ..ClimbGrade::default() },
            has_own_grade: own,
            description: Some("Start low".into()),
            is_private: true,
            rev: 1,
            source: Source::Mastoc,
            sync_state: SyncState::Local,
            created_at: Timestamp::now(),
        }
    }

    fn board() -> Board {
        let there = |id: i64| (HoldId(id), StoktHoldId::new(id));
        Board {
            gyms: HashMap::from([(StoktId(Uuid::max()), StoktId(Uuid::nil()))]),
            holds: HashMap::from([there(1), there(2), there(3), (HoldId(9), None)]),
        }
    }

    #[test]
    fn a_climb_is_said_in_stokts_words() {
        let side = side("Le pilier", "T3 S1 O2 O2 F1", Some("6A+"), true);
        let frozen = place(&side, &board(), &WHOLE).unwrap().create();
        let Send::Create(new) = &frozen.send else { panic!("{frozen:?}") };
        let sent = serde_json::to_value(new).unwrap();
        assert_eq!(
            sent,
            serde_json::json!({
                "name": "Le pilier",
                "holdsList": {"start": ["1"], "others": ["2"], "top": ["3"], "feetOnly": ["1"]},
                "grade": {"gradingSystem": "font", "value": "6a+"},
                "description": "Start low", "isPrivate": true, "feetRule": "No foot",
            })
        );
        assert_eq!(frozen.base(), Some(side.canonical.clone()));
        let row: Frozen = serde_json::from_value(frozen.to_json()).unwrap();
        assert_eq!(row, frozen);
    }

    #[test]
    fn a_grade_is_sent_where_it_was_given_here() {
        for (font, own, sent) in [
            (Some("7A"), true, Some("7a")),
            (Some("7A"), false, None),
            (Some("?"), true, None),
            (None, true, None),
        ] {
            let side = side("Le pilier", "S1 T3", font, own);
            assert_eq!(grade(&side).map(|grade| grade.value).as_deref(), sent, "{font:?} {own}");
        }
    }

    #[test]
    fn what_stokt_would_refuse_is_said_before() {
        let refused = |name: &str, holds: &str, face: bool| {
            let mut side = side(name, holds, None, false);
            if !face {
                side.face_stokt_id = None;
            }
            place(&side, &board(), &WHOLE).map(|_| ()).unwrap_err()
        };
        assert!(refused(" ab ", "S1 T3", true).contains("3 characters"));
        assert!(refused("abc", "S1 O9 O12 T3", true).contains("9"), "unlinked and unknown holds");
        assert!(refused("abc", "S1 O9 O12 T3", true).contains("12"));
        assert!(refused("abc", "X", true).contains("does not begin"));
        assert!(refused("abc", "S1 T3", false).contains("board"));
        assert!(place(&side("Été", "S1 T3", None, false), &board(), &WHOLE).is_ok());
    }

    #[test]
    fn an_answer_is_held_against_what_was_sent() {
        let side = side("Renamed ", "S1 T3", None, false);
        let expected = side.canonical.clone();
        let frozen = place(&side, &board(), &WHOLE)
            .unwrap()
            .patch(&[Field::Name, Field::Holds], &expected, &expected, &Told::default())
            .unwrap();
        let mut shown = CanonicalClimb { name: "Renamed".into(), tags: "new".into(), ..expected.clone() };
        assert!(frozen.is_shown_by(&shown), "white space and other fields do not matter");
        shown.holds = "S1 T2".into();
        assert!(!frozen.is_shown_by(&shown));
        assert_eq!(frozen.refused_fields(&shown), ["holds"]);
        let private = place(&side, &board(), &WHOLE).unwrap().privacy(true, &expected, &expected);
        assert!(
            private.is_shown_by(&shown)
                && !private.is_shown_by(&CanonicalClimb { is_private: false, ..shown })
        );
    }
}
