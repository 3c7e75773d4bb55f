//! Pictures: fetched between other requests, verified beside the writing of climbs, fetched again when they were cut.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, Scope};

use mastoc_stokt_client::Client;

use crate::error::EngineError;
use crate::observe::{Observer, Step};
use crate::plan::{PictureOwner, PicturePlan};
use crate::report::{Issue, Report};
use crate::target::{Cause, Checked, Kept, PictureError, Target};

/// How often a picture that arrives cut is fetched again.
const FETCH_AGAIN: u32 = 2;
/// How many pictures fail in a row before Stokt itself is looked at.
const FAILED_IN_A_ROW: u32 = 3;
/// Most pictures that are kept together: more would show no progress, and mean more to fetch again after a stop.
const GROUP: usize = 64;
/// Most bytes of pictures that wait in memory to be kept together.
const GROUP_BYTES: usize = 1024 * 1024;

/// What became of one picture.
pub(crate) struct PictureOutcome {
    pub(crate) picture: PicturePlan,
    pub(crate) result: Result<Kept, PictureError>,
}

/// Downloads a picture. Only an error that ends the run is an `Err`; what concerns this picture alone is inside.
pub(crate) fn fetch(
    client: &Client,
    picture: &PicturePlan,
) -> Result<Result<Vec<u8>, PictureError>, EngineError> {
    match client.fetch_media(&picture.path, || Ok(Vec::new())) {
        Ok((bytes, _)) => Ok(Ok(bytes)),
        Err(error) if error.is_auth() || error.is_throttled() || error.is_cancelled() => Err(error.into()),
        Err(error) if error.is_unreachable() || error.is_no_space() => Err(error.into()),
        Err(error) => {
            let cause = if error.is_temporary() { Cause::Service } else { Cause::Picture };
            Ok(Err(PictureError::Bad { detail: error.to_string(), cause }))
        }
    }
}

/// Looks whether Stokt still answers when one picture after the other failed as if it did not.
struct Pulse {
    in_a_row: u32,
}

impl Pulse {
    /// Takes note of a picture. Answers why the others are better not asked for, which takes long where each is tried
    /// several times: Stokt answers, but gives no pictures.
    ///
    /// # Errors
    /// Stokt does not answer at all.
    fn beat(
        &mut self,
        client: &Client,
        fetched: &Result<Vec<u8>, PictureError>,
    ) -> Result<Option<String>, EngineError> {
        let Err(PictureError::Bad { detail, cause: Cause::Service }) = fetched else {
            self.in_a_row = 0;
            return Ok(None);
        };
        self.in_a_row += 1;
        if self.in_a_row < FAILED_IN_A_ROW {
            return Ok(None);
        }
        client.version()?;
        Ok(Some(format!("not asked for, since {} before it failed: {detail}", self.in_a_row)))
    }
}

/// A thread that verifies and keeps pictures, since decoding one takes as long as many pages of climbs. It begins once it
/// is permitted: nothing waits for a picture, and until then all processors are busy with what others wait for.
pub(crate) struct Keeper {
    done: Receiver<PictureOutcome>,
}

/// The permission to keep pictures: whose they are is written. A keeper whose permission is dropped keeps none.
pub(crate) struct Permission(SyncSender<()>);

impl Permission {
    pub(crate) fn grant(self) {
        // The keeper is gone only when the run has ended.
        let _ = self.0.send(());
    }
}

/// The end of a [`Keeper`] that pictures are handed to.
pub(crate) struct Pictures {
    jobs: SyncSender<(PicturePlan, Vec<u8>)>,
    tell: Sender<PictureOutcome>,
}

impl Pictures {
    /// Hands a picture over, or why there is none.
    pub(crate) fn give(&self, picture: PicturePlan, fetched: Result<Vec<u8>, PictureError>) {
        // Nobody listens any more only when the run has ended.
        match fetched {
            Ok(bytes) => drop(self.jobs.send((picture, bytes))),
            Err(error) => drop(self.tell.send(PictureOutcome { picture, result: Err(error) })),
        }
    }
}

impl Keeper {
    pub(crate) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        target: &'scope dyn Target,
    ) -> (Self, Permission, Pictures) {
        // One waits while one is decoded, or waits for the permission: memory stays bounded.
        let (jobs, todo) = sync_channel::<(PicturePlan, Vec<u8>)>(1);
        let (tell, done) = channel();
        let (go, may_keep) = sync_channel(1);
        let pictures = Pictures { jobs, tell: tell.clone() };
        scope.spawn(move || {
            if may_keep.recv().is_err() {
                return;
            }
            for (picture, bytes) in todo {
                let result = target.check_picture(&picture, bytes).and_then(|checked| {
                    let kept = target.keep_pictures(vec![(&picture, checked)]).pop();
                    kept.unwrap_or(Ok(Kept { size_bytes: 0 }))
                });
                if tell.send(PictureOutcome { picture, result }).is_err() {
                    return;
                }
            }
        });
        (Self { done }, Permission(go), pictures)
    }

    /// Waits for what is still under way. The [`Pictures`] and the [`Permission`] must be gone, or on their way to be.
    pub(crate) fn finish(self, out: &mut Vec<PictureOutcome>) {
        out.extend(self.done.iter());
    }
}

