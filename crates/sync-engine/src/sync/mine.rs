//! The climbs that the account set, private ones included, and whether that is all of them.

use std::collections::{BTreeMap, BTreeSet};

use mastoc_domain::StoktId;
use mastoc_domain::holds_list::HoldsList;
use mastoc_domain::sync_state::EntityKind;
use mastoc_stokt_client::types::Climb as WireClimb;
use mastoc_stokt_client::{MyClimbs, Record};
use mastoc_storage::sync_climbs;
use serde_json::Value;

use super::contract::{Kind, flaw};
use super::session::Session;
use super::view::RemoteClimb;
use crate::convert::{Refused, Setters, climb_from_stokt};
use crate::error::EngineError;
use crate::listing::Listing;
use crate::pipeline::{can_begin_anew, seen_id};
use crate::plan::Quarantined;

/// How often a listing that does not prove complete is read from its start, at most.
const LISTINGS: u32 = 3;

/// What Stokt lists as set by the account. Whoever it names as the setter of one, it is the account's.
#[derive(Debug, Default)]
pub(crate) struct Mine {
    /// Those that can be read, in the order of their ids.
    pub(crate) climbs: Vec<RemoteClimb>,
    /// Those that cannot. They are there; nothing else is known of them.
    pub(crate) refused: BTreeSet<StoktId>,
}

/// What was listed of one gym.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The ids of the climbs that can be read, in their order.
    pub(super) ids: BTreeSet<StoktId>,
    /// What cannot.
    pub(super) refused: Vec<(StoktId, Quarantined)>,
    /// What can be read but for its holds, by which it would be recognised.
    odd: BTreeSet<StoktId>,
    /// Why it does not prove complete: what it does not show may be there.
    pub(super) flaw: Option<String>,
}

impl Mine {
    /// Asks Stokt: one request for each gym, and again while an answer does not prove complete. `look` is shown each
    /// record. Also answers what was listed of each gym, in the order of `gyms`.
    ///
    /// # Errors
    /// What ends the run.
    pub(crate) fn read(
        session: &Session<'_>,
        gyms: &[StoktId],
        setters: &mut Setters,
        look: &mut dyn FnMut(&Value),
    ) -> Result<(Self, Vec<Listed>), EngineError> {
        let mut climbs: BTreeMap<StoktId, RemoteClimb> = BTreeMap::new();
        let mut mine = Self::default();
        let mut lists = Vec::with_capacity(gyms.len());
        for gym in gyms {
            let mut attempts = 1;
            let (read, list) = loop {
                let (read, list) = once(session, *gym, setters, look)?;
                if list.flaw.is_none() || attempts >= LISTINGS {
                    break (read, list);
                }
                tracing::warn!(%gym, flaw = list.flaw, attempts, "the list of own climbs is not complete; again");
                attempts += 1;
            };
            climbs.extend(read.into_iter().map(|climb| (climb.stokt_id, climb)));
            mine.refused.extend(list.refused.iter().map(|(id, _)| *id).chain(list.odd.iter().copied()));
            lists.push(list);
        }
        mine.climbs = climbs.into_values().collect();
        Ok((mine, lists))
    }

    /// One that can be read.
    pub(crate) fn get(&self, id: StoktId) -> Option<&RemoteClimb> {
        self.climbs.binary_search_by_key(&id, |climb| climb.stokt_id).ok().and_then(|at| self.climbs.get(at))
    }
}

/// Reads the list of one gym.
fn once(
    session: &Session<'_>,
    gym: StoktId,
    setters: &mut Setters,
    look: &mut dyn FnMut(&Value),
) -> Result<(Vec<RemoteClimb>, Listed), EngineError> {
    let (mut read, mut list) = (Vec::new(), Listed::default());
    let (mut listing, mut distinct) = (Listing::default(), 0);
    for page in session.client.my_climbs(gym, MyClimbs::Set)? {
        session.check()?;
        let page = match page {
            Ok(page) => page,
            Err(error) if can_begin_anew(&error) => {
                list.flaw = Some(error.to_string());
                return Ok((read, list));
            }
            Err(error) => return Err(error.into()),
        };
        let is_plain = listing.pages == 0 && page.count.is_none() && page.next.is_none();
        let (count, is_last) = (page.count, page.next.is_none());
        let repeats = u64::try_from(page.repeats()).unwrap_or(0);
        for record in page.into_distinct() {
            distinct += 1;
            look(&record.raw);
            let climb = match flaw(Kind::Climb, &record.raw) {
                Some(odd) => Err(Quarantined::odd(EntityKind::Climb, &record.raw, odd)),
                None => convert(&record, setters)
                    .map_err(|why| Quarantined::new(EntityKind::Climb, &record.raw, &why)),
            };
            match climb {
                Ok(climb) => {
                    list.ids.insert(climb.stokt_id);
                    if HoldsList::parse(&climb.import.holds_list).is_err() {
                        list.odd.insert(climb.stokt_id);
                    }
                    read.push(climb);
                }
                Err(refused) => list.refused.push((seen_id(&record), refused)),
            }
        }
        // A plain list is all there is.
        listing.page(if is_plain { Some(distinct) } else { count }, repeats, is_last);
    }
    list.flaw = listing.flaw(distinct);
    Ok((read, list))
}

/// A climb as Stokt shows it.
pub(super) fn convert(record: &Record<WireClimb>, setters: &mut Setters) -> Result<RemoteClimb, Refused> {
    let import = climb_from_stokt(record, setters)?;
    let canonical = sync_climbs::canonical(&import);
    Ok(RemoteClimb { stokt_id: import.stokt_id, import, canonical })
}
