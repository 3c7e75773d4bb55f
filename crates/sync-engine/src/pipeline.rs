//! The stream of climbs: one thread asks Stokt for the next page while others write what came before.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};

use mastoc_domain::StoktId;
use mastoc_domain::sync_state::EntityKind;
use mastoc_stokt_client::types::Climb as WireClimb;
use mastoc_stokt_client::{Client, Page, Pages, Record};

use crate::convert::{Setters, climb_from_stokt};
use crate::error::EngineError;
use crate::listing::Listing;
use crate::observe::{Observer, Step};
use crate::pictures::{Keeper, Permission, PictureOutcome, Pictures, fetch};
use crate::plan::{Batch, Climb, Cutter, PicturePlan, Progress, Quarantined, stand_in};
use crate::report::{Report, Written};
use crate::sync::contract::{Kind, Watch, flaw};
use crate::target::Target;

/// Pages that may wait to be read. More would only fill the memory.
const PAGES_AHEAD: usize = 3;
/// Batches that may wait to be written: as many as the holds of a usual board take, so that climbs are read meanwhile.
const BATCHES_AHEAD: usize = 3;
/// All climbs, however old (in days).
pub(crate) const ALL: u32 = 9999;

/// What the downloading thread hands over.
enum Arrival {
    Page(Box<Page<WireClimb>>, Option<u64>),
    Broken(EngineError),
}

/// What a run has come to know from the records that it read.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) setters: Setters,
    /// Whether the records have the shape that we know.
    pub(crate) watch: Watch,
}

/// What the stream needs of the run.
pub(crate) struct Stream<'r> {
    pub(crate) client: &'r Client,
    pub(crate) target: &'r dyn Target,
    pub(crate) observer: &'r dyn Observer,
    pub(crate) gym: StoktId,
    pub(crate) batch_size: usize,
}

/// How a reading of the stream ended.
pub(crate) struct Streamed {
    pub(crate) listing: Listing,
    pub(crate) pictures: Vec<PictureOutcome>,
    /// What broke the listing, if it can be begun anew.
    pub(crate) broken: Option<EngineError>,
}

