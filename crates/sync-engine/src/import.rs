//! The import of whole gyms: gym, walls, faces, holds, wall pictures, setters with their climbs, avatars.

use std::borrow::Borrow;
use std::thread;
use std::time::{Instant, SystemTime};

use chrono::{DateTime, Utc};
use mastoc_domain::{StoktId, Timestamp};
use mastoc_stokt_client::types::GymSummary;
use mastoc_stokt_client::{Answered, Client, ErrorKind};

use crate::board::{FetchedBoard, fetch_board, unknown_gym};
use crate::convert::Setters;
use crate::ending::Ending;
use crate::error::EngineError;
use crate::listing::Listing;
use crate::observe::{Observer, Step};
use crate::pictures::{fetch_all, settle};
use crate::pipeline::{Reading, Stream, Streamed};
use crate::plan::{BoardPlan, PictureOwner, PicturePlan, Progress};
use crate::recount::ListingMark;
use crate::report::{GymReport, Issue, ListingReport, Report, Traffic, Watermarks};
use crate::sync::contract::{Kind, Watch};
use crate::target::{Start, Started, Target};

/// How often a listing that changed underway is read from its start, at most.
const LISTINGS: u32 = 3;

/// What to import, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// The gyms; none for the account's home gym.
    pub gyms: Vec<StoktId>,
    /// Most records in one batch.
    pub batch_size: usize,
    /// Only tell what would be done. The target must be one for dry runs.
    pub dry_run: bool,
    /// Start from the first page and fetch every picture, also those that are here: for a snapshot that is whole.
    pub everything: bool,
    /// The command that serves what was imported, for the report.
    pub serve: String,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            gyms: Vec::new(),
            batch_size: 500,
            dry_run: false,
            everything: false,
            serve: "mastoc-server serve".to_owned(),
        }
    }
}

/// Imports gyms from Stokt (or a snapshot of it) into `target`.
///
/// Never fails without a report: what was done before an error is in it, and stays done. Running it again goes on
/// where it stopped, or, after a complete run, changes nothing that Stokt did not change.
pub fn import(
    client: &Client,
    target: &dyn Target,
    options: &ImportOptions,
    observer: &dyn Observer,
) -> Report {
    import_into(client, target.describe(), || Ok(target), options, observer)
}

/// As [`import`], but opens the target only once Stokt has let us in: wrong credentials leave no trace, not even an
/// empty database. `describe`: the target in a few words, without passwords.
pub fn import_into<'t, T: Borrow<dyn Target + 't>>(
    client: &Client,
    describe: String,
    open: impl FnOnce() -> Result<T, EngineError>,
    options: &ImportOptions,
    observer: &dyn Observer,
) -> Report {
    let began = Instant::now();
    let mut report = Report::begin(client.base_url(), describe, options.dry_run);
    report.is_stored = client.is_stored();
    let opened = ask_who(client, options).and_then(|who| {
        observer.begin(Step::Board, None);
        let (target, ahead) = while_opening(client, &who, options, open)?;
        Ok((who, target, ahead))
    });
    let (outcome, target) = match opened {
        Ok((who, target, ahead)) => {
            let run = Run { client, target: target.borrow(), options, observer };
            (run.all(&who, ahead, &mut report), Some(target))
        }
        Err(error) => (Err(error), None),
    };
    let ending = match &outcome {
        Ok(()) => ending_of(&report),
        Err(error) => error.ending(),
    };
    report.error = outcome.err().map(|error| error.to_string());
    report.close(ending, began.elapsed(), Traffic::from(client.stats().read()), &options.serve);
    if let Some(target) = &target {
        keep_report(target.borrow(), &mut report, began, &options.serve);
    }
    report
}

/// The first gym's board, asked for ahead of its turn.
type Ahead = Option<(StoktId, Result<Known, EngineError>)>;

/// A board whose records have the shape that we know, and what is new in them.
struct Known {
    board: FetchedBoard,
    notes: Vec<Issue>,
}

