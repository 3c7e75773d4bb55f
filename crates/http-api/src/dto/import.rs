//! Batches of an import, read so that one bad record does not lose the others, and their answers.

use std::fmt;
use std::marker::PhantomData;

use mastoc_domain::StoktId;
use mastoc_domain::import::{
    BatchOutcome, ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall, ItemProblem,
    ItemStatus,
};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{StoreError, WriteConn};
use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::import_items::{ClimbItem, FaceItem, GymItem, HoldItem, UserItem, WallItem, Wrong};
use super::import_kept::{self, Field, Kept};

/// The most records of one batch.
pub(crate) const MAX_ITEMS: usize = 5_000;
/// The code of a record that is not of the right shape.
const BAD_RECORD: &str = "bad_record";
/// Messages repeat what was sent; they are cut to this many characters.
const LONGEST_DETAIL: usize = 200;

/// A record as it is sent, what it becomes, and how it is written.
pub(crate) trait Importable: DeserializeOwned + Send + 'static {
    /// The domain's record.
    type Record: TryFrom<Self, Error = Wrong> + Kept + Send;

    /// Writes a batch.
    fn write(
        conn: &mut WriteConn<'_>,
        context: &ImportContext<'_>,
        records: &[Self::Record],
    ) -> Result<BatchOutcome, StoreError>;
}

/// A body of many records.
pub(crate) trait Batch: DeserializeOwned + Send + 'static {
    /// Its records.
    type Item: Importable;

    /// The records, and the account that asked Stokt for them.
    fn into_parts(self) -> (Bounded<Self::Item>, Option<StoktId>);
}

macro_rules! importable {
    ($($item:ident => $record:ident, $write:ident, $(#[$doc:meta])* $batch:ident;)+) => {$(
        impl Importable for $item {
            type Record = $record;

            fn write(
                conn: &mut WriteConn<'_>,
                context: &ImportContext<'_>,
                records: &[$record],
            ) -> Result<BatchOutcome, StoreError> {
                import::$write(conn, context, records)
            }
        }

        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        pub(crate) struct $batch {
            /// At most 5,000 records.
            #[schema(value_type = Vec<$item>)]
            #[serde(deserialize_with = "bounded")]
            $write: Bounded<$item>,
            /// The Stokt account that asked, for what `viewer` says.
            account: Option<Uuid>,
        }

        impl Batch for $batch {
            type Item = $item;

            fn into_parts(self) -> (Bounded<$item>, Option<StoktId>) {
                (self.$write, self.account.map(StoktId))
            }
        }
    )+};
}

importable! {
    GymItem => ImportGym, gyms, /// Many gyms.
        GymBatch;
    WallItem => ImportWall, walls, /// Many walls.
        WallBatch;
    FaceItem => ImportFace, faces, /// Many faces.
        FaceBatch;
    UserItem => ImportUser, users, /// Many setters.
        UserBatch;
    HoldItem => ImportHold, holds, /// Many holds.
        HoldBatch;
    ClimbItem => ImportClimb, climbs, /// Many climbs.
        ClimbBatch;
}

/// A record that may be of the wrong shape without spoiling the batch.
pub(crate) enum Lenient<T: Importable> {
    /// It has the right shape.
    Read {
        /// Its `stokt_id`, as it was written.
        stokt_id: Option<String>,
        /// The record.
        record: Box<T>,
        /// The fields that it leaves out.
        left_out: Vec<Field<T::Record>>,
    },
    /// It has not.
    Bad {
        /// Its `stokt_id`, if it has one.
        stokt_id: Option<String>,
        /// What is wrong.
        why: String,
    },
}

impl<'de, T: Importable> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let stokt_id = match value.get("stokt_id") {
            Some(Value::String(text)) => Some(text.chars().take(LONGEST_DETAIL).collect()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        // A list would be read as the fields in their order.
        if !value.is_object() {
            return Ok(Self::Bad { stokt_id, why: "a record must be a JSON object".to_owned() });
        }
        let left_out =
            T::Record::FIELDS.iter().copied().filter(|(field, _)| value.get(field).is_none()).collect();
        Ok(match serde_json::from_value(value) {
            Ok(record) => Self::Read { stokt_id, record: Box::new(record), left_out },
            Err(error) => Self::Bad { stokt_id, why: shortened(&error.to_string()) },
        })
    }
}

