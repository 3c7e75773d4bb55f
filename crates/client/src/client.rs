//! The calls, one method each.

use std::fmt;
use std::time::Duration;

use mastoc_domain::import::{ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_domain::{RunId, StoktId};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::error::ClientError;
use crate::http::{Body, Http};
use crate::wire::{self, BatchAnswer, KeptPicture, RunEnd, SyncStats, WantedPicture, WantedPictures};

/// How a batch is to be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchOptions {
    /// Stokt's id of the account whose view the climbs' viewer fields are.
    pub account: Option<StoktId>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The run that this is part of: see [`Client::begin_run`].
    pub run: Option<RunId>,
}

/// Whose picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureOwner {
    /// The wall picture of a face.
    Face(StoktId),
    /// The avatar of a person.
    Avatar(StoktId),
}

/// A blocking client of one mastoc server. Threads may share it.
pub struct Client {
    http: Http,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.address()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `address`, with a key of scope `sync`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Config`] for an address that is not HTTPS (or this machine), or a key that cannot be sent.
    pub fn new(address: &str, key: SecretString) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(address, key)? })
    }

    /// The server's address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.http.address()
    }

    /// How many rows the server has: `GET /api/sync/stats`. Also tells whether the key is good.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn stats(&self) -> Result<SyncStats, ClientError> {
        self.http.call("GET", &self.http.url(&["api", "sync", "stats"], &[]), &Body::None)
    }

    /// Begins an import run under an id that nobody used before, or says that its importer lives: until it ends, or
    /// nothing was heard of it for `lease`, nobody else imports or synchronises there. `origin`: where the data come from.
    ///
    /// # Errors
    /// [`ClientError::Locked`] when another run is under way, or this one is over; see [`ClientError`].
    pub fn begin_run(&self, run: RunId, origin: &str, lease: Duration) -> Result<(), ClientError> {
        let url = self.http.url(&["api", "sync", "import", "runs", &run.to_string()], &[]);
        self.put(&url, &wire::RunBegin { origin, lease_seconds: lease.as_secs().max(1) })
    }

    /// Ends an import run with its report, and lets others run. Ending it again changes nothing.
    ///
    /// # Errors
    /// [`ClientError::Locked`] when another run has taken over; see [`ClientError`].
    pub fn end_run(&self, run: RunId, status: RunEnd, report: &Value) -> Result<(), ClientError> {
        let url = self.http.url(&["api", "sync", "import", "runs", &run.to_string(), "report"], &[]);
        self.put(&url, &wire::RunReport { status, report })
    }

    /// Sends something of which only the success counts.
    fn put(&self, url: &Url, body: &impl Serialize) -> Result<(), ClientError> {
        let body = serde_json::to_vec(body)
            .map_err(|why| ClientError::Config(format!("the request cannot be written as JSON ({why})")))?;
        self.http.call("PUT", url, &Body::Json(&body)).map(|_: Value| ())
    }

    /// Imports gyms.
    ///
    /// # Errors
    /// See [`ClientError`]; refused records are in the answer instead.
    pub fn import_gyms(
        &self,
        rows: &[ImportGym],
        options: &BatchOptions,
    ) -> Result<BatchAnswer, ClientError> {
        self.batch("gyms", wire::Gyms { gyms: rows.iter().map(Into::into).collect() }, options)
    }

    /// Imports walls; their gyms must be there.
    ///
    /// # Errors
    /// As [`Client::import_gyms`].
    pub fn import_walls(
        &self,
        rows: &[ImportWall],
        options: &BatchOptions,
    ) -> Result<BatchAnswer, ClientError> {
        self.batch("walls", wire::Walls { walls: rows.iter().map(Into::into).collect() }, options)
    }

    /// Imports faces; their gyms and walls must be there.
    ///
    /// # Errors
    /// As [`Client::import_gyms`].
    pub fn import_faces(
        &self,
        rows: &[ImportFace],
        options: &BatchOptions,
    ) -> Result<BatchAnswer, ClientError> {
        self.batch("faces", wire::Faces { faces: rows.iter().map(Into::into).collect() }, options)
    }

    /// Imports people.
    ///
    /// # Errors
    /// As [`Client::import_gyms`].
    pub fn import_users(
        &self,
        rows: &[ImportUser],
        options: &BatchOptions,
    ) -> Result<BatchAnswer, ClientError> {
        self.batch("users", wire::Users { users: rows.iter().map(Into::into).collect() }, options)
    }

    /// Imports holds; their faces must be there.
    ///
    /// # Errors
    /// As [`Client::import_gyms`].
    pub fn import_holds(
        &self,
        rows: &[ImportHold],
        options: &BatchOptions,
    ) -> Result<BatchAnswer, ClientError> {
        self.batch("holds", wire::Holds { holds: rows.iter().map(Into::into).collect() }, options)
    }

    /// Imports climbs; their faces, holds and setters must be there.
    ///
    /// # Errors
    /// As [`Client::import_gyms`].
    pub fn import_climbs(
        &self,
        rows: &[ImportClimb],
        options: &BatchOptions,
    ) -> Result<BatchAnswer, ClientError> {
        self.batch("climbs", wire::Climbs { climbs: rows.iter().map(Into::into).collect() }, options)
    }

    /// The pictures of a gym's faces and setters that the server has no verified copy of.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn wanted_pictures(&self, gym: StoktId) -> Result<Vec<WantedPicture>, ClientError> {
        let url =
            self.http.url(&["api", "sync", "import", "pictures"], &[("gym_stokt_id", &gym.to_string())]);
        let answer: WantedPictures = self.http.call("GET", &url, &Body::None)?;
        Ok(answer.wanted)
    }

    /// Sends a picture. The server decodes it and compares its size and `sha256` (64 lower-case hexadecimal digits)
    /// before it keeps it. `run`: the run that this is part of.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when it is no picture or not of the stated size; see [`ClientError`].
    pub fn put_picture(
        &self,
        owner: PictureOwner,
        path: &str,
        sha256: &str,
        bytes: &[u8],
        run: Option<RunId>,
    ) -> Result<KeptPicture, ClientError> {
        let run = run.map(|run| run.to_string());
        let mut query = vec![("path", path)];
        query.extend(run.iter().map(|run| ("run", run.as_str())));
        let url = match owner {
            PictureOwner::Face(id) => {
                self.http.url(&["api", "sync", "import", "faces", &id.to_string(), "picture"], &query)
            }
            PictureOwner::Avatar(id) => {
                self.http.url(&["api", "sync", "import", "users", &id.to_string(), "avatar"], &query)
            }
        };
        self.http.call("PUT", &url, &Body::Picture { bytes, sha256 })
    }

    fn batch<T: Serialize>(
        &self,
        kind: &str,
        rows: T,
        options: &BatchOptions,
    ) -> Result<BatchAnswer, ClientError> {
        let body = wire::Batch { rows, account: options.account };
        let body = serde_json::to_vec(&body)
            .map_err(|why| ClientError::Config(format!("the batch cannot be written as JSON ({why})")))?;
        let run = options.run.map(|run| run.to_string());
        let mut query = Vec::new();
        query.extend(options.dry_run.then_some(("dry_run", "true")));
        query.extend(run.iter().map(|run| ("run", run.as_str())));
        self.http.call(
            "POST",
            &self.http.url(&["api", "sync", "import", kind, "batch"], &query),
            &Body::Json(&body),
        )
    }
}