impl Stream<'_> {
    /// Writes `first`, fetches `pictures`, and brings in the climbs from `start` on. What ends the run is an error;
    /// everything that arrived before it is written by then.
    pub(crate) fn run(
        &self,
        first: Vec<Batch>,
        pictures: Vec<PicturePlan>,
        start: Progress,
        reading: &mut Reading,
        report: &mut Report,
    ) -> Result<Streamed, EngineError> {
        let pages = match (&start.next, start.listing.pages) {
            (Some(next), _) => Some(self.client.climbs_from(next)?),
            (None, 0) => Some(self.client.climbs(self.gym, ALL)?),
            // The last page was written already.
            (None, _) => None,
        };
        if start.listing.pages > 0
            && let Some(count) = start.listing.count_last
        {
            self.observer.total(Step::Climbs, count.saturating_sub(self.target.seen(self.gym)?));
        }
        thread::scope(|scope| {
            let (arrived, arrivals) = sync_channel(PAGES_AHEAD);
            let client = self.client;
            let (keeper, permission, given) = Keeper::start(scope, self.target);
            scope.spawn(move || download(client, pictures, given, pages, &arrived));
            let mut writers = Writers::start(scope, self);
            // In order, and before any picture: a new picture is shown together with its holds.
            let outcome = writers
                .board(first, permission, report)
                .and_then(|()| self.receive(arrivals, start.listing, &mut writers, reading, report));
            if outcome.is_err() {
                // The downloading thread may wait for Stokt; nobody waits for it any more.
                self.client.cancel().cancel();
            }
            let mut settled = Vec::new();
            keeper.finish(&mut settled);
            writers.finish(report)?;
            let mut streamed = outcome?;
            streamed.pictures.extend(settled);
            Ok(streamed)
        })
    }

    fn receive(
        &self,
        arrivals: Receiver<Arrival>,
        listing: Listing,
        writers: &mut Writers<'_>,
        reading: &mut Reading,
        report: &mut Report,
    ) -> Result<Streamed, EngineError> {
        let mut streamed = Streamed { listing, pictures: Vec::new(), broken: None };
        let mut cutter = Cutter::new(self.batch_size);
        let mut stop = None;
        for arrival in arrivals {
            match arrival {
                Arrival::Page(page, count) => {
                    match self.take_page(*page, count, &mut streamed.listing, &mut cutter, reading) {
                        Ok(full) => full.into_iter().try_for_each(|batch| writers.give(batch, report))?,
                        Err(error) => {
                            stop = Some(error);
                            break;
                        }
                    }
                }
                Arrival::Broken(error) => {
                    streamed.listing.ended = false;
                    stop = Some(error);
                }
            }
        }
        // Also when the run stops here: what arrived is kept.
        if let Some(batch) = cutter.finish() {
            writers.give(batch, report)?;
        }
        match stop {
            Some(EngineError::Stokt(error)) if can_begin_anew(&error) => {
                streamed.broken = Some(error.into());
                Ok(streamed)
            }
            Some(error) => Err(error),
            None => Ok(streamed),
        }
    }

    /// Reads a page's records and cuts them into batches; answers the full ones. A page whose records have lost their
    /// shape is not taken at all; a single odd record is set aside, since to write it would pass for an edit.
    fn take_page(
        &self,
        page: Page<WireClimb>,
        count: Option<u64>,
        listing: &mut Listing,
        cutter: &mut Cutter,
        reading: &mut Reading,
    ) -> Result<Vec<Batch>, EngineError> {
        reading.watch.page(&page);
        reading.watch.finish()?;
        let setters = &mut reading.setters;
        let repeats = u64::try_from(page.repeats()).unwrap_or(0);
        let next = page.next.clone();
        if listing.pages == 0
            && let Some(count) = count
        {
            self.observer.total(Step::Climbs, count);
        }
        listing.page(count, repeats, next.is_none());
        // Asking Stokt is what takes the time, and a batch of many pages would show nothing for long.
        self.observer
            .advance(Step::Climbs, u64::try_from(page.records.len()).unwrap_or(0).saturating_sub(repeats));
        let mut seen = Vec::with_capacity(page.records.len());
        let mut climbs = Vec::with_capacity(page.records.len());
        for record in page.into_distinct() {
            seen.push(seen_id(&record));
            climbs.push(read(&record, setters));
        }
        let mut full = Vec::new();
        let progress = Progress { next, listing: *listing };
        cutter.page(climbs, setters.take_fresh(), seen, progress, |batch| full.push(batch));
        Ok(full)
    }
}

fn read(record: &Record<WireClimb>, setters: &mut Setters) -> Climb {
    if let Some(problem) = flaw(Kind::Climb, &record.raw) {
        return Climb::Refused(Box::new(Quarantined::odd(EntityKind::Climb, &record.raw, problem)));
    }
    match climb_from_stokt(record, setters) {
        Ok(climb) => Climb::Read(Box::new(climb)),
        Err(why) => Climb::Refused(Box::new(Quarantined::new(EntityKind::Climb, &record.raw, &why))),
    }
}

/// The id by which a record counts as seen. One without a UUID is told apart by its content.
pub(crate) fn seen_id(record: &Record<WireClimb>) -> StoktId {
    let own = record.id().and_then(|id| id.as_uuid()).map(StoktId);
    own.unwrap_or_else(|| stand_in(&record.raw.to_string()))
}

/// Whether a broken listing may be read again from its start: it led round in circles, or its kept place is gone.
/// Everything else stops the run, which goes on from the last page another time.
pub(crate) fn can_begin_anew(error: &mastoc_stokt_client::Error) -> bool {
    use mastoc_stokt_client::ErrorKind;
    matches!(error.kind(), ErrorKind::Paging(_) | ErrorKind::Shape(_)) || error.is_not_found()
}

/// One request at a time: pictures first, which the import is not complete without, then the pages.
fn download(
    client: &Client,
    pictures: Vec<PicturePlan>,
    given: Pictures,
    pages: Option<Pages<WireClimb>>,
    arrived: &SyncSender<Arrival>,
) {
    for picture in pictures {
        match fetch(client, &picture) {
            Ok(fetched) => given.give(picture, fetched),
            Err(error) => {
                let _ = arrived.send(Arrival::Broken(error));
                return;
            }
        }
    }
    drop(given);
    let Some(mut pages) = pages else { return };
    while let Some(page) = pages.next() {
        let arrival = match page {
            Ok(page) => Arrival::Page(Box::new(page), pages.proof().count_last),
            Err(error) => Arrival::Broken(error.into()),
        };
        if arrived.send(arrival).is_err() {
            return;
        }
    }
}

