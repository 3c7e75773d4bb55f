//! Decides, without touching a database, what an import does with each record of a batch.
//!
//! The importer reads what is known of the batch's records, this planner decides, and storage executes. Nothing here
//! compares clocks: a record is new, or its hashes tell whether it says something new.

use std::collections::HashMap;

use crate::import::{ItemProblem, ItemStatus};

/// Note code: the same record came twice in one batch, and a later one won.
pub const SUPERSEDED: &str = "superseded";
/// Note code: the row was deleted here, and an import does not bring it back.
pub const DELETED_HERE: &str = "deleted_here";
/// Note code: the row has local changes, which stay.
pub const LOCAL_CHANGES: &str = "local_changes";

/// Note code: it may be what became of a climb of ours that was sent; a synchronisation finds out.
pub const AWAITED: &str = "awaited";

/// One record of a batch, as far as deciding needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Stokt's id as text.
    pub stokt_id: String,
    /// Hash of everything the record says.
    pub observed_hash: String,
    /// Hash of what a person can edit, for kinds of rows that are edited on both sides.
    pub base_hash: Option<String>,
    /// Why it has to be refused, if it has to.
    pub problem: Option<ItemProblem>,
    /// What is odd about it although it is kept.
    pub notes: Vec<ItemProblem>,
}

/// What is stored of the record's counterpart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Hash of the last record that was written.
    pub observed_hash: String,
    /// Hash of the last editable content both sides agreed on.
    pub base_hash: Option<String>,
    /// Whether the row has changes made here that wait to be synchronised.
    pub has_local_changes: bool,
    /// Whether it was deleted here.
    pub is_deleted: bool,
    /// Whether something that the record brings is missing even if its hash is known: geometry for a new version of
    /// a face, or a climb that was archived and is back.
    pub is_incomplete: bool,
}

/// What to do with one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Write a new row.
    Create,
    /// Write the record over the row.
    Update,
    /// Nothing: the row says the same.
    Exists,
    /// Refresh what Stokt alone knows (counters, grade, extra); the row's content is the base still, and has local
    /// changes.
    Refresh,
    /// Keep the row's content, which was changed here; `refresh` as above, where anything is new.
    KeepLocal {
        /// Whether counters, grade or extra are to be refreshed.
        refresh: bool,
    },
    /// Nothing: the row was deleted here.
    Deleted,
    /// Nothing: it may be a row of ours that was sent to Stokt, or is held back, and is not linked yet.
    Awaited,
    /// Nothing: a later record of the batch speaks of the same row.
    Superseded,
    /// Refuse and quarantine.
    Refuse,
}

impl Planned {
    /// Does not make a row of a record that would be new, since it may be one of ours.
    pub fn await_settling(&mut self) {
        if self.decision == Decision::Create {
            self.decision = Decision::Awaited;
            self.status = ItemStatus::Exists;
            let detail = "it may be a climb from here that was sent or is held back, and nobody knows yet: \
                          mastoc-sync outbox shows it";
            self.notes.push(ItemProblem { code: AWAITED.into(), detail: detail.into() });
        }
    }
}

impl Decision {
    /// Whether anything of the row itself is written.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Refresh | Self::KeepLocal { refresh: true })
    }
}

/// A decision with what is to be reported beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What to do.
    pub decision: Decision,
    /// How to report it.
    pub status: ItemStatus,
    /// What is odd.
    pub notes: Vec<ItemProblem>,
}

/// Plans a batch: one answer for each record, in order. `stored` holds what is known, by Stokt's id.
///
/// Of several records with one id the last usable one wins. The plan is a function of its arguments alone, and after
/// carrying it out the same batch plans no write at all.
#[must_use]
pub fn plan<S: std::hash::BuildHasher>(
    batch: &[Incoming],
    stored: &HashMap<String, Stored, S>,
) -> Vec<Planned> {
    let mut winner: HashMap<&str, usize> = HashMap::with_capacity(batch.len());
    for (index, record) in batch.iter().enumerate() {
        if record.problem.is_none() {
            winner.insert(&record.stokt_id, index);
        }
    }
    batch
        .iter()
        .enumerate()
        .map(|(index, record)| {
            let is_winner = winner.get(record.stokt_id.as_str()) == Some(&index);
            decide(record, is_winner, stored.get(&record.stokt_id))
        })
        .collect()
}

