//! Pictures: fetched between other requests, verified beside the writing of climbs, fetched again when they were cut.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use mastoc_stokt_client::Client;

use crate::error::EngineError;
use crate::observe::{Observer, Step};
use crate::plan::{PictureOwner, PicturePlan};
use crate::report::{Issue, Report};
use crate::target::{Kept, PictureError, Target};

/// How often a picture that arrives cut is fetched again.
const FETCH_AGAIN: u32 = 2;

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
        Err(error) => Ok(Err(PictureError::Bad { detail: error.to_string(), fetch_again: false })),
    }
}

/// A thread that verifies pictures, since decoding one takes as long as many pages of climbs.
pub(crate) struct Keeper {
    jobs: Option<SyncSender<(PicturePlan, Vec<u8>)>>,
    done: Receiver<PictureOutcome>,
}

impl Keeper {
    pub(crate) fn start<'scope>(scope: &'scope Scope<'scope, '_>, target: &'scope dyn Target) -> Self {
        // One waits while one is decoded: memory stays bounded.
        let (jobs, todo) = sync_channel::<(PicturePlan, Vec<u8>)>(1);
        let (tell, done) = sync_channel(64);
        scope.spawn(move || {
            for (picture, bytes) in todo {
                let result = target.keep_picture(&picture, &bytes);
                if tell.send(PictureOutcome { picture, result }).is_err() {
                    return;
                }
            }
        });
        Self { jobs: Some(jobs), done }
    }

    /// Hands a picture over; what came of earlier ones goes to `out`, so that neither side ever waits for good.
    pub(crate) fn give(&self, picture: PicturePlan, bytes: Vec<u8>, out: &mut Vec<PictureOutcome>) {
        out.extend(self.done.try_iter());
        if let Some(jobs) = &self.jobs {
            // The thread ends only after this sender is dropped.
            let _ = jobs.send((picture, bytes));
        }
    }

    /// Waits for what is still under way.
    pub(crate) fn finish(mut self, out: &mut Vec<PictureOutcome>) {
        self.jobs = None;
        out.extend(self.done.iter());
    }
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
        while let Err(PictureError::Bad { fetch_again: true, .. }) = &result
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