/// The records of a batch, or how many there are where those are too many.
pub(crate) type Bounded<T> = Result<Vec<Lenient<T>>, usize>;

/// Reads at most [`MAX_ITEMS`] records: what is over is counted and never kept, or a small body of millions of empty
/// records would take gigabytes.
fn bounded<'de, D: Deserializer<'de>, T: Importable>(deserializer: D) -> Result<Bounded<T>, D::Error> {
    struct Records<T>(PhantomData<T>);

    impl<'de, T: Importable> Visitor<'de> for Records<T> {
        type Value = Bounded<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bounded<T>, A::Error> {
            let mut items = Vec::new();
            while items.len() < MAX_ITEMS {
                match seq.next_element()? {
                    Some(item) => items.push(item),
                    None => return Ok(Ok(items)),
                }
            }
            let mut count = items.len();
            while seq.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(if count > MAX_ITEMS { Err(count) } else { Ok(items) })
        }
    }

    deserializer.deserialize_seq(Records(PhantomData))
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_DETAIL).collect()
}

/// Domain records of a batch with their places in it, and what could not be read.
pub(crate) struct Sorted<R> {
    pub(crate) records: Vec<R>,
    /// The fields that each of `records` leaves out.
    left_out: Vec<Vec<Field<R>>>,
    /// The place in the batch of each of `records`.
    places: Vec<usize>,
    refused: Vec<ItemNote>,
    total: usize,
}

impl<R: Kept> Sorted<R> {
    /// Reads each record by itself.
    pub(crate) fn of<T>(items: Vec<Lenient<T>>) -> Self
    where
        T: Importable<Record = R>,
        R: TryFrom<T, Error = Wrong>,
    {
        let total = items.len();
        let mut sorted = Self {
            records: Vec::with_capacity(total),
            left_out: Vec::with_capacity(total),
            places: Vec::with_capacity(total),
            refused: Vec::new(),
            total,
        };
        for (index, item) in items.into_iter().enumerate() {
            let (stokt_id, why) = match item {
                Lenient::Read { stokt_id, record, left_out } => match R::try_from(*record) {
                    Ok(record) => {
                        sorted.records.push(record);
                        sorted.left_out.push(left_out);
                        sorted.places.push(index);
                        continue;
                    }
                    Err(why) => (stokt_id, shortened(&why)),
                },
                Lenient::Bad { stokt_id, why } => (stokt_id, why),
            };
            sorted.refused.push(ItemNote { index, stokt_id, code: BAD_RECORD.to_owned(), detail: why });
        }
        sorted
    }

    /// Completes the records that leave fields out from the rows that are here.
    ///
    /// # Errors
    /// When another run has taken over, or the database fails.
    pub(crate) fn complete(
        &mut self,
        conn: &mut WriteConn<'_>,
        context: &ImportContext<'_>,
    ) -> Result<(), StoreError> {
        import_kept::complete(conn, context, &mut self.records, &self.left_out)
    }

    /// The first record that could not be read: code and detail.
    pub(crate) fn refusal(&self) -> Option<(&str, &str)> {
        self.refused.first().map(|note| (note.code.as_str(), note.detail.as_str()))
    }

    /// The answer to the whole batch.
    pub(crate) fn answer(self, outcome: BatchOutcome) -> BatchAnswer {
        let (created, updated) = (outcome.created(), outcome.updated());
        let (mut failures, mut notes) = (self.refused, Vec::new());
        // What could not be read has no outcome.
        let mut statuses = vec!["failed"; self.total];
        for item in outcome.items {
            let index = self.places.get(item.index).copied().unwrap_or(item.index);
            if let Some(status) = statuses.get_mut(index) {
                *status = word(&item.status);
            }
            let note = |problem: ItemProblem| ItemNote {
                index,
                stokt_id: Some(item.stokt_id.clone()),
                code: problem.code,
                detail: problem.detail,
            };
            if let ItemStatus::Failed(problem) = item.status {
                failures.push(note(problem));
            }
            notes.extend(item.notes.into_iter().map(note));
        }
        failures.sort_by_key(|failure| failure.index);
        BatchAnswer { created, updated, errors: failures.len(), total: self.total, statuses, failures, notes }
    }
}

/// What became of a record, in the words of [`BatchAnswer::statuses`].
fn word(status: &ItemStatus) -> &'static str {
    match status {
        ItemStatus::Created => "created",
        ItemStatus::Updated => "updated",
        ItemStatus::Exists => "exists",
        ItemStatus::KeptLocal => "kept_local",
        ItemStatus::Failed(_) => "failed",
    }
}