fn decide(record: &Incoming, is_winner: bool, stored: Option<&Stored>) -> Planned {
    let mut notes = record.notes.clone();
    let mut note =
        |code: &str, detail: &str| notes.push(ItemProblem { code: code.into(), detail: detail.into() });
    let (decision, status) = if let Some(problem) = &record.problem {
        (Decision::Refuse, ItemStatus::Failed(problem.clone()))
    } else if !is_winner {
        note(SUPERSEDED, "the batch holds this record again; the last one counts");
        (Decision::Superseded, ItemStatus::Exists)
    } else if let Some(stored) = stored {
        let same_base = record.base_hash == stored.base_hash;
        let same = record.observed_hash == stored.observed_hash;
        if stored.is_deleted {
            note(DELETED_HERE, "it was deleted here and is not brought back");
            (Decision::Deleted, ItemStatus::Exists)
        } else if !stored.has_local_changes {
            if same && same_base && !stored.is_incomplete {
                (Decision::Exists, ItemStatus::Exists)
            } else {
                (Decision::Update, ItemStatus::Updated)
            }
        } else if !same_base || record.base_hash.is_none() && !same {
            note(
                LOCAL_CHANGES,
                "it was changed here as well; the local content stays until it is synchronised",
            );
            (Decision::KeepLocal { refresh: !same && record.base_hash.is_some() }, ItemStatus::KeptLocal)
        } else if same {
            (Decision::Exists, ItemStatus::Exists)
        } else {
            (Decision::Refresh, ItemStatus::Updated)
        }
    } else {
        (Decision::Create, ItemStatus::Created)
    };
    Planned { decision, status, notes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn incoming() -> impl Strategy<Value = Incoming> {
        (0..6_u8, 0..3_u8, proptest::option::of(0..3_u8), proptest::bool::weighted(0.2)).prop_map(
            |(id, observed, base, bad)| Incoming {
                stokt_id: id.to_string(),
                // As in life, the editable content is part of what is observed.
                observed_hash: format!("{observed}/{base:?}"),
                base_hash: base.map(|base| base.to_string()),
                problem: bad.then(|| ItemProblem { code: "bad".into(), detail: String::new() }),
                notes: Vec::new(),
            },
        )
    }

    fn stored() -> impl Strategy<Value = HashMap<String, Stored>> {
        proptest::collection::hash_map(
            (0..6_u8).prop_map(|id| id.to_string()),
            (0..3_u8, proptest::option::of(0..3_u8), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
                |(observed, base, has_local_changes, is_deleted, is_incomplete)| Stored {
                    observed_hash: format!("{observed}/{base:?}"),
                    base_hash: base.map(|base| base.to_string()),
                    has_local_changes,
                    is_deleted,
                    is_incomplete,
                },
            ),
            0..6,
        )
    }

    /// Does to the model what storage does to the database.
    fn carry_out(batch: &[Incoming], plan: &[Planned], stored: &mut HashMap<String, Stored>) {
        for (record, planned) in batch.iter().zip(plan) {
            match planned.decision {
                Decision::Create | Decision::Update => {
                    stored.insert(
                        record.stokt_id.clone(),
                        Stored {
                            observed_hash: record.observed_hash.clone(),
                            base_hash: record.base_hash.clone(),
                            ..Stored::default()
                        },
                    );
                }
                Decision::Refresh | Decision::KeepLocal { refresh: true } => {
                    stored.get_mut(&record.stokt_id).unwrap().observed_hash.clone_from(&record.observed_hash);
                }
                _ => {}
            }
        }
    }

    proptest! {
        #[test]
        fn each_record_has_one_answer_and_each_row_at_most_one_write(
            batch in proptest::collection::vec(incoming(), 0..12),
            stored in stored(),
        ) {
            let plan = plan(&batch, &stored);
            prop_assert_eq!(plan.len(), batch.len());
            let mut written = std::collections::HashSet::new();
            for (record, planned) in batch.iter().zip(&plan) {
                if planned.decision.writes() {
                    prop_assert!(written.insert(&record.stokt_id), "two writes for {}", record.stokt_id);
                }
                prop_assert_eq!(planned.decision == Decision::Refuse, record.problem.is_some());
                if let Some(known) = stored.get(&record.stokt_id) {
                    prop_assert_ne!(planned.decision, Decision::Create);
                    prop_assert!(!known.is_deleted || !planned.decision.writes(), "a deleted row is written");
                    prop_assert!(
                        !known.has_local_changes || planned.decision != Decision::Update,
                        "local changes are overwritten"
                    );
                } else if planned.decision.writes() {
                    prop_assert_eq!(planned.decision, Decision::Create);
                }
            }
        }

        #[test]
        fn the_last_usable_record_of_an_id_is_the_one_that_counts(
            batch in proptest::collection::vec(incoming(), 0..12),
        ) {
            let plan = plan(&batch, &HashMap::new());
            for (index, (record, planned)) in batch.iter().zip(&plan).enumerate() {
                if record.problem.is_some() {
                    continue;
                }
                let later = batch[index + 1..].iter().any(|r| r.stokt_id == record.stokt_id && r.problem.is_none());
                prop_assert_eq!(planned.decision, if later { Decision::Superseded } else { Decision::Create });
            }
        }

        #[test]
        fn a_batch_that_was_carried_out_plans_no_write(
            batch in proptest::collection::vec(incoming(), 0..12),
            mut stored in stored(),
        ) {
            let first = plan(&batch, &stored);
            carry_out(&batch, &first, &mut stored);
            for planned in plan(&batch, &stored) {
                prop_assert!(!planned.decision.writes(), "{:?} writes again", planned);
            }
        }

        #[test]
        fn a_clean_row_ends_up_saying_what_was_sent(record in incoming(), mut stored in stored()) {
            prop_assume!(record.problem.is_none());
            let clean = stored.get(&record.stokt_id).is_none_or(|row| !row.has_local_changes && !row.is_deleted);
            prop_assume!(clean);
            let batch = [record];
            let planned = plan(&batch, &stored);
            carry_out(&batch, &planned, &mut stored);
            prop_assert_eq!(&stored[&batch[0].stokt_id].observed_hash, &batch[0].observed_hash);
            prop_assert_eq!(&stored[&batch[0].stokt_id].base_hash, &batch[0].base_hash);
        }
    }
}
