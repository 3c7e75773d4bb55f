//! The front desk: who asks, and how new the data are, found out for all requests that wait at the moment at once.
//!
//! Every request needs these two facts before anything else, and many need nothing more (a 304). Asked one by one,
//! each would cost a trip through the blocking pool and a query of its own. So one thread of its own takes whatever
//! requests have come in, looks once for the newest change, checks each key, and answers all of them. The look comes
//! after the requests, so a request still sees every write that was finished before it.
//!
//! Under load, those who were answered together come back one after the other, and a desk that looks for the first of
//! them at once would look for each, and change threads for each. So it gives a crowd a moment to gather; a request
//! that comes alone, after one that came alone, never waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use mastoc_storage::{ReadConn, Reader, Store, StoreError, changes};
use tokio::sync::oneshot;

use crate::errors::ApiError;

/// How many requests are answered by one look; more than ever wait, but bounded.
const MOST_AT_ONCE: usize = 256;
/// How long a crowd may take to gather: about as long as a look and the answers to it.
const GATHERING: Duration = Duration::from_micros(50);

/// What a request hands over the desk.
struct Waiting<P, I> {
    presented: P,
    answer: oneshot::Sender<Result<(I, i64), ApiError>>,
}

/// The way to the desk. `P` is what a caller presents, `I` who they turn out to be.
pub(crate) struct Desk<P, I> {
    queue: mpsc::Sender<Waiting<P, I>>,
}

impl<P: Send + 'static, I: Send + 'static> Desk<P, I> {
    /// Opens the desk; its thread ends when the last way to it is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn open<F>(store: &Store, identify: F) -> std::io::Result<Self>
    where
        F: Fn(&mut ReadConn<'_>, &P) -> Result<I, StoreError> + Send + 'static,
    {
        let mut reader = store.reader();
        let (queue, waiting) = mpsc::channel::<Waiting<P, I>>();
        thread::Builder::new().name("front-desk".to_owned()).spawn(move || {
            let mut crowd = 1;
            while let Ok(first) = waiting.recv() {
                let batch = gather(first, &waiting, crowd);
                crowd = batch.len();
                // A panic costs the requests of this batch, never the desk.
                if catch_unwind(AssertUnwindSafe(|| serve(&mut reader, &identify, batch))).is_err() {
                    tracing::error!("the front desk panicked; the requests that waited there got an error");
                }
            }
        })?;
        Ok(Self { queue })
    }

    /// Who presents this, and [`changes::latest`] at a moment after the call.
    ///
    /// # Errors
    /// What `identify` answers, or that the database is not available.
    pub(crate) async fn ask(&self, presented: P) -> Result<(I, i64), ApiError> {
        let (answer, answered) = oneshot::channel();
        let closed = || ApiError::internal("the front desk is closed".to_owned());
        self.queue.send(Waiting { presented, answer }).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

/// Those who wait, with a moment's patience where fewer came than the time before.
fn gather<T>(first: T, waiting: &Receiver<T>, crowd: usize) -> Vec<T> {
    let mut batch = vec![first];
    batch.extend(waiting.try_iter().take(MOST_AT_ONCE - 1));
    if batch.len() < crowd {
        thread::sleep(GATHERING);
        batch.extend(waiting.try_iter().take(MOST_AT_ONCE.saturating_sub(batch.len())));
    }
    batch
}

fn serve<P, I, F>(reader: &mut Reader, identify: &F, batch: Vec<Waiting<P, I>>)
where
    F: Fn(&mut ReadConn<'_>, &P) -> Result<I, StoreError>,
{
    let version = reader.read(changes::latest);
    for Waiting { presented, answer } in batch {
        let told = version.clone().and_then(|version| {
            let identity = reader.read(|conn| identify(conn, &presented))?;
            Ok((identity, version))
        });
        // Whoever went away in the meantime needs no answer.
        let _gone = answer.send(told.map_err(ApiError::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_served_together_and_never_more_than_fit() {
        let (queue, waiting) = mpsc::channel();
        for number in 1..=600 {
            queue.send(number).unwrap();
        }
        let mut sizes = Vec::new();
        let mut served = Vec::new();
        while let Ok(first) = waiting.try_recv() {
            let batch = gather(first, &waiting, sizes.last().copied().unwrap_or(1));
            sizes.push(batch.len());
            served.extend(batch);
        }
        assert_eq!(sizes, [256, 256, 88]);
        assert_eq!(served, (1..=600).collect::<Vec<_>>());
    }
}
