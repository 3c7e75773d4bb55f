//! A running service: what tests may ask of it, and stopping it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use chrono::TimeDelta;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::board::Board;
use crate::board::climb::time_text;
use crate::board::users::{Account, User};
use crate::builder::SimBuilder;
use crate::faults::Faults;
use crate::rng::Rng;
use crate::state::{RecordedRequest, Shared};

/// Forty hexadecimal digits.
pub(crate) fn token_of(seed: u64, username: &str, number: u64) -> String {
    let mut rng = Rng::part(seed ^ crate::rng::seed_of(username.as_bytes()), 80 + number);
    let digits: String = (0..3).map(|_| format!("{:016x}", rng.next())).collect();
    digits.chars().take(40).collect()
}

impl Board {
    /// The valid token of an account, a new one if the last was taken back.
    pub(crate) fn fresh_token(&mut self, account: usize) -> Option<String> {
        let seed = self.gym_id.as_u128() as u64;
        let account = self.accounts.get_mut(account)?;
        if !account.is_valid {
            account.issued += 1;
            account.token = token_of(seed, &account.username, account.issued);
            account.is_valid = true;
        }
        Some(account.token.clone())
    }

    /// Lets one more person log in: with `known`, one who is on the board by that name already, if there is one.
    pub(crate) fn add_account(
        &mut self,
        seed: u64,
        username: &str,
        password: &str,
        full_name: &str,
        known: bool,
    ) -> (Uuid, String) {
        let found = self.users.iter().position(|user| known && user.full_name == full_name);
        let user = found.unwrap_or_else(|| {
            let id = self.rng.uuid();
            self.users.push(User { id, full_name: full_name.to_owned(), avatar: None });
            self.users.len() - 1
        });
        let token = token_of(seed, username, 0);
        self.accounts.push(Account {
            user,
            username: username.to_owned(),
            password: password.to_owned(),
            token: token.clone(),
            issued: 0,
            is_valid: true,
        });
        (self.users.get(user).map(|user| user.id).unwrap_or_default(), token)
    }
}

/// A running service; it stops when dropped.
#[derive(Debug)]
pub struct Sim {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    pub(crate) gym_id: Uuid,
    pub(crate) seed: u64,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

impl Sim {
    /// A service of the real board's size on a free port; see the methods of [`SimBuilder`].
    pub fn builder() -> SimBuilder {
        SimBuilder::new()
    }

    /// `http://address:port`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The account's token: the last one given, even if it is void since.
    pub fn token(&self) -> String {
        self.with_board(|board| {
            board.accounts.first().map(|account| account.token.clone()).unwrap_or_default()
        })
    }

    /// The account's name.
    pub fn username(&self) -> String {
        self.with_board(|board| {
            board.accounts.first().map(|account| account.username.clone()).unwrap_or_default()
        })
    }

    /// The account's password.
    pub fn password(&self) -> String {
        self.with_board(|board| {
            board.accounts.first().map(|account| account.password.clone()).unwrap_or_default()
        })
    }

    /// The id of the gym.
    pub fn gym_id(&self) -> Uuid {
        self.gym_id
    }

    /// The ids of the faces.
    pub fn face_ids(&self) -> Vec<Uuid> {
        self.with_board(|board| board.face_ids())
    }

    /// All requests so far (the last 200,000 of them), in the order of their arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.requests()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.forget_requests();
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Reads or changes the board behind the service's back. No request is answered meanwhile; do not call the
    /// service, or this, from inside.
    pub fn with_board<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        act(&mut self.shared.board())
    }

    /// Another person who may log in: answers their user id and token. Their climbs are their own: nobody else may
    /// edit them, and nobody but the gym's manager delete them.
    pub fn add_account(&self, username: &str, password: &str, full_name: &str) -> (Uuid, String) {
        self.with_board(|board| board.add_account(self.seed, username, password, full_name, false))
    }

    /// Keeps the board as it is, for [`Sim::restore`].
    pub fn save(&self) -> Board {
        self.with_board(|board| board.clone())
    }

    /// Makes the board what it was, accounts and clock included. Faults and the record of requests stay.
    pub fn restore(&self, saved: &Board) {
        let saved = saved.clone();
        self.with_board(|board| *board = saved);
    }

    /// Puts the board's clock forward, or back: what it dates new climbs and its answers with.
    pub fn advance(&self, by: TimeDelta) {
        self.with_board(|board| board.advance(by));
    }

    /// A wall picture's bytes as they are served without faults; `None` for an unknown face.
    pub fn picture(&self, face: Uuid) -> Option<bytes::Bytes> {
        use crate::board::picture::Source;
        let source = self.with_board(|board| {
            board.faces.iter().find(|known| known.id == face).map(|face| face.picture.source.clone())
        })?;
        // Drawn outside the lock: it takes a moment.
        Some(match source {
            Source::Bytes(bytes) => bytes,
            Source::Drawn(drawing) => drawing.jpeg(),
        })
    }

    /// All accounts, the first one included.
    fn accounts_json(&self) -> serde_json::Value {
        self.with_board(|board| {
            let name = |user: usize| board.users.get(user).map(|user| user.full_name.as_str());
            let accounts = board.accounts.iter().map(|account| {
                serde_json::json!({
                    "username": account.username, "password": account.password, "token": account.token,
                    "name": name(account.user),
                })
            });
            accounts.collect()
        })
    }

    /// Writes `base_url`, `username`, `password`, `token`, `gym_id` and all `accounts` as JSON to a file, for scripts
    /// that wait for it: they find it whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_ready_file(&self, path: &Path) -> io::Result<()> {
        let ready = serde_json::json!({
            "base_url": self.base_url(), "username": self.username(), "password": self.password(),
            "token": self.token(), "gym_id": self.gym_id, "accounts": self.accounts_json(),
        });
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}", std::process::id()));
        std::fs::write(&beside, format!("{ready}\n"))?;
        std::fs::rename(&beside, path)
    }

    /// The board's clock, written as Stokt writes times.
    pub fn now(&self) -> String {
        self.with_board(|board| time_text(board.now()))
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
