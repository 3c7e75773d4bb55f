//! What a run reads of Stokt before it writes anything: the listing of each gym, in a full run its board, and the
//! climbs of the account where they are needed. Of each climb a short entry stays in memory, the record in the spool.

mod listing;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use mastoc_domain::canonical::fingerprint;
use mastoc_domain::import::ImportUser;
use mastoc_domain::{StoktId, Timestamp};
use mastoc_stokt_client::Record;
use mastoc_stokt_client::types::Climb as WireClimb;
use mastoc_storage::outbox::{self, Awaited};
use serde_json::Value;

use super::contract::{Kind, Watch};
use super::mine::{Mine, convert};
use super::planning::Awaiting;
use super::push::twins::{self, Unexplained};
use super::session::Session;
use super::spool::Spool;
use super::view::{GymView, RemoteClimb, View};
use crate::board::{FetchedBoard, fetch_board, unknown_gym};
use crate::convert::{Refused, Setters};
use crate::error::EngineError;
use crate::observe::Step;
use crate::pipeline::ALL;
use crate::plan::Quarantined;
use crate::report::{Issue, ListingReport};
pub(super) use listing::Hash;
use listing::{Entry, Read};

/// How far back a listing reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// To the beginning.
    All,
    /// So many days.
    Days(u32),
}

impl Window {
    fn days(self) -> u32 {
        match self {
            Self::All => ALL,
            Self::Days(days) => days,
        }
    }
}

/// What was read of one gym.
pub(crate) struct GymSurvey {
    /// The gym.
    pub(crate) gym: StoktId,
    /// Its name.
    pub(crate) name: String,
    /// How far back its listing reaches.
    pub(crate) window: Window,
    /// Up to when everything of it was known before.
    pub(crate) before: Option<Timestamp>,
    /// Its board: in a full run, and where a climb needs it.
    pub(crate) board: Option<FetchedBoard>,
    /// Its listing.
    pub(crate) listing: ListingReport,
    /// The climbs that were listed and can be read.
    pub(super) index: HashMap<StoktId, Entry>,
    /// What was listed and cannot.
    pub(super) refused: Vec<Quarantined>,
    refused_ids: HashSet<StoktId>,
    spool: Spool,
}

impl GymSurvey {
    /// Whether a climb that it does not show is missing from Stokt.
    pub(crate) fn shows_all(&self) -> bool {
        self.window == Window::All && self.listing.complete
    }

    /// Whether the listing had this climb, readable or not.
    pub(crate) fn lists(&self, id: StoktId) -> bool {
        self.index.contains_key(&id) || self.refused_ids.contains(&id)
    }
}

/// What was read.
pub(crate) struct Survey {
    /// When it began, on our clock.
    pub(crate) began: Timestamp,
    /// When it began, on Stokt's; on ours where Stokt tells no time.
    pub(crate) seen_at: Timestamp,
    /// The gyms.
    pub(crate) gyms: Vec<GymSurvey>,
    /// The climbs that the account set, where they were asked for.
    pub(crate) mine: Option<Mine>,
    /// In the order of the gyms, those of them that the gym's listing does not show: private ones, or older ones.
    unlisted: Vec<Vec<StoktId>>,
    /// The account's climbs by their fingerprints.
    pub(crate) twins: HashMap<String, BTreeSet<StoktId>>,
    /// Climbs here that Stokt already has, as far as anybody can tell.
    pub(super) held: Vec<Unexplained>,
    /// What is odd about Stokt's answers.
    pub(crate) notes: Vec<Issue>,
    views: Vec<GymView>,
    setters: Mutex<Setters>,
    watch: Watch,
    /// The same for the account's own climbs: what drifts in one of the two listings is not hidden by the other.
    own: Watch,
    /// Climbs that the list of the account's own shows so that nobody can read them.
    unreadable: Vec<Unreadable>,
}

/// A climb that cannot be read in the list of the account's own.
struct Unreadable {
    refused: Quarantined,
    /// Whether the gym's listing shows it as it should be, so that it is the list that is odd.
    is_listed_well: bool,
}

/// A gym to be looked at.
pub(crate) struct Wanted {
    /// Its id at Stokt.
    pub(crate) gym: StoktId,
    /// Its name, as far as it is known.
    pub(crate) name: String,
    /// How far back to look.
    pub(crate) window: Window,
    /// Up to when everything of it is known.
    pub(crate) before: Option<Timestamp>,
}

