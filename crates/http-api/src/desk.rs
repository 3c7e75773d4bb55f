//! The front desk: who asks, and how new the data are, found out for all requests that wait at the moment at once.
//!
//! Every request needs these two facts before anything else, and many need nothing more (a 304). Asked one by one,
//! each would cost a trip through the blocking pool and a query of its own. So one thread of its own takes whatever
//! requests have come in, looks once for the newest change, checks each key, and answers all of them. The look comes
//! after the requests, so a request still sees every write that was finished before it.
//!
//! Under load, those who were answered together come back one after the other, and a desk that looks for the first of
//! them at once would look for each, and change threads for each. So it gives a crowd a moment to gather, and whoever
//! makes it large enough rings: half as many as came the time before, so that while these wait the others are at work,
//! and nobody waits for everybody. A request that comes alone, after one that came alone, never waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use mastoc_storage::{ReadConn, Reader, Store, StoreError, changes};
use tokio::sync::oneshot;

use crate::errors::ApiError;

/// How many requests are answered by one look; more than ever wait, but bounded.
const MOST_AT_ONCE: usize = 256;
/// How long a crowd may take to gather: about as long as a look and the answers to it.
const GATHERING: Duration = Duration::from_micros(100);

/// What a request hands over the desk.
struct Waiting<P, I> {
    presented: P,
    answer: oneshot::Sender<Result<(I, i64), ApiError>>,
}

/// Where requests wait.
struct Room<T> {
    queue: Mutex<Queue<T>>,
    bell: Condvar,
}

struct Queue<T> {
    waiting: Vec<T>,
    /// The bell is rung when so many wait; by nobody while the desk is busy.
    wake_at: usize,
    is_closed: bool,
}

/// The way to the desk. `P` is what a caller presents, `I` who they turn out to be.
pub(crate) struct Desk<P, I> {
    room: Arc<Room<Waiting<P, I>>>,
}

impl<P: Send + 'static, I: Send + 'static> Desk<P, I> {
    /// Opens the desk; its thread ends when the way to it is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn open<F>(store: &Store, identify: F) -> std::io::Result<Self>
    where
        F: Fn(&mut ReadConn<'_>, &P) -> Result<I, StoreError> + Send + 'static,
    {
        let mut reader = store.reader();
        let room = Arc::new(Room::new());
        let inside = Arc::clone(&room);
        thread::Builder::new().name("front-desk".to_owned()).spawn(move || {
            let mut crowd = 1;
            while let Some(batch) = inside.gather(crowd) {
                crowd = batch.len().div_ceil(2);
                // A panic costs the requests of this batch, never the desk.
                if catch_unwind(AssertUnwindSafe(|| serve(&mut reader, &identify, batch))).is_err() {
                    tracing::error!("the front desk panicked; the requests that waited there got an error");
                }
            }
        })?;
        Ok(Self { room })
    }

    /// Who presents this, and [`changes::latest`] at a moment after the call.
    ///
    /// # Errors
    /// What `identify` answers, or that the database is not available.
    pub(crate) async fn ask(&self, presented: P) -> Result<(I, i64), ApiError> {
        let (answer, answered) = oneshot::channel();
        self.room.enter(Waiting { presented, answer });
        answered.await.map_err(|_| ApiError::internal("the front desk is closed".to_owned()))?
    }
}

impl<P, I> Drop for Desk<P, I> {
    fn drop(&mut self) {
        self.room.close();
    }
}

impl<T> Room<T> {
    fn new() -> Self {
        let queue = Queue { waiting: Vec::new(), wake_at: usize::MAX, is_closed: false };
        Self { queue: Mutex::new(queue), bell: Condvar::new() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, who: T) {
        let mut queue = self.queue();
        queue.waiting.push(who);
        let rings = queue.waiting.len() == queue.wake_at;
        drop(queue);
        if rings {
            self.bell.notify_one();
        }
    }

    fn close(&self) {
        self.queue().is_closed = true;
        self.bell.notify_one();
    }

    /// Those who wait, once they are as many as `crowd` or had a moment to become so; `None` when nobody will come any
    /// more.
    fn gather(&self, crowd: usize) -> Option<Vec<T>> {
        let mut queue = self.wait(self.queue(), crowd, Some(GATHERING));
        if queue.waiting.is_empty() {
            queue = self.wait(queue, 1, None);
            queue = self.wait(queue, crowd, Some(GATHERING));
        }
        queue.wake_at = usize::MAX;
        if queue.waiting.is_empty() {
            return None;
        }
        let first = queue.waiting.len().min(MOST_AT_ONCE);
        let rest = queue.waiting.split_off(first);
        Some(std::mem::replace(&mut queue.waiting, rest))
    }

    /// Waits until so many are there, for a while or for ever.
    fn wait<'q>(
        &'q self,
        mut queue: MutexGuard<'q, Queue<T>>,
        many: usize,
        patience: Option<Duration>,
    ) -> MutexGuard<'q, Queue<T>> {
        queue.wake_at = many;
        let is_short = |queue: &mut Queue<T>| queue.waiting.len() < many && !queue.is_closed;
        match patience {
            None => self.bell.wait_while(queue, is_short).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                let waited = self.bell.wait_timeout_while(queue, patience, is_short);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_served_together_and_never_more_than_fit() {
        let room = Room::new();
        for number in 1..=600 {
            room.enter(number);
        }
        let (mut sizes, mut served) = (Vec::new(), Vec::new());
        for crowd in [1, 256, 256] {
            let batch = room.gather(crowd).unwrap();
            sizes.push(batch.len());
            served.extend(batch);
        }
        assert_eq!(sizes, [256, 256, 88]);
        assert_eq!(served, (1..=600).collect::<Vec<_>>());
    }

    #[test]
    fn whoever_completes_the_crowd_rings_and_whoever_comes_alone_does_not_wait_for_more() {
        let room = Room::new();
        thread::scope(|scope| {
            let desk = scope.spawn(|| room.wait(room.queue(), 3, None).waiting.clone());
            (1..=3).for_each(|number| room.enter(number));
            assert_eq!(desk.join().unwrap(), [1, 2, 3]);

            // Nobody else comes; the room says so after its moment.
            room.queue().waiting.clear();
            let desk = scope.spawn(|| room.gather(8));
            room.enter(4);
            assert_eq!(desk.join().unwrap(), Some(vec![4]));
        });
    }

    #[test]
    fn a_closed_room_is_left_only_when_it_is_empty() {
        let room = Room::new();
        room.enter(1);
        thread::scope(|scope| {
            let desk = scope.spawn(|| std::iter::from_fn(|| room.gather(1)).flatten().collect::<Vec<_>>());
            room.close();
            assert_eq!(desk.join().unwrap(), [1]);
        });
    }
}
