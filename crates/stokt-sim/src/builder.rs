//! How a service is to be, and starting it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::board::folder::{self, FolderError};
use crate::board::generate::{self, Plan};
use crate::board::holds;
use crate::board::users::Account;
use crate::faults::{Faults, Rule};
use crate::server;
use crate::sim::{Sim, token_of};
use crate::state::Shared;

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The thread or its runtime cannot be started.
    #[error("cannot start the service: {0}")]
    Start(std::io::Error),
    /// The folder cannot be shown as a board.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A picture without width or height, or larger than 20,000 pixels.
    #[error("a picture of {width} x {height} pixels cannot be drawn")]
    Picture {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// More holds than a wall has room for.
    #[error("{0} holds are too many; 20,000 on a face and 100,000 in all is the most")]
    Holds(usize),
}

/// How a service is to be. Made by [`Sim::builder`].
#[derive(Debug, Clone)]
pub struct SimBuilder {
    plan: Plan,
    data: Option<PathBuf>,
    gym_id: Option<Uuid>,
    page_size: usize,
    address: SocketAddr,
    username: String,
    password: String,
    token: Option<String>,
    accounts: Vec<(String, String, String)>,
    rules: Vec<Rule>,
    chaos: f64,
}

impl SimBuilder {
    pub(crate) fn new() -> Self {
        Self {
            plan: Plan {
                seed: 1,
                faces: 1,
                holds: 776,
                climbs: 1017,
                setters: 79,
                picture: holds::FULL_SIZE,
            },
            data: None,
            gym_id: None,
            page_size: 50,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            username: "demo@example.org".to_owned(),
            password: "demo-password".to_owned(),
            token: None,
            accounts: Vec::new(),
            rules: Vec::new(),
            chaos: 0.0,
        }
    }

    /// What the board and the faults are drawn from; 1 if not said. The same seed gives the same board.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.plan.seed = seed;
        self
    }

    /// Holds per face; 776 if not said.
    #[must_use]
    pub fn holds(mut self, count: usize) -> Self {
        self.plan.holds = count;
        self
    }

    /// Climbs in all; 1,017 if not said.
    #[must_use]
    pub fn climbs(mut self, count: usize) -> Self {
        self.plan.climbs = count;
        self
    }

    /// Setters, the account's own user among them; 79 if not said, at least 1.
    #[must_use]
    pub fn setters(mut self, count: usize) -> Self {
        self.plan.setters = count;
        self
    }

    /// Faces, two on a wall; 1 if not said.
    #[must_use]
    pub fn faces(mut self, count: usize) -> Self {
        self.plan.faces = count;
        self
    }

    /// Size of the wall pictures in pixels; 2263 x 3000 if not said. The holds are scaled with it.
    #[must_use]
    pub fn picture_size(mut self, width: u32, height: u32) -> Self {
        self.plan.picture = (width, height);
        self
    }

    /// Shows the board of a folder with `setup.json`, `climbs.json` and `wall.jpg` instead of an invented one.
    #[must_use]
    pub fn data(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data = Some(dir.into());
        self
    }

    /// The id of a folder's gym, which is in none of its files; made from the gym's name if not said.
    #[must_use]
    pub fn gym_id(mut self, id: Uuid) -> Self {
        self.gym_id = Some(id);
        self
    }

    /// Records on a page; 50 if not said.
    #[must_use]
    pub fn page_size(mut self, records: usize) -> Self {
        self.page_size = records;
        self
    }

    /// Where to listen; a free port of 127.0.0.1 if not said.
    #[must_use]
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The account's name; `demo@example.org` if not said.
    #[must_use]
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = username.into();
        self
    }

    /// The account's password; `demo-password` if not said.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// The account's token; drawn from the seed if not said.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// One more person who may log in, by user name, password and full name: a setter of the board by that name, or
    /// somebody new. May be called several times.
    #[must_use]
    pub fn account(
        mut self,
        username: impl Into<String>,
        password: impl Into<String>,
        full_name: impl Into<String>,
    ) -> Self {
        self.accounts.push((username.into(), password.into(), full_name.into()));
        self
    }

    /// A fault from the start.
    #[must_use]
    pub fn fault(mut self, rule: impl Into<Rule>) -> Self {
        self.rules.push(rule.into());
        self
    }

    /// Chaos from the start; see [`Faults::chaos`].
    #[must_use]
    pub fn chaos(mut self, probability: f64) -> Self {
        self.chaos = probability;
        self
    }

    /// Makes the board and serves it in a thread of its own.
    ///
    /// # Errors
    /// The address is taken, the folder is no board, or there is no thread to be had.
    pub fn start(self) -> Result<Sim, SimError> {
        let plan = &self.plan;
        let (width, height) = plan.picture;
        if width == 0 || height == 0 || width > 20_000 || height > 20_000 {
            return Err(SimError::Picture { width, height });
        }
        if plan.holds > 20_000 || plan.holds.saturating_mul(plan.faces) > 2_000_000 {
            return Err(SimError::Holds(plan.holds));
        }
        let mut board = match &self.data {
            Some(dir) => folder::load(dir, plan.seed, self.gym_id)?,
            None => generate::generate(plan),
        };
        board.recount();
        let token = self.token.unwrap_or_else(|| token_of(plan.seed, &self.username, 0));
        board.accounts.push(Account {
            user: 0,
            username: self.username,
            password: self.password,
            token,
            issued: 0,
            is_valid: true,
        });
        for (username, password, full_name) in &self.accounts {
            board.add_account(plan.seed, username, password, full_name, true);
        }
        let faults = Faults::new(plan.seed);
        for rule in self.rules {
            faults.push(rule);
        }
        faults.chaos(self.chaos);
        let gym_id = board.gym_id;
        let shared = Arc::new(Shared::new(board, faults, self.page_size));

        let bind = |source| SimError::Bind { address: self.address, source };
        let listener = TcpListener::bind(self.address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .map_err(SimError::Start)?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(SimError::Start)?
        };
        let thread = std::thread::Builder::new()
            .name("stokt-sim".to_owned())
            .spawn(move || {
                runtime.block_on(server::serve(listener, served, stopped));
                // Connections end with the runtime; a picture that is being drawn is not waited for.
                runtime.shutdown_background();
            })
            .map_err(SimError::Start)?;
        Ok(Sim { shared, address, gym_id, seed: self.plan.seed, stop: Some(stop), thread: Some(thread) })
    }
}
