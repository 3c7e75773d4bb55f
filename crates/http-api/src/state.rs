//! What all handlers share.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use bytes::Bytes;
use mastoc_media::{ImageLimits, MediaStore};
use mastoc_storage::Store;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::answers::Answers;
use crate::auth::{self, Identity, Presented};
use crate::desk::Desk;
use crate::errors::ApiError;
use crate::import_runs::ImportRuns;
use crate::limits::Limits;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::openapi::{self, RouteTable};
use crate::peers::Network;
use crate::settings::{AccessMode, Registration, Settings};
use crate::tokens::Tokens;

/// How many pictures are taken in at once. Each holds a thread of the blocking pool while its body comes, and slow ones
/// must not starve the readers.
const UPLOADS_AT_ONCE: usize = 16;

/// How many thumbnails are drawn at once: each takes the memory of its whole picture, and anybody who may read can ask
/// for one.
const DRAWINGS_AT_ONCE: usize = 2;

/// How many passwords are hashed at once: half of the processors, so that the other half reads. Each takes 19 MiB.
fn hashings_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1))
}

/// The shared state of one server.
pub(crate) struct AppState {
    pub(crate) store: Store,
    pub(crate) media: MediaStore,
    pub(crate) access: AccessMode,
    /// Tells who asks and how new the data are.
    pub(crate) desk: Desk<Presented, Identity>,
    pub(crate) answers: Answers,
    /// Makes and reads the tokens of logins.
    pub(crate) tokens: Tokens,
    pub(crate) metrics: Metrics,
    pub(crate) image_limits: ImageLimits,
    /// Turns at taking in pictures.
    pub(crate) uploads: Semaphore,
    /// Turns at drawing thumbnails.
    pub(crate) drawings: Semaphore,
    /// Turns at hashing passwords.
    pub(crate) hashing: Arc<Semaphore>,
    pub(crate) registration: Registration,
    pub(crate) access_token_life: Duration,
    pub(crate) refresh_token_life: Duration,
    /// The import over HTTP that is under way.
    pub(crate) import_runs: ImportRuns,
    /// How often one may knock.
    pub(crate) limits: Limits,
    pub(crate) trusted_proxies: Vec<Network>,
    /// Sends e-mails, where that was set up.
    pub(crate) mailer: Option<Mailer>,
    /// The OpenAPI document.
    pub(crate) openapi: Bytes,
    pub(crate) routes: RouteTable,
}

impl AppState {
    /// # Errors
    /// When the metrics cannot be registered or the OpenAPI document cannot be written, which are defects, or when
    /// the system gives no thread.
    pub(crate) fn new(settings: &Settings, store: Store, media: MediaStore) -> Result<Self, ApiError> {
        let document = openapi::document();
        let openapi = openapi::to_json(&document).map_err(|error| ApiError::internal(error.to_string()))?;
        // SHA-256 of the key from the environment; hashes have one length, so comparing them leaks none.
        let api_key: Option<[u8; 32]> =
            settings.api_key.as_ref().map(|key| Sha256::digest(key.expose_secret()).into());
        let desk =
            Desk::open(&store, move |conn, presented| auth::identify(conn, api_key.as_ref(), presented))
                .map_err(|error| ApiError::internal(format!("no thread for the front desk: {error}")))?;
        let mailer = settings.mail.as_ref().map(|mail| Mailer::open(mail, store.clone())).transpose();
        let mailer =
            mailer.map_err(|error| ApiError::internal(format!("e-mails cannot be sent: {error}")))?;
        Ok(Self {
            store,
            media,
            access: settings.access,
            desk,
            answers: Answers::new(settings.answer_cache_bytes, settings.signing_secret.expose_secret()),
            tokens: Tokens::new(&settings.signing_secret),
            metrics: Metrics::new().map_err(|error| ApiError::internal(error.to_string()))?,
            image_limits: settings.image_limits,
            uploads: Semaphore::new(UPLOADS_AT_ONCE),
            drawings: Semaphore::new(DRAWINGS_AT_ONCE),
            hashing: Arc::new(Semaphore::new(hashings_at_once())),
            registration: settings.registration,
            access_token_life: settings.access_token_life,
            refresh_token_life: settings.refresh_token_life,
            import_runs: ImportRuns::default(),
            limits: Limits::new(&settings.limits),
            trusted_proxies: settings.trusted_proxies.clone(),
            mailer,
            openapi: Bytes::from(openapi),
            routes: RouteTable::of(&document),
        })
    }
}

/// The state, as handlers hold it.
pub(crate) type State = web::Data<AppState>;

/// The state of the server that a request reached.
pub(crate) fn of(req: &HttpRequest) -> Result<State, ApiError> {
    req.app_data::<State>().cloned().ok_or_else(|| ApiError::internal("the server has no state"))
}
