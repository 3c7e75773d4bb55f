//! Reading the listing of one gym: page by page into the spool, until it proves complete.

use std::collections::{HashMap, HashSet};

use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{StoktId, Timestamp};
use mastoc_stokt_client::Page;
use mastoc_stokt_client::types::Climb as WireClimb;
use mastoc_storage::sync_climbs;

use super::{Survey, Window, note_twin, timestamp};
use crate::error::EngineError;
use crate::listing::Listing;
use crate::observe::Step;
use crate::pipeline::{can_begin_anew, seen_id};
use crate::plan::Quarantined;
use crate::report::ListingReport;
use crate::sync::contract::{Kind, flaw};
use crate::sync::session::Session;
use crate::sync::spool::{Place, Spool};

/// How often a listing that changed underway is read from its start, at most.
pub(super) const LISTINGS: u32 = 3;

/// What is remembered of a listed climb.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) struct Entry {
    pub(in crate::sync) place: Place,
    pub(in crate::sync) observed: Hash,
    pub(in crate::sync) base: Hash,
}

/// A SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) struct Hash([u8; 32]);

impl Hash {
    /// Reads what storage prints; nothing else is ever given.
    pub(in crate::sync) fn of(hex: &str) -> Self {
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let digit = |letter: &u8| char::from(*letter).to_digit(16).unwrap_or(0);
            *byte =
                pair.iter().map(digit).fold(0, |sum, digit| (sum << 4) | u8::try_from(digit).unwrap_or(0));
        }
        Self(bytes)
    }

    /// As storage prints it.
    pub(in crate::sync) fn hex(self) -> String {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

/// A listing as far as it was read.
pub(super) struct Read {
    pub(super) listing: ListingReport,
    pub(super) index: HashMap<StoktId, Entry>,
    pub(super) refused: Vec<Quarantined>,
    pub(super) refused_ids: HashSet<StoktId>,
    pub(super) spool: Spool,
}

impl Read {
    fn new(began: Option<Timestamp>) -> Result<Self, EngineError> {
        let last = Listing { began, ..Listing::default() };
        Ok(Self {
            listing: ListingReport { last, ..ListingReport::default() },
            index: HashMap::new(),
            refused: Vec::new(),
            refused_ids: HashSet::new(),
            spool: Spool::new()?,
        })
    }
}

impl Survey {
    /// Reads the listing; again, while it does not prove complete.
    pub(super) fn read_listing(
        &mut self,
        session: &Session<'_>,
        gym: StoktId,
        window: Window,
    ) -> Result<Read, EngineError> {
        session.observer.begin(Step::Climbs, None);
        let mut attempts = 1;
        loop {
            let began = session.client.remote_time().map(timestamp);
            let mut read = Read::new(began)?;
            let mut broken = None;
            for page in session.client.climbs(gym, window.days())? {
                session.check()?;
                match page {
                    Ok(page) => self.take_page(session, page, &mut read)?,
                    Err(error) if can_begin_anew(&error) => broken = Some(error),
                    Err(error) => return Err(error.into()),
                }
            }
            if broken.is_some() {
                read.listing.last.ended = false;
            }
            read.spool.seal()?;
            let distinct = u64::try_from(read.index.len() + read.refused_ids.len()).unwrap_or(u64::MAX);
            let flaw = broken.map(|error| error.to_string()).or_else(|| read.listing.last.flaw(distinct));
            if flaw.is_none() || attempts >= LISTINGS {
                session.observer.end(Step::Climbs, flaw.as_deref().unwrap_or_default());
                let last = read.listing.last;
                read.listing = ListingReport { complete: flaw.is_none(), flaw, distinct, attempts, last };
                return Ok(read);
            }
            tracing::warn!(%gym, flaw, attempts, "the listing is not complete; reading it again");
            attempts += 1;
        }
    }

    fn take_page(
        &mut self,
        session: &Session<'_>,
        page: Page<WireClimb>,
        read: &mut Read,
    ) -> Result<(), EngineError> {
        self.watch.page(&page);
        let repeats = u64::try_from(page.repeats()).unwrap_or(0);
        if read.listing.last.pages == 0
            && let Some(count) = page.count
        {
            session.observer.total(Step::Climbs, count);
        }
        // A plain list counts itself.
        let count =
            page.count.or_else(|| u64::try_from(page.records.len()).ok().filter(|_| page.next.is_none()));
        read.listing.last.page(count, repeats, page.next.is_none());
        let new = u64::try_from(page.records.len()).unwrap_or(0).saturating_sub(repeats);
        session.observer.advance(Step::Climbs, new);
        for record in page.into_distinct() {
            let odd = flaw(Kind::Climb, &record.raw);
            let climb = match odd {
                Some(problem) => Err(Quarantined::odd(EntityKind::Climb, &record.raw, problem)),
                None => self
                    .convert(&record)
                    .map_err(|why| Quarantined::new(EntityKind::Climb, &record.raw, &why)),
            };
            match climb {
                Ok(climb) => {
                    note_twin(&mut self.twins, session.account, &climb);
                    let entry = Entry {
                        place: read.spool.add(&record.raw)?,
                        observed: Hash::of(&sync_climbs::observed_hash(&climb.import)?),
                        base: Hash::of(&sync_climbs::base_hash(&climb.canonical)),
                    };
                    read.index.insert(climb.stokt_id, entry);
                }
                Err(refused) => {
                    read.refused_ids.insert(seen_id(&record));
                    read.refused.push(refused);
                }
            }
        }
        Ok(())
    }
}
