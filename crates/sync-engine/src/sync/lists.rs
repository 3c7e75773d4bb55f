//! Pulling the account's personal lists. What was done to a list on either side since the last time is brought together;
//! nothing that its owner wrote here is lost, and a list that is gone from Stokt stays here.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use mastoc_domain::{ClimbId, ListId, StoktId};
use mastoc_stokt_client::Client;
use mastoc_stokt_client::types::ListItemsQuery;
use mastoc_storage::import::ImportContext;
use mastoc_storage::list_pull::{self, KnownItem, KnownLists, PulledList};
use mastoc_storage::{Store, StoreError, sync_writes};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::by_hand;
use crate::decision::clean;
use crate::error::EngineError;

/// Most characters of a name.
const NAME: usize = 60;

/// What became of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOutcome {
    /// It is new here.
    Created,
    /// Something of it changed here.
    Updated,
    /// It is as it was.
    Unchanged,
    /// It was deleted here, and stays so.
    KeptDeleted,
}

/// One list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListTold {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// Our id; none for one that was deleted here.
    pub list: Option<ListId>,
    /// Its name at Stokt.
    pub name: String,
    /// What became of it.
    pub outcome: ListOutcome,
    /// Climbs that came into it.
    pub added: usize,
    /// Climbs that left it.
    pub removed: usize,
    /// Its climbs at Stokt that are not here: they come into it once a pull has brought them.
    pub not_here: usize,
}

/// What came of a pull of lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lists {
    /// The lists that Stokt has, in its order.
    pub lists: Vec<ListTold>,
}

impl Lists {
    /// A short table for people. It ends with a line break.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        for one in &self.lists {
            let outcome = match one.outcome {
                ListOutcome::Created => "new here",
                ListOutcome::Updated => "changed here",
                ListOutcome::Unchanged => "as before",
                ListOutcome::KeptDeleted => "stays deleted here",
            };
            // Writing to a text never fails.
            let _ =
                write!(out, "{}: {outcome}, {} in, {} out", clean(&one.name, NAME), one.added, one.removed);
            let _ = match one.not_here {
                0 => writeln!(out),
                count => writeln!(out, ", {count} of its climbs are not here yet"),
            };
        }
        if self.lists.is_empty() {
            out.push_str("Stokt has no personal list of this account\n");
        }
        out
    }
}

/// A list as Stokt shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct There {
    name: String,
    climbs: Vec<StoktId>,
}

/// Brings the account's personal lists here. `owner`: who does it, in words for whoever waits for the lock meanwhile; a
/// run that is under way is waited for, as long as `patience`.
///
/// # Errors
/// [`EngineError::Locked`] when a run is under way for longer, what Stokt answers, or the database's failure; nothing
/// was written then.
pub fn pull(client: &Client, store: &Store, owner: &str, patience: Duration) -> Result<Lists, EngineError> {
    let account = crate::convert::stokt_id(&client.me()?.id, "account")?;
    let mut there: Vec<(StoktId, There, bool)> = Vec::new();
    for (stokt_id, name) in super::settle::personal_lists_of(client, account)?.lists {
        if let Some((climbs, is_complete)) = items(client, stokt_id)? {
            there.push((stokt_id, There { name, climbs }, is_complete));
        }
    }
    let ids: Vec<StoktId> = there.iter().map(|(id, ..)| *id).collect();
    let climbs: Vec<StoktId> = there.iter().flat_map(|(_, list, _)| list.climbs.iter().copied()).collect();
    let lock = by_hand::lock(store, owner, patience)?;
    let ctx = ImportContext { fence: Some(lock.fence()), ..ImportContext::default() };
    let told: Result<Vec<ListTold>, StoreError> = store.write(|conn| {
        sync_writes::begin(conn, &ctx)?;
        let known = list_pull::known(conn, &ids, &climbs)?;
        let (mut written, mut told) = (Vec::new(), Vec::new());
        for (stokt_id, list, is_complete) in &there {
            let (one, pulled) = decide(&known, *stokt_id, list, *is_complete);
            told.push(one);
            written.extend(pulled);
        }
        list_pull::write(conn, &ctx, account, &written)?;
        Ok(told)
    });
    Ok(Lists { lists: told? })
}