/// A batch on its way to the target.
struct Job {
    batch: Batch,
    /// With the last of the holds comes the permission to keep the pictures that they lie on.
    then: Option<Permission>,
}

/// The threads that write batches: as many as the target takes at once.
struct Writers<'r> {
    target: &'r dyn Target,
    observer: &'r dyn Observer,
    gym: StoktId,
    many: bool,
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Result<Vec<Written>, EngineError>>,
}

impl<'r> Writers<'r> {
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, stream: &'scope Stream<'r>) -> Self
    where
        'r: 'scope,
    {
        let many = stream.target.writers().max(1);
        let (jobs, todo) = sync_channel::<Job>(if many > 1 { 1 } else { BATCHES_AHEAD });
        let todo = Arc::new(Mutex::new(todo));
        let (tell, done) = channel();
        for _ in 0..many {
            let (todo, tell) = (Arc::clone(&todo), tell.clone());
            scope.spawn(move || write_all(stream, &todo, &tell));
        }
        let Stream { target, observer, gym, .. } = *stream;
        Self { target, observer, gym, many: many > 1, jobs: Some(jobs), done }
    }

    /// Takes the batches of holds. Climbs need them, so they go the same way where batches keep their order, and are
    /// written here and now where they may overtake each other.
    fn board(
        &mut self,
        batches: Vec<Batch>,
        permission: Permission,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let mut permission = Some(permission);
        let mut batches = batches.into_iter().peekable();
        while let Some(batch) = batches.next() {
            if self.many {
                for written in self.target.write(self.gym, &batch)? {
                    report.add(written);
                }
                self.observer.advance(Step::Holds, holds_in(&batch));
            } else {
                let then = batches.peek().is_none().then(|| permission.take()).flatten();
                self.send(Job { batch, then }, report)?;
            }
        }
        if let Some(permission) = permission {
            self.observer.end(Step::Holds, "");
            permission.grant();
        }
        Ok(())
    }

    fn give(&mut self, mut batch: Batch, report: &mut Report) -> Result<(), EngineError> {
        if self.many && !batch.users.is_empty() {
            // Batches overtake each other: their setters have to be there before any of them.
            let users = Batch { users: std::mem::take(&mut batch.users), ..Batch::default() };
            for written in self.target.write(self.gym, &users)? {
                report.add(written);
            }
        }
        self.send(Job { batch, then: None }, report)
    }

    fn send(&mut self, job: Job, report: &mut Report) -> Result<(), EngineError> {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        self.collect(report, false)?;
        if sent { Ok(()) } else { self.collect(report, true) }
    }

    /// Takes in what was written; waits for all of it if asked to.
    fn collect(&mut self, report: &mut Report, wait: bool) -> Result<(), EngineError> {
        loop {
            let next = if wait { self.done.recv().ok() } else { self.done.try_recv().ok() };
            let Some(outcome) = next else { return Ok(()) };
            for written in outcome? {
                report.add(written);
            }
        }
    }

    fn finish(mut self, report: &mut Report) -> Result<(), EngineError> {
        self.jobs = None;
        self.collect(report, true)
    }
}

fn holds_in(batch: &Batch) -> u64 {
    u64::try_from(batch.holds.len()).unwrap_or(0)
}

fn write_all(
    stream: &Stream<'_>,
    todo: &Mutex<Receiver<Job>>,
    tell: &Sender<Result<Vec<Written>, EngineError>>,
) {
    loop {
        let job = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { batch, then }) = job else { return };
        let outcome = stream.target.write(stream.gym, &batch);
        let failed = outcome.is_err();
        if !failed {
            stream.observer.advance(Step::Holds, holds_in(&batch));
        }
        if let (Some(permission), false) = (then, failed) {
            stream.observer.end(Step::Holds, "");
            permission.grant();
        }
        if tell.send(outcome).is_err() || failed {
            return;
        }
    }
}