impl Survey {
    /// Reads what the run needs. `mine`: also the climbs that the account set.
    ///
    /// # Errors
    /// What ends the run; nothing was written.
    pub(crate) fn read(
        session: &Session<'_>,
        me: &Value,
        wanted: Vec<Wanted>,
        mine: bool,
    ) -> Result<Self, EngineError> {
        let mut watch = Watch::new();
        watch.record(Kind::Account, me);
        let mut survey = Self {
            began: session.clock.now(),
            seen_at: session.client.remote_time().map_or_else(|| session.clock.now(), timestamp),
            gyms: Vec::with_capacity(wanted.len()),
            mine: None,
            unlisted: Vec::new(),
            twins: HashMap::new(),
            held: Vec::new(),
            notes: Vec::new(),
            views: Vec::new(),
            setters: Mutex::default(),
            watch,
            own: Watch::new(),
            unreadable: Vec::new(),
        };
        for gym in wanted {
            survey.read_gym(session, gym)?;
        }
        if mine {
            survey.read_mine(session)?;
        }
        survey.look_at_shapes()?;
        survey.held = twins::find(session, &survey.view())?;
        Ok(survey)
    }

    /// Whether the records have the shape that is known, as far as they were read.
    fn look_at_shapes(&mut self) -> Result<(), EngineError> {
        self.notes = self.watch.finish()?;
        let is_the_list = self.unreadable.iter().any(|one| one.is_listed_well);
        for issue in if is_the_list { self.own.finish_with_few() } else { self.own.finish() }? {
            let same = |note: &Issue| (&note.kind, &note.stokt_id) == (&issue.kind, &issue.stokt_id);
            if !self.notes.iter().any(same) {
                self.notes.push(issue);
            }
        }
        self.views = self
            .gyms
            .iter()
            .map(|gym| GymView {
                gym: gym.gym,
                is_complete: gym.listing.complete && self.mine.is_some(),
                days: match gym.window {
                    Window::All => None,
                    Window::Days(days) => Some(days),
                },
            })
            .collect();
        Ok(())
    }

    fn read_gym(&mut self, session: &Session<'_>, wanted: Wanted) -> Result<(), EngineError> {
        let Wanted { gym, name, window, before } = wanted;
        let mut board = None;
        let mut name = name;
        if window == Window::All {
            let fetched = self.ask_for_board(session, gym)?;
            name = fetched.plan.head.gyms.first().map(|gym| gym.display_name.clone()).unwrap_or(name);
            board = Some(fetched);
        }
        let read = self.read_listing(session, gym, window)?;
        let Read { listing, index, refused, refused_ids, spool } = read;
        self.gyms.push(GymSurvey {
            gym,
            name,
            window,
            before,
            board,
            listing,
            index,
            refused,
            refused_ids,
            spool,
        });
        Ok(())
    }

    fn ask_for_board(&mut self, session: &Session<'_>, gym: StoktId) -> Result<FetchedBoard, EngineError> {
        session.check()?;
        session.observer.begin(Step::Board, None);
        let summary = session.client.gym_summary(gym).map_err(|error| unknown_gym(gym, error))?;
        self.watch.record(Kind::Gym, &summary.raw);
        let size = session.options.batch_size;
        let board = fetch_board(session.client, gym, &summary, size, &mut self.watch)?;
        session.observer.advance(Step::Board, board.faces);
        session.observer.end(Step::Board, "");
        Ok(board)
    }

    /// Asks for the board of a gym whose listing names faces or holds that nobody knows here.
    ///
    /// # Errors
    /// What ends the run.
    pub(super) fn add_board(&mut self, session: &Session<'_>, at: usize) -> Result<(), EngineError> {
        let Some(gym) = self.gyms.get(at).filter(|gym| gym.board.is_none()).map(|gym| gym.gym) else {
            return Ok(());
        };
        let board = self.ask_for_board(session, gym)?;
        self.look_at_shapes()?;
        if let Some(gym) = self.gyms.get_mut(at) {
            gym.board = Some(board);
        }
        Ok(())
    }

    fn read_mine(&mut self, session: &Session<'_>) -> Result<(), EngineError> {
        let gyms: Vec<StoktId> = self.gyms.iter().map(|gym| gym.gym).collect();
        let setters = self.setters.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A watch of their own: what drifts in one of the two listings is not hidden by the other.
        let watch = &mut self.own;
        let (mine, lists) = Mine::read(session, &gyms, setters, &mut |raw| watch.record(Kind::Climb, raw))?;
        for (gym, list) in self.gyms.iter_mut().zip(lists) {
            let unlisted: Vec<StoktId> = list.ids.into_iter().filter(|id| !gym.lists(*id)).collect();
            self.unlisted.push(unlisted);
            if let Some(flaw) = list.flaw {
                gym.listing.complete = false;
                gym.listing.flaw.get_or_insert(format!("the account's own climbs: {flaw}"));
            }
            // They are there, though nobody can read them: not missing.
            for (id, refused) in list.refused {
                let is_listed_well = gym.index.contains_key(&id);
                self.unreadable.push(Unreadable { refused: refused.clone(), is_listed_well });
                if !gym.lists(id) {
                    gym.refused_ids.insert(id);
                    gym.refused.push(refused);
                }
            }
        }
        for climb in &mine.climbs {
            self.twins.entry(fingerprint_of(session.account, climb)).or_default().insert(climb.stokt_id);
        }
        self.mine = Some(mine);
        Ok(())
    }

