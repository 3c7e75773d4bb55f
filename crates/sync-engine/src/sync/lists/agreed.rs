//! What both sides know of a list, and how what either did to it since is brought together.

use std::collections::HashSet;

use mastoc_domain::{ClimbId, StoktId};
use mastoc_storage::list_pull::{KnownItem, KnownList, KnownLists};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A list as Stokt shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct There {
    pub(super) name: String,
    pub(super) climbs: Vec<StoktId>,
}

/// What both sides last agreed on of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sync) struct Agreed {
    /// Its name at Stokt; empty where that was never seen, which is nobody's name for a list.
    pub(super) name: String,
    /// The climbs that Stokt had, of those that are known here.
    climbs: Vec<StoktId>,
    /// Climbs that were here and were being put into it at Stokt, so that Stokt may have them: whoever took one of them
    /// out here since knew of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sent: Vec<StoktId>,
}

impl Agreed {
    /// What is on record of a list.
    pub(in crate::sync) fn of(list: &KnownList) -> Option<Self> {
        list.base.clone().and_then(|base| serde_json::from_value(base).ok())
    }

    /// As it is kept.
    pub(in crate::sync) fn to_json(&self) -> Value {
        // Plain texts always become JSON.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Of a list that was just made at Stokt, by this name.
    pub(in crate::sync) fn made(name: &str) -> Self {
        Self { name: super::kept_name(name), ..Self::default() }
    }

    /// Before climbs are put into it that are `ours`.
    pub(in crate::sync) fn sending(&self, ours: &[StoktId]) -> Self {
        let mut sent = self.sent.clone();
        sent.extend(ours.iter().filter(|climb| !self.sent.contains(climb)));
        Self { sent, ..self.clone() }
    }

    /// After that: Stokt has `theirs`, which are all if `is_complete`. What is there and was never here is not agreed on:
    /// a pull brings it.
    pub(in crate::sync) fn sent(&self, ours: &[StoktId], theirs: &[StoktId], is_complete: bool) -> Self {
        let before: HashSet<&StoktId> = self.climbs.iter().chain(&self.sent).chain(ours).collect();
        let there: HashSet<&StoktId> = theirs.iter().collect();
        let mut climbs: Vec<StoktId> =
            theirs.iter().filter(|climb| before.contains(climb)).copied().collect();
        if !is_complete {
            climbs.extend(self.climbs.iter().filter(|climb| !there.contains(climb)));
        }
        let sent = ours.iter().filter(|climb| !there.contains(climb)).copied().collect();
        Self { name: self.name.clone(), climbs, sent }
    }
}

/// What is agreed on afterwards. A climb that is not here yet was never in the list here, so that it comes once it is;
/// what an incomplete answer did not show is not gone.
pub(super) fn agreed(base: Option<&Agreed>, there: &There, known: &KnownLists, is_complete: bool) -> Agreed {
    let mut climbs: Vec<StoktId> =
        there.climbs.iter().copied().filter(|climb| known.climbs.contains_key(climb)).collect();
    let mut sent = Vec::new();
    if let Some(base) = base.filter(|_| !is_complete) {
        climbs.extend(base.climbs.iter().filter(|climb| !there.climbs.contains(climb)));
        sent.clone_from(&base.sent);
    }
    Agreed { name: there.name.clone(), climbs, sent }
}

/// Which climbs of Stokt's come into the list here, and which of ours leave it: what either side did since the last
/// time. A climb about which something was noted here stays.
pub(super) fn merge(
    base: Option<&Agreed>,
    ours: &[KnownItem],
    there: &There,
    is_complete: bool,
) -> (Vec<StoktId>, Vec<ClimbId>) {
    let (before, sent) = base.map(|base| (base.climbs.as_slice(), base.sent.as_slice())).unwrap_or_default();
    let before: HashSet<StoktId> = before.iter().copied().collect();
    let here: HashSet<StoktId> = ours.iter().filter_map(|item| item.stokt_id).collect();
    let theirs: HashSet<StoktId> = there.climbs.iter().copied().collect();
    let is_new = |climb: &&StoktId| !here.contains(climb) && !before.contains(climb) && !sent.contains(climb);
    let added = there.climbs.iter().filter(is_new).copied().collect();
    let is_gone =
        |item: &&KnownItem| item.stokt_id.is_some_and(|id| before.contains(&id) && !theirs.contains(&id));
    let removed = ours
        .iter()
        .filter(|_| is_complete)
        .filter(is_gone)
        .filter(|item| !item.has_words)
        .map(|item| item.climb)
        .collect();
    (added, removed)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> StoktId {
        StoktId(Uuid::from_u128(number))
    }

    fn item(number: u128, has_words: bool) -> KnownItem {
        KnownItem { climb: ClimbId(Uuid::from_u128(100 + number)), stokt_id: Some(id(number)), has_words }
    }

    fn merged(
        base: Option<&[u128]>,
        ours: &[KnownItem],
        theirs: &[u128],
        all: bool,
    ) -> (Vec<u128>, Vec<u128>) {
        let base =
            base.map(|base| Agreed { climbs: base.iter().copied().map(id).collect(), ..Agreed::default() });
        let there = There { name: String::new(), climbs: theirs.iter().copied().map(id).collect() };
        let (added, removed) = merge(base.as_ref(), ours, &there, all);
        let added = added.iter().map(|climb| climb.0.as_u128()).collect();
        (added, removed.iter().map(|climb| climb.0.as_u128() - 100).collect())
    }

    #[test]
    fn what_either_side_did_since_the_last_time_is_brought_together() {
        let ours = [item(1, false), item(2, true), item(3, false), item(9, false)];
        // 1 and 2 left Stokt's, 5 came; 4 was taken out here, 9 was put in here.
        let base = Some(&[1, 2, 3, 4][..]);
        assert_eq!(merged(base, &ours, &[5, 4, 3], true), (vec![5], vec![1]), "2 has notes and stays");
        assert_eq!(merged(base, &ours, &[5, 4, 3], false), (vec![5], vec![]), "not all was shown");
        assert_eq!(merged(None, &ours, &[5, 3], true), (vec![5], vec![]), "nothing was ever agreed on");
        assert_eq!(merged(Some(&[]), &[], &[2, 1], true), (vec![2, 1], vec![]));
    }

    #[test]
    fn what_was_sent_and_taken_out_here_since_does_not_come_back() {
        let there =
            |climbs: &[u128]| There { name: String::new(), climbs: climbs.iter().copied().map(id).collect() };
        let ids = |climbs: &[u128]| climbs.iter().copied().map(id).collect::<Vec<_>>();
        // The run that put 1, 2 and 3 there was cut behind 2; 1 was taken out here since, and somebody put 9 there.
        let cut = Agreed::made(" L ").sending(&ids(&[1, 2, 3]));
        let ours = [item(2, false), item(3, false)];
        assert_eq!(merge(Some(&cut), &ours, &there(&[1, 2, 9]), true), (ids(&[9]), vec![]));
        // Once more, and now it comes to its end: 1 stays agreed on.
        let done = cut.sending(&ids(&[2, 3])).sent(&ids(&[2, 3]), &ids(&[1, 2, 9, 3]), true);
        assert_eq!(done, Agreed { name: "L".to_owned(), climbs: ids(&[1, 2, 3]), sent: vec![] });
        assert_eq!(
            merge(Some(&done), &ours, &there(&[1, 2, 9]), true),
            (ids(&[9]), vec![ClimbId(Uuid::from_u128(103))])
        );
    }
}
