//! Typed identities: our own ids, and the ids that Stokt gave to the same things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identity. Version 7: it grows with time, which keeps database indexes compact.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

uuid_id! {
    /// Our id of a gym.
    GymId,
    /// Our id of a wall.
    WallId,
    /// Our id of a face: one photographed arrangement of holds.
    FaceId,
    /// Our id of a climb.
    ClimbId,
    /// Our id of a person: a setter, an account, or both.
    UserId,
    /// Our id of a list of climbs.
    ListId,
    /// The id of an API key.
    ApiKeyId,
    /// The id of a login: a family of tokens on one device.
    SessionId,
    /// The id of an ascent in somebody's logbook.
    AscentId,
    /// The id of a comment made here.
    CommentId,
    /// The id of somebody's claim to be an imported setter.
    ClaimId,
    /// The id of one import or synchronisation run.
    RunId,
    /// Stokt's id of anything but a hold.
    StoktId,
}

/// Names one hold everywhere: an imported hold keeps Stokt's integer, holds made here count up from
/// [`HoldId::FIRST_LOCAL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(pub i64);

impl HoldId {
    /// The first id that a hold made here can have; Stokt's ids are below it.
    pub const FIRST_LOCAL: i64 = 1_000_000_000;

    /// Whether the hold was made here rather than imported.
    #[must_use]
    pub fn is_local(self) -> bool {
        self.0 >= Self::FIRST_LOCAL
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Stokt's integer id of a hold: at least 1 and below [`HoldId::FIRST_LOCAL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct StoktHoldId(i64);

impl StoktHoldId {
    /// Accepts `1..1_000_000_000`; `None` otherwise, since the rest of the range is ours.
    #[must_use]
    pub fn new(id: i64) -> Option<Self> {
        (1..HoldId::FIRST_LOCAL).contains(&id).then_some(Self(id))
    }

    /// The integer as Stokt writes it.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// The id that the imported hold has here: the same integer.
    #[must_use]
    pub fn hold_id(self) -> HoldId {
        HoldId(self.0)
    }
}

impl fmt::Display for StoktHoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_identity_is_new_and_grows_with_time() {
        let ids: Vec<ClimbId> = std::iter::repeat_with(ClimbId::generate).take(100).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(ids[0].0.get_version_num(), 7);
    }

    #[test]
    fn an_identity_prints_as_it_is_written_in_json() {
        let text = "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f35";
        let id: FaceId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<FaceId>(&format!("\"{text}\"")).unwrap(), id);
        for bad in ["", "1", "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f3", "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f3g"] {
            assert!(bad.parse::<FaceId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_integers_of_holds_are_divided_between_stokt_and_us() {
        assert!(HoldId(HoldId::FIRST_LOCAL).is_local());
        assert!(!HoldId(HoldId::FIRST_LOCAL - 1).is_local());
        for refused in [i64::MIN, -1, 0, HoldId::FIRST_LOCAL, i64::MAX] {
            assert_eq!(StoktHoldId::new(refused), None);
        }
        for taken in [1, 400_166, HoldId::FIRST_LOCAL - 1] {
            let id = StoktHoldId::new(taken).unwrap();
            assert_eq!((id.get(), id.hold_id(), id.to_string()), (taken, HoldId(taken), taken.to_string()));
            assert_eq!(serde_json::to_string(&id).unwrap(), taken.to_string());
        }
        assert_eq!(serde_json::from_str::<HoldId>("400166").unwrap(), HoldId(400_166));
    }

    proptest! {
        #[test]
        fn an_identity_goes_round_by_text(bits: u128) {
            let id = StoktId(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<StoktId>().unwrap(), id);
        }

        #[test]
        fn no_integer_is_both_stokts_and_ours(id: i64) {
            prop_assert!(!(StoktHoldId::new(id).is_some() && HoldId(id).is_local()));
        }
    }
}
