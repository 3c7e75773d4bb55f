//! The front desk: who asks, and how new the data are, found out for all requests that wait at the moment at once.
//!
//! Every request needs these two facts before anything else, and many need nothing more (a 304). Asked one by one over
//! the blocking pool, each would cost two changes of threads and a query of its own.
//!
//! Where a database reads in passing, the request's own thread looks: the look takes a few microseconds, less than
//! handing it over. It can only take longer when the database does, and then no request gets anywhere without it.
//!
//! Elsewhere one thread of its own takes whatever requests have come in, looks once for the newest change, checks each
//! key, and answers all of them. The look comes after the requests, so a request still sees every write that was
//! finished before it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use mastoc_storage::{ReadConn, Reader, Store, StoreError, changes};
use tokio::sync::oneshot;

use crate::errors::ApiError;

/// How many requests are answered by one look; more than ever wait, but bounded.
const MOST_AT_ONCE: usize = 256;
/// How long the desk waits for the rest of a crowd when it came a moment ago: less than one look takes.
const GATHERING: Duration = Duration::from_micros(50);

type Identify<P, I> = Box<dyn Fn(&mut ReadConn<'_>, &P) -> Result<I, StoreError> + Send + Sync>;

/// What a request hands over the desk.
struct Waiting<P, I> {
    presented: P,
    answer: oneshot::Sender<Result<(I, i64), ApiError>>,
}

/// The way to the desk. `P` is what a caller presents, `I` who they turn out to be.
pub(crate) struct Desk<P, I>(Way<P, I>);

enum Way<P, I> {
    /// The request's own thread looks, through a reader that no other thread uses at the moment.
    InPassing { store: Store, idle: Mutex<Vec<Reader>>, identify: Identify<P, I> },
    /// A thread looks for all.
    Queue(mpsc::Sender<Waiting<P, I>>),
}

impl<P: Send + 'static, I: Send + 'static> Desk<P, I> {
    /// Opens the desk; its thread, where it has one, ends when the last way to it is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn open<F>(store: &Store, identify: F) -> std::io::Result<Self>
    where
        F: Fn(&mut ReadConn<'_>, &P) -> Result<I, StoreError> + Send + Sync + 'static,
    {
        let identify: Identify<P, I> = Box::new(identify);
        if store.reads_in_passing() {
            return Ok(Self(Way::InPassing { store: store.clone(), idle: Mutex::default(), identify }));
        }
        let reader = store.reader();
        let (queue, waiting) = mpsc::channel::<Waiting<P, I>>();
        thread::Builder::new()
            .name("front-desk".to_owned())
            .spawn(move || serve_all(reader, &identify, &waiting))?;
        Ok(Self(Way::Queue(queue)))
    }

    /// Who presents this, and [`changes::latest`] at a moment after the call.
    ///
    /// # Errors
    /// What `identify` answers, or that the database is not available.
    pub(crate) async fn ask(&self, presented: P) -> Result<(I, i64), ApiError> {
        let queue = match &self.0 {
            Way::InPassing { store, idle, identify } => {
                let known = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut reader = known.unwrap_or_else(|| store.reader());
                let version = reader.read(changes::latest);
                let told = tell(&mut reader, identify, &presented, &version);
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
                return told;
            }
            Way::Queue(queue) => queue,
        };
        let (answer, answered) = oneshot::channel();
        let closed = || ApiError::internal("the front desk is closed".to_owned());
        queue.send(Waiting { presented, answer }).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

fn serve_all<P, I>(mut reader: Reader, identify: &Identify<P, I>, waiting: &Receiver<Waiting<P, I>>) {
    let mut crowd = 1;
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(MOST_AT_ONCE - 1));
        if batch.len() < crowd {
            // Those who were answered together come back one by one: a look for each would cost them more than this.
            thread::sleep(GATHERING);
            batch.extend(waiting.try_iter().take(MOST_AT_ONCE - batch.len()));
        }
        crowd = batch.len();
        // A panic costs the requests of this batch, never the desk.
        if catch_unwind(AssertUnwindSafe(|| serve(&mut reader, identify, batch))).is_err() {
            tracing::error!("the front desk panicked; the requests that waited there got an error");
        }
    }
}

fn serve<P, I>(reader: &mut Reader, identify: &Identify<P, I>, batch: Vec<Waiting<P, I>>) {
    let version = reader.read(changes::latest);
    for Waiting { presented, answer } in batch {
        // Whoever went away in the meantime needs no answer.
        let _gone = answer.send(tell(reader, identify, &presented, &version));
    }
}

fn tell<P, I>(
    reader: &mut Reader,
    identify: &Identify<P, I>,
    presented: &P,
    version: &Result<i64, StoreError>,
) -> Result<(I, i64), ApiError> {
    let version = version.clone().map_err(ApiError::from)?;
    let identity = reader.read(|conn| identify(conn, presented)).map_err(ApiError::from)?;
    Ok((identity, version))
}
