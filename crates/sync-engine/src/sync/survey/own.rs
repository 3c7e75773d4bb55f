//! Reading the climbs that the account set: again, while that does not prove complete, and three times at most.

use std::collections::HashMap;

use mastoc_domain::StoktId;
use mastoc_stokt_client::MyClimbs;

use super::listing::LISTINGS;
use super::{Survey, note_twin};
use crate::error::EngineError;
use crate::listing::Listing;
use crate::pipeline::can_begin_anew;
use crate::sync::contract::{Kind, flaw};
use crate::sync::session::Session;
use crate::sync::view::RemoteClimb;

impl Survey {
    /// Reads the climbs that the account set, gym by gym; again, while one of these lists does not prove complete. A
    /// gym of which it never does counts as incomplete: nothing is missing there, and nothing is sent.
    pub(super) fn read_mine(&mut self, session: &Session<'_>) -> Result<(), EngineError> {
        let mut mine: HashMap<StoktId, RemoteClimb> = HashMap::new();
        for at in 0..self.gyms.len() {
            let Some(gym) = self.gyms.get(at).map(|gym| gym.gym) else { continue };
            let mut attempts = 1;
            loop {
                let (read, flaw) = self.read_mine_once(session, gym)?;
                if flaw.is_none() || attempts >= LISTINGS {
                    mine.extend(read);
                    if let (Some(flaw), Some(gym)) = (flaw, self.gyms.get_mut(at)) {
                        gym.listing.complete = false;
                        gym.listing.flaw.get_or_insert(format!("the account's own climbs: {flaw}"));
                    }
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

    /// Reads them once; also why that does not prove complete.
    fn read_mine_once(
        &mut self,
        session: &Session<'_>,
        gym: StoktId,
    ) -> Result<(Vec<(StoktId, RemoteClimb)>, Option<String>), EngineError> {
        let (mut read, mut listing, mut distinct) = (Vec::new(), Listing::default(), 0);
        for page in session.client.my_climbs(gym, MyClimbs::Set)? {
            session.check()?;
            let page = match page {
                Ok(page) => page,
                Err(error) if can_begin_anew(&error) => return Ok((read, Some(error.to_string()))),
                Err(error) => return Err(error.into()),
            };
            let is_plain = listing.pages == 0 && page.count.is_none() && page.next.is_none();
            let (count, is_last) = (page.count, page.next.is_none());
            let repeats = u64::try_from(page.repeats()).unwrap_or(0);
            for record in page.into_distinct() {
                distinct += 1;
                self.own.record(Kind::Climb, &record.raw);
                if flaw(Kind::Climb, &record.raw).is_none()
                    && let Ok(climb) = self.convert(&record)
                {
                    read.push((climb.stokt_id, climb));
                }
            }
            // A plain list is all there is.
            listing.page(if is_plain { Some(distinct) } else { count }, repeats, is_last);
        }
        Ok((read, listing.flaw(distinct)))
    }
}
