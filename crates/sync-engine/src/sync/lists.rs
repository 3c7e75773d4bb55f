//! Pulling the account's personal lists. What was done to a list on either side since the last time is brought together;
//! nothing that its owner wrote here is lost, and a list that is gone from Stokt stays here. A new one that may be what
//! became of a list here does not come in beside it.

mod agreed;

use std::collections::HashSet;
use std::fmt::Write as _;

use mastoc_domain::outbox::{OutboxAction, OutboxState};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{ClimbId, ListId, StoktId};
use mastoc_stokt_client::Client;
use mastoc_stokt_client::types::ListItemsQuery;
use mastoc_storage::import::ImportContext;
use mastoc_storage::list_pull::{self, KnownItem, KnownLists, PulledList};
use mastoc_storage::outbox::{self, Entry};
use mastoc_storage::{ReadConn, Store, StoreError, sync_writes};
use serde::Serialize;
use serde_json::Value;

use self::agreed::{There, agreed, merge};
use super::by_hand;
use super::settle::kept_name;
use crate::decision::clean;
use crate::error::EngineError;

pub(super) use self::agreed::Agreed;

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
    /// It is not brought here: a list here that is linked to none of Stokt's has its name, and may be it.
    HeldBack,
}

/// One list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListTold {
    /// Stokt's id.
    pub stokt_id: StoktId,
    /// Our id, or that of the list here that may be it; none for one that was deleted here.
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
                ListOutcome::HeldBack => {
                    let ours = one.list.map(|id| id.to_string()).unwrap_or_default();
                    let _ = writeln!(
                        out,
                        "{}: not brought, since list {ours} here has its name and may be it; run mastoc-sync \
                         --direction mastoc-to-stokt --list {ours}, then mastoc-sync outbox, and say there which \
                         it is; or give ours another name",
                        clean(&one.name, NAME)
                    );
                    continue;
                }
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

/// Brings the account's personal lists here. `owner`: who does it, in words for whoever waits for the lock meanwhile; a
/// run that is under way is waited for with `patience`.
///
/// # Errors
/// [`EngineError::Locked`] when a run is under way for longer, what Stokt answers, or the database's failure; nothing
/// was written then.
pub fn pull<'p>(
    client: &Client,
    store: &Store,
    owner: &str,
    patience: impl Into<by_hand::Patience<'p>>,
) -> Result<Lists, EngineError> {
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
        let here = unlinked(conn, account)?;
        let (mut written, mut told) = (Vec::new(), Vec::new());
        for (stokt_id, list, is_complete) in &there {
            let is_new = !known.lists.contains_key(stokt_id) && !known.deleted.contains(stokt_id);
            if let Some(ours) = here.iter().find(|ours| is_new && ours.may_be(*stokt_id, &list.name)) {
                told.push(ListTold {
                    list: Some(ours.id),
                    outcome: ListOutcome::HeldBack,
                    ..told_of(*stokt_id, list)
                });
                continue;
            }
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
pub(super) fn items(client: &Client, list: StoktId) -> Result<Option<(Vec<StoktId>, bool)>, EngineError> {
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

/// A list here that is linked to none of Stokt's, and may have been made there: nobody wrote it down, or a backup that
/// is older than that was restored.
struct Unlinked {
    id: ListId,
    name: String,
    /// What the account had of its name before it was sent, or when it was called off; nothing where that is not known.
    before: HashSet<StoktId>,
}

impl Unlinked {
    fn may_be(&self, stokt_id: StoktId, name: &str) -> bool {
        kept_name(&self.name) == kept_name(name) && !self.before.contains(&stokt_id)
    }
}

/// Those of the account's own user, and those that the account was to send.
fn unlinked(conn: &mut ReadConn<'_>, account: StoktId) -> Result<Vec<Unlinked>, StoreError> {
    let open: Vec<OutboxState> = OutboxState::ALL.iter().copied().filter(|state| !state.is_over()).collect();
    let is_list = |row: &Entry| {
        row.entity == EntityKind::List && row.action == OutboxAction::Create && row.account == account
    };
    let rows: Vec<Entry> = outbox::in_states(conn, &open)?.into_iter().filter(is_list).collect();
    let mut found: Vec<Unlinked> = Vec::new();
    for row in &rows {
        let name = row.payload.get("name").and_then(Value::as_str).unwrap_or_default();
        let known = row.known_twins.iter().copied().filter(|_| row.sent_at.is_some());
        let id = row.local_id.parse().ok();
        found.extend(id.map(|id| Unlinked { id, name: name.to_owned(), before: known.collect() }));
    }
    let sent: HashSet<ListId> = found.iter().map(|one| one.id).collect();
    let mut own = outbox::own_unlinked_lists(conn, account)?;
    own.retain(|(id, _)| !sent.contains(id));
    let texts: Vec<String> = own.iter().map(|(id, _)| id.to_string()).collect();
    let last = outbox::latest(conn, &texts.iter().map(String::as_str).collect::<Vec<_>>())?;
    for ((id, name), text) in own.into_iter().zip(texts) {
        // Whoever called it off said that Stokt's is another one.
        let last = last.get(&(EntityKind::List, text)).filter(|row| row.is_another_than(&row.known_twins));
        let before = last.map(|row| row.known_twins.iter().copied().collect()).unwrap_or_default();
        found.push(Unlinked { id, name, before });
    }
    Ok(found)
}

/// A list about which nothing is decided yet.
fn told_of(stokt_id: StoktId, there: &There) -> ListTold {
    ListTold {
        stokt_id,
        list: None,
        name: there.name.clone(),
        outcome: ListOutcome::KeptDeleted,
        added: 0,
        removed: 0,
        not_here: 0,
    }
}

/// Decides about one list.
fn decide(
    known: &KnownLists,
    stokt_id: StoktId,
    there: &There,
    is_complete: bool,
) -> (ListTold, Option<PulledList>) {
    let here = known.lists.get(&stokt_id);
    let base: Option<Agreed> = here.and_then(Agreed::of);
    let mut told = ListTold { list: here.map(|list| list.id), ..told_of(stokt_id, there) };
    if here.is_none() && known.deleted.contains(&stokt_id) {
        return (told, None);
    }
    let none: &[KnownItem] = &[];
    let ours = here.map_or(none, |list| &list.items);
    let (added, removed) = merge(base.as_ref(), ours, there, is_complete);
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
    let base = next.to_json();
    (told, Some(PulledList { id, stokt_id, is_new: here.is_none(), name, added, removed, base }))
}
