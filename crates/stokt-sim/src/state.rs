//! What the thread that serves and the program that watches share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::board::Board;
use crate::faults::Faults;

/// Requests that are remembered; older ones are forgotten, so that a service may run for weeks.
const REMEMBERED: usize = 200_000;

/// A request as it arrived, whether or not it was answered well.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, as sent; "" if there was none.
    pub query: String,
    /// Whether an `Authorization` header came with it, right or wrong.
    pub had_token: bool,
    /// The `User-Agent` header; "" if there was none.
    pub user_agent: String,
    /// When it arrived.
    pub at: SystemTime,
}

/// Shared state. Locks are held for one handler at most, never over a pause.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) board: Mutex<Board>,
    pub(crate) faults: Faults,
    pub(crate) page_size: usize,
    requests: Mutex<VecDeque<RecordedRequest>>,
}

impl Shared {
    pub(crate) fn new(board: Board, faults: Faults, page_size: usize) -> Self {
        Self { board: Mutex::new(board), faults, page_size: page_size.max(1), requests: Mutex::default() }
    }

    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        // A test's closure may have panicked in here; the board is still the board.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == REMEMBERED {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn forget_requests(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