/// What is said about one record of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemNote {
    /// Its place in the batch, from 0.
    index: usize,
    /// Stokt's id as text, where it could be read.
    stokt_id: Option<String>,
    /// A word that never changes, such as `unknown_face`.
    code: String,
    /// What it is, for a person.
    detail: String,
}

/// What became of a batch; the rest of `total` was unchanged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// New rows.
    created: usize,
    /// Rows that really changed.
    updated: usize,
    /// Records that were refused; the others were kept.
    errors: usize,
    /// Records in the batch.
    total: usize,
    /// What became of each record, in the batch's order: `created`, `updated`, `exists`, `kept_local` (it was changed
    /// here, and stays so) or `failed`.
    statuses: Vec<&'static str>,
    /// Why records were refused, in the batch's order.
    failures: Vec<ItemNote>,
    /// What is odd about records that were kept.
    notes: Vec<ItemNote>,
}

/// Our id of an imported row: a number for a hold, a UUID otherwise; null after a dry run of something new.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LocalId {
    /// A hold's.
    Hold(i64),
    /// Anything else's.
    Other(Option<String>),
}

/// What became of one record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SingleAnswer {
    /// Our id; null in a dry run for what would be created.
    id: LocalId,
    /// `created`, `updated` or `exists`.
    status: &'static str,
}

impl SingleAnswer {
    /// The answer to the only record of a batch, or why it was refused.
    pub(crate) fn of(outcome: BatchOutcome) -> Result<Self, ItemProblem> {
        let numbered = outcome.kind == mastoc_domain::sync_state::EntityKind::Hold;
        let Some(item) = outcome.items.into_iter().next() else {
            return Err(ItemProblem {
                code: BAD_RECORD.to_owned(),
                detail: "there was no record".to_owned(),
            });
        };
        let status = match item.status {
            ItemStatus::Created => "created",
            ItemStatus::Updated => "updated",
            ItemStatus::Exists | ItemStatus::KeptLocal => "exists",
            ItemStatus::Failed(problem) => return Err(problem),
        };
        let number = item.local_id.as_deref().filter(|_| numbered).and_then(|text| text.parse().ok());
        Ok(Self { id: number.map_or(LocalId::Other(item.local_id), LocalId::Hold), status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_record_does_not_spoil_the_batch_and_places_are_kept() {
        let body = r#"{"holds": [
            {"stokt_id": "x"},
            {"stokt_id": 7, "face_stokt_id": "5a2f3c1e-0000-4000-8000-000000000001", "centroid_str": "1.5 2", "area": 3.25},
            {"stokt_id": 0, "face_stokt_id": "5a2f3c1e-0000-4000-8000-000000000001", "centroid_x": 1, "centroid_y": 2},
            17
        ], "unknown": true}"#;
        let batch: HoldBatch = serde_json::from_str(body).unwrap();
        let sorted: Sorted<ImportHold> = Sorted::of(batch.into_parts().0.ok().unwrap());
        assert_eq!(sorted.records.len(), 1);
        let hold = &sorted.records[0];
        assert_eq!((hold.centroid_x, hold.centroid_y, hold.shape.area.as_str()), (1.5, 2.0, "3.25"));
        let outcome = BatchOutcome { kind: mastoc_domain::sync_state::EntityKind::Hold, items: Vec::new() };
        assert_eq!(sorted.places, [1]);
        let answer = sorted.answer(outcome);
        assert_eq!((answer.errors, answer.total), (3, 4));
        assert_eq!(answer.failures.iter().map(|f| f.index).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(answer.failures[0].stokt_id.as_deref(), Some("x"));
    }

    #[test]
    fn s14_records_that_are_too_many_are_counted_and_not_kept() {
        let read = |items: usize| {
            let body = format!(r#"{{"holds": [{}]}}"#, vec!["{}"; items].join(","));
            serde_json::from_str::<HoldBatch>(&body).unwrap().into_parts().0.map(|items| items.len())
        };
        assert_eq!(read(0), Ok(0));
        assert_eq!(read(MAX_ITEMS), Ok(MAX_ITEMS));
        assert_eq!(read(MAX_ITEMS + 2), Err(MAX_ITEMS + 2));
    }
}