/// The climbs of a list, and whether they are all; `None` for a list that Stokt does not show any more.
fn items(client: &Client, list: StoktId) -> Result<Option<(Vec<StoktId>, bool)>, EngineError> {
    let mut pages = client.list_items(list, &ListItemsQuery::default())?;
    let mut climbs: Vec<StoktId> = Vec::new();
    let mut met: HashSet<StoktId> = HashSet::new();
    let mut is_readable = true;
    for page in pages.by_ref() {
        let page = match page {
            Err(error) if error.is_not_found() || error.is_forbidden() => return Ok(None),
            page => page?,
        };
        for record in page.into_distinct() {
            let climb = record.parsed.as_ref().ok().and_then(|item| item.climb.as_ref());
            match climb.and_then(|climb| climb.id.as_uuid()).map(StoktId) {
                Some(climb) if met.insert(climb) => climbs.push(climb),
                Some(_) => {}
                None => is_readable = false,
            }
        }
    }
    Ok(Some((climbs, is_readable && pages.proof().complete)))
}

/// Decides about one list.
fn decide(
    known: &KnownLists,
    stokt_id: StoktId,
    there: &There,
    is_complete: bool,
) -> (ListTold, Option<PulledList>) {
    let here = known.lists.get(&stokt_id);
    let base: Option<There> =
        here.and_then(|list| list.base.clone()).and_then(|base| serde_json::from_value(base).ok());
    let mut told = ListTold {
        stokt_id,
        list: here.map(|list| list.id),
        name: there.name.clone(),
        outcome: ListOutcome::KeptDeleted,
        added: 0,
        removed: 0,
        not_here: 0,
    };
    if here.is_none() && known.deleted.contains(&stokt_id) {
        return (told, None);
    }
    let none: &[KnownItem] = &[];
    let ours = here.map_or(none, |list| &list.items);
    let before = base.as_ref().map(|base| base.climbs.as_slice());
    let (added, removed) = merge(before, ours, there, is_complete);
    let wanted = added.len();
    let added: Vec<ClimbId> = added.iter().filter_map(|climb| known.climbs.get(climb).copied()).collect();
    told.not_here = wanted - added.len();
    // A name that was changed here stays.
    let name = match (here, &base) {
        (None, _) => Some(there.name.clone()),
        (Some(list), Some(base)) if list.name == base.name && there.name != base.name => {
            Some(there.name.clone())
        }
        _ => None,
    };
    (told.added, told.removed) = (added.len(), removed.len());
    let changes = name.is_some() || !added.is_empty() || !removed.is_empty();
    told.outcome = match here {
        None => ListOutcome::Created,
        Some(_) if changes => ListOutcome::Updated,
        Some(_) => ListOutcome::Unchanged,
    };
    let next = agreed(base.as_ref(), there, known, is_complete);
    if told.outcome == ListOutcome::Unchanged && base.as_ref() == Some(&next) {
        return (told, None);
    }
    let id = here.map_or_else(ListId::generate, |list| list.id);
    told.list = Some(id);
    let base: Value = serde_json::to_value(&next).unwrap_or_default();
    (told, Some(PulledList { id, stokt_id, is_new: here.is_none(), name, added, removed, base }))
}

/// What is agreed on afterwards. A climb that is not here yet was never in the list here, so that it comes once it is;
/// what an incomplete answer did not show is not gone.
fn agreed(base: Option<&There>, there: &There, known: &KnownLists, is_complete: bool) -> There {
    let mut climbs: Vec<StoktId> =
        there.climbs.iter().copied().filter(|climb| known.climbs.contains_key(climb)).collect();
    if !is_complete {
        let before = base.map(|base| base.climbs.as_slice()).unwrap_or_default();
        climbs.extend(before.iter().filter(|climb| !there.climbs.contains(climb)));
    }
    There { name: there.name.clone(), climbs }
}

/// Which climbs of Stokt's come into the list here, and which of ours leave it: what either side did since the last
/// time. A climb about which something was noted here stays.
fn merge(
    base: Option<&[StoktId]>,
    ours: &[KnownItem],
    there: &There,
    is_complete: bool,
) -> (Vec<StoktId>, Vec<ClimbId>) {
    let before: HashSet<StoktId> = base.unwrap_or_default().iter().copied().collect();
    let here: HashSet<StoktId> = ours.iter().filter_map(|item| item.stokt_id).collect();
    let theirs: HashSet<StoktId> = there.climbs.iter().copied().collect();
    let is_new = |climb: &&StoktId| !here.contains(climb) && !before.contains(climb);
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
        let base: Option<Vec<StoktId>> = base.map(|base| base.iter().copied().map(id).collect());
        let there = There { name: String::new(), climbs: theirs.iter().copied().map(id).collect() };
        let (added, removed) = merge(base.as_deref(), ours, &there, all);
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
}
