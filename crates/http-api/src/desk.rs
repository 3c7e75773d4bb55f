//! The front desk: who asks, and how new the data are, found out for all requests that wait at the moment at once.
//!
//! Every request needs these two facts before anything else, and many need nothing more (a 304). Asked one by one,
//! each would cost a trip through the blocking pool and a query of its own. So one thread of its own takes whatever
//! requests have come in, looks once for the newest change, checks each key, and answers all of them. The look comes
//! after the requests, so a request still sees every write that was finished before it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use mastoc_storage::{ReadConn, Reader, Store, StoreError, changes};
use tokio::sync::oneshot;

use crate::errors::ApiError;

/// How many requests are answered by one look; more than ever wait, but bounded.
const MOST_AT_ONCE: usize = 256;

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
        std::thread::Builder::new().name("front-desk".to_owned()).spawn(move || {
            while let Ok(first) = waiting.recv() {
                let mut batch = vec![first];
                batch.extend(waiting.try_iter().take(MOST_AT_ONCE - 1));
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