    /// The account's own climbs that nobody can read in the list of them, so that no change of them is sent. `pulls`:
    /// without those that the pull sets aside and tells by itself.
    pub(crate) fn unreadable(&self, pulls: bool) -> impl Iterator<Item = Issue> {
        self.unreadable.iter().filter(move |one| one.is_listed_well || !pulls).map(|one| Issue {
            kind: one.refused.kind.as_str().to_owned(),
            stokt_id: one.refused.stokt_id.clone(),
            code: one.refused.problem.code.clone(),
            detail: format!("in the list of the account's own climbs: {}", one.refused.problem.detail),
        })
    }

    fn convert(&self, record: &Record<WireClimb>) -> Result<RemoteClimb, Refused> {
        convert(record, &mut self.setters())
    }

    /// What of ours a climb may be that was sent and is not settled, or is held back, whoever Stokt names as its setter.
    pub(super) fn awaits<'a>(
        &self,
        session: &Session<'_>,
        awaited: &'a Awaiting,
        climb: &RemoteClimb,
    ) -> Option<&'a Awaited> {
        let is_own = may_be_own(session.account, climb) || self.my(climb.stokt_id).is_some();
        let print = Some(fingerprint_of(session.account, climb)).filter(|_| is_own && !awaited.is_empty());
        let own = print.and_then(|print| awaited.get(&print));
        own.filter(|own| !own.before.contains(&climb.stokt_id))
            .or_else(|| outbox::awaits(awaited, &climb.import))
    }

    fn setters(&self) -> MutexGuard<'_, Setters> {
        self.setters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody who set a climb that was read, in the order of their ids.
    pub(super) fn people(&self) -> Vec<ImportUser> {
        let mut people: Vec<ImportUser> = self.setters().all().cloned().collect();
        people.sort_unstable_by_key(|user| user.stokt_id);
        people
    }

    /// A climb as Stokt shows it; `None` when it was not read.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub(crate) fn climb(&self, id: StoktId) -> Result<Option<RemoteClimb>, EngineError> {
        for gym in &self.gyms {
            if let Some(entry) = gym.index.get(&id) {
                let record = Record::new(gym.spool.read(entry.place)?);
                return Ok(Some(self.convert(&record)?));
            }
        }
        Ok(self.my(id).cloned())
    }

    /// One of the account's own climbs.
    pub(crate) fn my(&self, id: StoktId) -> Option<&RemoteClimb> {
        self.mine.as_ref()?.get(id)
    }

    /// The account's own climbs in a gym that its listing does not show.
    pub(super) fn unlisted(&self, at: usize) -> impl Iterator<Item = &RemoteClimb> {
        self.unlisted.get(at).into_iter().flatten().filter_map(|id| self.my(*id))
    }

    /// What sending needs of it.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            began: self.began,
            gyms: &self.views,
            mine: self.mine.as_ref().map(|mine| mine.climbs.as_slice()).unwrap_or_default(),
            unreadable: self.mine.as_ref().map_or(&NONE, |mine| &mine.refused),
            twins: &self.twins,
            held: &self.held,
        }
    }
}

/// Nothing that cannot be read.
static NONE: BTreeSet<StoktId> = BTreeSet::new();

/// Remembers a listed climb that may be the account's by what it would be recognised by.
fn note_twin(twins: &mut HashMap<String, BTreeSet<StoktId>>, account: StoktId, climb: &RemoteClimb) {
    if may_be_own(account, climb) {
        twins.entry(fingerprint_of(account, climb)).or_default().insert(climb.stokt_id);
    }
}

/// Whether a listed climb says that it is the account's, or does not say whose it is.
fn may_be_own(account: StoktId, climb: &RemoteClimb) -> bool {
    climb.import.setter_stokt_id.is_none_or(|setter| setter == account)
}

/// By what a climb of the account's would be recognised.
fn fingerprint_of(account: StoktId, climb: &RemoteClimb) -> String {
    fingerprint(climb.import.face_stokt_id, account, &climb.import.holds_list, &climb.import.name)
}

/// Stokt's time as ours is written.
pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::from_utc(DateTime::<Utc>::from(time))
}
