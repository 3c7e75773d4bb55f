//! Reading the climbs that the account set: again, while that does not prove complete, and three times at most.

use std::collections::{BTreeSet, HashMap};

use mastoc_domain::StoktId;
use mastoc_domain::sync_state::EntityKind;
use mastoc_stokt_client::MyClimbs;

use super::listing::LISTINGS;
use super::{Survey, note_twin};
use crate::error::EngineError;
use crate::listing::Listing;
use crate::pipeline::{can_begin_anew, seen_id};
use crate::plan::Quarantined;
use crate::sync::contract::{Kind, flaw};
use crate::sync::session::Session;
use crate::sync::view::RemoteClimb;

/// The account's own climbs in a gym, read once.
#[derive(Default)]
struct Once {
    read: Vec<(StoktId, RemoteClimb)>,
    /// What cannot be read.
    refused: Vec<(StoktId, Quarantined)>,
    /// Why that does not prove complete.
    flaw: Option<String>,
}

impl Survey {
    /// Reads the climbs that the account set, gym by gym; again, while one of these lists does not prove complete. A
    /// gym of which it never does counts as incomplete: nothing is missing there, and nothing is sent.
    pub(super) fn read_mine(&mut self, session: &Session<'_>) -> Result<(), EngineError> {
        let mut mine: HashMap<StoktId, RemoteClimb> = HashMap::new();
        for at in 0..self.gyms.len() {
            let Some(gym) = self.gyms.get(at).map(|gym| gym.gym) else { continue };
            let mut attempts = 1;
            loop {
                let Once { read, refused, flaw } = self.read_mine_once(session, gym)?;
                if flaw.is_none() || attempts >= LISTINGS {
                    if let Some(gym) = self.gyms.get_mut(at) {
                        let ids: BTreeSet<StoktId> = read.iter().map(|(id, _)| *id).collect();
                        let unlisted = ids.into_iter().filter(|id| !gym.lists(*id)).collect();
                        self.unlisted.push(unlisted);
                        // They are there, though nobody can read them: not missing.
                        for (id, refused) in refused {
                            if !gym.lists(id) {
                                gym.refused_ids.insert(id);
                                gym.refused.push(refused);
                            }
                        }
                        if let Some(flaw) = flaw {
                            gym.listing.complete = false;
                            gym.listing.flaw.get_or_insert(format!("the account's own climbs: {flaw}"));
                        }
                    }
                    mine.extend(read);
                    break;
                }
                tracing::warn!(%gym, flaw, attempts, "the list of own climbs is not complete; reading it again");
                attempts += 1;
            }
        }
        for climb in mine.values() {
            note_twin(&mut self.twins, session.account, climb);
        }
        let mut mine: Vec<RemoteClimb> = mine.into_values().collect();
        mine.sort_unstable_by_key(|climb| climb.stokt_id);
        self.mine = Some(mine);
        Ok(())
    }

    fn read_mine_once(&mut self, session: &Session<'_>, gym: StoktId) -> Result<Once, EngineError> {
        let (mut once, mut listing, mut distinct) = (Once::default(), Listing::default(), 0);
        for page in session.client.my_climbs(gym, MyClimbs::Set)? {
            session.check()?;
            let page = match page {
                Ok(page) => page,
                Err(error) if can_begin_anew(&error) => {
                    once.flaw = Some(error.to_string());
                    return Ok(once);
                }
                Err(error) => return Err(error.into()),
            };
            let is_plain = listing.pages == 0 && page.count.is_none() && page.next.is_none();
            let (count, is_last) = (page.count, page.next.is_none());
            let repeats = u64::try_from(page.repeats()).unwrap_or(0);
            for record in page.into_distinct() {
                distinct += 1;
                self.own.record(Kind::Climb, &record.raw);
                let climb = match flaw(Kind::Climb, &record.raw) {
                    Some(problem) => Err(Quarantined::odd(EntityKind::Climb, &record.raw, problem)),
                    None => self
                        .convert(&record)
                        .map_err(|why| Quarantined::new(EntityKind::Climb, &record.raw, &why)),
                };
                match climb {
                    Ok(climb) => once.read.push((climb.stokt_id, climb)),
                    Err(refused) => once.refused.push((seen_id(&record), refused)),
                }
            }
            // A plain list is all there is.
            listing.page(if is_plain { Some(distinct) } else { count }, repeats, is_last);
        }
        once.flaw = listing.flaw(distinct);
        Ok(once)
    }
}