/// Asks for a gym's board, and looks at its shape before anything of it is written.
fn fetch_known(
    client: &Client,
    gym: StoktId,
    summary: &Answered<GymSummary>,
    batch_size: usize,
) -> Result<Known, EngineError> {
    let mut watch = Watch::new();
    watch.record(Kind::Gym, &summary.raw);
    let board = fetch_board(client, gym, summary, batch_size, &mut watch)?;
    Ok(Known { board, notes: watch.finish()? })
}

/// Opens the target, and meanwhile asks Stokt for the first board: a new database takes as long as that.
fn while_opening<T>(
    client: &Client,
    who: &Who,
    options: &ImportOptions,
    open: impl FnOnce() -> Result<T, EngineError>,
) -> Result<(T, Ahead), EngineError> {
    thread::scope(|scope| {
        let asked = who.gyms.first().map(|(gym, summary)| {
            (*gym, scope.spawn(|| fetch_known(client, *gym, summary, options.batch_size)))
        });
        let target = open().inspect_err(|_| client.cancel().cancel())?;
        let ahead = asked.map(|(gym, asked)| match asked.join() {
            Ok(board) => (gym, board),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        Ok((target, ahead))
    })
}

/// Keeps the report where the target keeps runs. That it cannot be kept is told by a run that came to its end; what ended
/// another early, such as a full disk, is said already.
fn keep_report(target: &dyn Target, report: &mut Report, began: Instant, serve: &str) {
    let kept = serde_json::to_value(&*report).unwrap_or_default();
    if let Err(error) = target.finish(report.ending, &kept) {
        if report.error.is_some() {
            tracing::info!(%error, "the run's report could not be kept");
            return;
        }
        // A run that was done in part stays so: what failed is to be looked at all the same.
        let ending = if report.ending == Ending::Partial { Ending::Partial } else { error.ending() };
        report.error = Some(format!("the run's report could not be kept: {error}"));
        report.close(ending, began.elapsed(), report.traffic, serve);
    }
}

/// How a run that came to its end ended.
fn ending_of(report: &Report) -> Ending {
    let complete = report.gyms.iter().all(|gym| gym.listing.complete);
    let has_all = report.problems.is_empty() && report.images.missing_wall_pictures == 0;
    if complete && has_all { Ending::Done } else { Ending::Partial }
}

/// Who asks, and for what.
struct Who {
    account: Option<StoktId>,
    /// Each with its summary: Stokt shows all of them to this account.
    gyms: Vec<(StoktId, Answered<GymSummary>)>,
}

/// Asks Stokt who we are, and for the gyms. A snapshot may not know who; then the gyms have to be named.
fn ask_who(client: &Client, options: &ImportOptions) -> Result<Who, EngineError> {
    let (account, home) = match client.me() {
        Ok(me) => {
            let home = me.home_gym.as_ref().and_then(|gym| gym.id.as_uuid()).map(StoktId);
            (me.id.as_uuid().map(StoktId), home)
        }
        Err(error) if !options.gyms.is_empty() && tells_nothing(&error) => (None, None),
        Err(error) => return Err(error.into()),
    };
    let gyms = match options.gyms.as_slice() {
        [] => vec![home.ok_or(EngineError::NoHomeGym)?],
        gyms => gyms.to_vec(),
    };
    let mut shown = Vec::with_capacity(gyms.len());
    for gym in gyms {
        let summary = client.gym_summary(gym).map_err(|error| unknown_gym(gym, error))?;
        shown.push((gym, summary));
    }
    Ok(Who { account, gyms: shown })
}

fn tells_nothing(error: &mastoc_stokt_client::Error) -> bool {
    error.is_not_found() || error.is_forbidden() || matches!(error.kind(), ErrorKind::NotInSnapshot)
}

/// One run's parts.
struct Run<'r> {
    client: &'r Client,
    target: &'r dyn Target,
    options: &'r ImportOptions,
    observer: &'r dyn Observer,
}

impl Run<'_> {
    fn all(&self, who: &Who, mut ahead: Ahead, report: &mut Report) -> Result<(), EngineError> {
        let started = self.target.begin(&Start {
            origin: self.client.base_url().to_owned(),
            account: who.account,
            gyms: who.gyms.iter().map(|(gym, _)| *gym).collect(),
            resume: !self.options.everything,
        })?;
        report.run = started.run;
        let before = oldest(who.gyms.iter().map(|(gym, _)| started.watermark(*gym)));
        report.watermarks = Watermarks { before, after: before };
        // A gym that was begun comes first, since its listing is the one that is under way.
        let mut gyms: Vec<&(StoktId, Answered<GymSummary>)> = who.gyms.iter().collect();
        gyms.sort_by_key(|(gym, _)| !started.resume.iter().any(|(known, _)| known == gym));
        // People belong to no gym: what is agreed on about them holds for the whole run, a stop in it included.
        let mut reading = Reading::default();
        reading.setters.remember(self.target.known_setters()?);
        for (gym, summary) in gyms {
            let Known { board, notes } = match ahead.take_if(|(known, _)| known == gym) {
                Some((_, board)) => board?,
                None => {
                    self.observer.begin(Step::Board, None);
                    fetch_known(self.client, *gym, summary, self.options.batch_size)?
                }
            };
            notes.into_iter().for_each(|note| report.note(note));
            self.gym(*gym, board, &started, &mut reading, report)?;
        }
        reading.watch.finish()?.into_iter().for_each(|note| report.note(note));
        report.watermarks.after = oldest(report.gyms.iter().map(|gym| gym.watermarks.after));
        Ok(())
    }

    fn gym(
        &self,
        gym: StoktId,
        board: FetchedBoard,
        started: &Started,
        reading: &mut Reading,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let FetchedBoard { plan, faces, problems } = board;
        self.observer.advance(Step::Board, faces);
        for problem in problems {
            report.problem(problem);
        }
        let name = plan.head.gyms.first().map(|gym| gym.display_name.clone()).unwrap_or_default();
        let place = report.gyms.len();
        let before = started.watermark(gym);
        let resume =
            started.resume.iter().find(|(known, _)| *known == gym).map(|(_, progress)| progress.clone());
        report.gyms.push(GymReport {
            stokt_id: gym,
            name,
            resumed: resume.is_some(),
            listing: ListingReport::default(),
            watermarks: Watermarks { before, after: before },
        });
        for written in self.target.write(gym, &plan.head)? {
            report.add(written);
        }
        self.observer.end(Step::Board, "");
        let wanted = self.wall_pictures(gym, &plan)?;
        report.images.wanted += u64::try_from(wanted.len()).unwrap_or(0);

        let mut mark = ListingMark::of(report);
        let listing = self.climbs(gym, plan, wanted, resume, reading, report, &mut mark);
        mark.end(report);
        let listing = listing?;
        let watermark = listing.last.began.filter(|_| listing.complete && !self.options.dry_run);
        if let Some(gym) = report.gyms.get_mut(place) {
            gym.listing = listing;
        }
        self.avatars(gym, &reading.setters, report)?;
        self.target.gym_done(gym, watermark)?;
        if let Some(gym) = report.gyms.get_mut(place) {
            gym.watermarks.after = watermark.max(before);
        }
        Ok(())
    }

    fn wall_pictures(&self, gym: StoktId, plan: &BoardPlan) -> Result<Vec<PicturePlan>, EngineError> {
        if self.options.everything {
            return Ok(plan.pictures.clone());
        }
        let wanted = self.target.wanted(gym)?;
        Ok(wanted.into_iter().filter(|picture| matches!(picture.owner, PictureOwner::Face(_))).collect())
    }

    /// Holds, wall pictures and climbs; the listing is read again while it does not prove complete.
    #[expect(clippy::too_many_arguments, reason = "what is known of the gym so far, and what is told of it")]
    fn climbs(
        &self,
        gym: StoktId,
        plan: BoardPlan,
        wanted: Vec<PicturePlan>,
        resume: Option<Progress>,
        reading: &mut Reading,
        report: &mut Report,
        mark: &mut ListingMark,
    ) -> Result<ListingReport, EngineError> {
        let count = |number: usize| Some(u64::try_from(number).unwrap_or(0));
        let pictures = if self.options.dry_run { Vec::new() } else { wanted };
        self.observer.begin(Step::Holds, count(plan.holds.iter().map(|batch| batch.holds.len()).sum()));
        if !pictures.is_empty() {
            self.observer.begin(Step::Pictures, count(pictures.len()));
        }
        self.observer.begin(Step::Climbs, None);
        let stream = Stream {
            client: self.client,
            target: self.target,
            observer: self.observer,
            gym,
            batch_size: self.options.batch_size.max(1),
        };
        // What Stokt said last, before the first page, so that nothing which changes from now on is taken for known.
        let fresh = || {
            let began = self.client.remote_time().and_then(timestamp);
            Progress { next: None, listing: Listing { began, ..Listing::default() } }
        };
        let (mut first, mut pictures) = (plan.holds, pictures);
        if resume.is_none() {
            self.target.restart_listing(gym)?;
        }
        let mut start = resume.unwrap_or_else(fresh);
        let mut attempts = 1;
        loop {
            let streamed = stream.run(
                std::mem::take(&mut first),
                std::mem::take(&mut pictures),
                start,
                reading,
                report,
            )?;
            let Streamed { listing, pictures: outcomes, broken } = streamed;
            settle(self.client, self.target, self.observer, outcomes, report)?;
            if attempts == 1 {
                self.observer.end(Step::Pictures, "");
            }
            let distinct = self.target.seen(gym)?;
            let flaw = broken.map(|error| error.to_string()).or_else(|| listing.flaw(distinct));
            if flaw.is_none() || attempts >= LISTINGS {
                self.observer.end(Step::Climbs, flaw.as_deref().unwrap_or_default());
                return Ok(ListingReport {
                    complete: flaw.is_none(),
                    flaw,
                    distinct,
                    attempts,
                    last: listing,
                });
            }
            tracing::warn!(%gym, flaw, attempts, "the listing is not complete; reading it again");
            self.target.restart_listing(gym)?;
            mark.begin_again(report);
            start = fresh();
            attempts += 1;
        }
    }

    /// Avatars come last: the setters are known only then. A missing one is only noted.
    fn avatars(&self, gym: StoktId, setters: &Setters, report: &mut Report) -> Result<(), EngineError> {
        let mut wanted: Vec<PicturePlan> = if self.options.everything {
            setters.all().filter_map(PicturePlan::of_user).collect()
        } else {
            self.target.wanted(gym)?
        };
        wanted.retain(|picture| matches!(picture.owner, PictureOwner::Avatar(_)));
        wanted.sort_by_key(|picture| picture.owner);
        if wanted.is_empty() {
            return Ok(());
        }
        let count = u64::try_from(wanted.len()).unwrap_or(0);
        report.images.wanted += count;
        if self.options.dry_run {
            return Ok(());
        }
        self.observer.begin(Step::Avatars, Some(count));
        let (client, target, observer) = (self.client, self.target, self.observer);
        fetch_all(client, target, wanted, |outcomes| settle(client, target, observer, outcomes, report))?;
        self.observer.end(Step::Avatars, "");
        Ok(())
    }
}

/// The oldest of these, if all are there.
fn oldest(times: impl Iterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    times.collect::<Option<Vec<_>>>()?.into_iter().min()
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Some(Timestamp::from_utc(DateTime::<Utc>::from(time)))
}