/// Pictures of which many are fetched in a row, verified in a thread beside and kept together.
///
/// # Errors
/// What ends the run.
pub(crate) fn fetch_all(
    client: &Client,
    target: &dyn Target,
    wanted: Vec<PicturePlan>,
    mut settled: impl FnMut(Vec<PictureOutcome>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    thread::scope(|scope| {
        let (jobs, todo) = sync_channel::<(PicturePlan, Result<Vec<u8>, PictureError>)>(4);
        let (tell, done) = channel();
        scope.spawn(move || keep_in_groups(target, &todo, &tell));
        let mut wanted = wanted.into_iter();
        let mut pulse = Pulse { in_a_row: 0 };
        let mut ask = || -> Result<(), EngineError> {
            while let Some(picture) = wanted.next() {
                let fetched = fetch(client, &picture)?;
                let why = pulse.beat(client, &fetched);
                if jobs.send((picture, fetched)).is_err() {
                    break;
                }
                if let Some(detail) = why? {
                    for picture in wanted.by_ref() {
                        let error = PictureError::Bad { detail: detail.clone(), cause: Cause::Service };
                        // The other side is gone only when the run has ended.
                        let _ = jobs.send((picture, Err(error)));
                    }
                }
            }
            Ok(())
        };
        let stopped = ask();
        // What arrived is kept, also when the run stops here.
        drop(jobs);
        done.iter().try_for_each(&mut settled)?;
        stopped
    })
}

fn keep_in_groups(
    target: &dyn Target,
    todo: &Receiver<(PicturePlan, Result<Vec<u8>, PictureError>)>,
    tell: &Sender<Vec<PictureOutcome>>,
) {
    let mut group: Vec<(PicturePlan, Checked)> = Vec::new();
    let mut outcomes: Vec<PictureOutcome> = Vec::new();
    for (picture, fetched) in todo {
        match fetched.and_then(|bytes| target.check_picture(&picture, bytes)) {
            Ok(checked) => group.push((picture, checked)),
            Err(error) => outcomes.push(PictureOutcome { picture, result: Err(error) }),
        }
        let in_memory: usize = group.iter().map(|(_, checked)| checked.in_memory()).sum();
        if group.len() < GROUP && in_memory < GROUP_BYTES {
            continue;
        }
        outcomes.extend(keep_group(target, std::mem::take(&mut group)));
        let failed = outcomes.iter().any(|outcome| matches!(outcome.result, Err(PictureError::Target(_))));
        if tell.send(std::mem::take(&mut outcomes)).is_err() || failed {
            return;
        }
    }
    outcomes.extend(keep_group(target, group));
    let _ = tell.send(outcomes);
}

fn keep_group(target: &dyn Target, group: Vec<(PicturePlan, Checked)>) -> Vec<PictureOutcome> {
    let (plans, checked): (Vec<PicturePlan>, Vec<Checked>) = group.into_iter().unzip();
    let results = target.keep_pictures(plans.iter().zip(checked).collect());
    plans.into_iter().zip(results).map(|(picture, result)| PictureOutcome { picture, result }).collect()
}

/// Settles the outcomes of pictures: those that were cut are fetched again, the rest is reported.
///
/// # Errors
/// What ends the run: the target's failure, or Stokt's.
pub(crate) fn settle(
    client: &Client,
    target: &dyn Target,
    observer: &dyn Observer,
    outcomes: Vec<PictureOutcome>,
    report: &mut Report,
) -> Result<(), EngineError> {
    for PictureOutcome { picture, mut result } in outcomes {
        let mut left = FETCH_AGAIN;
        while let Err(PictureError::Bad { cause: Cause::Passing, .. }) = &result
            && left > 0
        {
            left -= 1;
            result = match fetch(client, &picture)? {
                Ok(bytes) => target.keep_picture(&picture, &bytes),
                Err(error) => Err(error),
            };
        }
        observer.advance(step_of(picture.owner), 1);
        match result {
            Ok(kept) => {
                report.images.copied += 1;
                report.images.bytes += kept.size_bytes;
            }
            Err(PictureError::Bad { detail, .. }) => missing(report, &picture, detail),
            Err(PictureError::Target(error)) => return Err(error),
        }
    }
    Ok(())
}

fn step_of(owner: PictureOwner) -> Step {
    match owner {
        PictureOwner::Face(_) => Step::Pictures,
        PictureOwner::Avatar(_) => Step::Avatars,
    }
}

/// A wall picture that is missing makes the import partial; an avatar is only noted.
fn missing(report: &mut Report, picture: &PicturePlan, detail: String) {
    let issue = Issue {
        kind: picture.owner.kind().to_owned(),
        stokt_id: picture.owner.stokt_id().to_string(),
        code: "bad_picture".to_owned(),
        detail,
    };
    match picture.owner {
        PictureOwner::Face(_) => {
            report.images.missing_wall_pictures += 1;
            report.problem(issue);
        }
        PictureOwner::Avatar(_) => {
            report.images.missing_avatars += 1;
            report.note(issue);
        }
    }
}
