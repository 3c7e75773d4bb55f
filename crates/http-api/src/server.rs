//! Listening, and stopping without cutting anybody off.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, HttpServer, web};
use mastoc_media::MediaStore;
use mastoc_storage::Store;
use utoipa_actix_web::AppExt as _;

use crate::auth::API_KEY_HEADER;
use crate::edge;
use crate::import_runs;
use crate::routes;
use crate::settings::Settings;
use crate::state::{AppState, State};

/// How long a connection is kept for the next request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that is listening.
#[derive(Debug)]
pub struct Running {
    /// The addresses, with the ports that were free where 0 was asked for.
    pub addresses: Vec<SocketAddr>,
    /// Stops it.
    pub stop: Stop,
}

/// Stops a server from another thread.
#[derive(Debug, Clone)]
pub struct Stop(ServerHandle);

impl Stop {
    /// Asks the server to finish what is under way and stop; [`serve`] then returns. Does not wait.
    pub fn stop(&self) {
        drop(self.0.stop(true));
    }
}

/// Serves until SIGINT, SIGTERM or [`Stop::stop`]: then requests under way are finished, within the settings'
/// shutdown timeout. A second signal stops at once. Blocks the calling thread.
///
/// `ready` is called once, when connections are accepted.
///
/// # Errors
/// When an address cannot be bound, or the system refuses something else.
pub fn serve(
    settings: Settings,
    store: Store,
    media: MediaStore,
    ready: impl FnOnce(&Running) + 'static,
) -> io::Result<()> {
    let state = AppState::new(&settings, store, media).map_err(io::Error::other)?;
    let state = web::Data::new(state);
    let kept = state.clone();
    let watched = state.clone();
    let patience = settings.shutdown_timeout;
    let served = actix_web::rt::System::new().block_on(async move {
        let origins = settings.cors_origins;
        let factory = move || {
            App::new()
                .app_data(state.clone())
                .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
                .wrap(from_fn(edge::handle))
                .into_utoipa_app()
                .configure(routes::configure)
                .default_service(web::to(routes::nothing_here))
                .into_app()
        };
        let mut server = HttpServer::new(factory)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .shutdown_timeout(settings.shutdown_timeout.as_secs())
            .disable_signals();
        if let Some(workers) = settings.workers {
            server = server.workers(workers.max(1));
        }
        for listener in listeners(&settings.listen)? {
            server = server.listen_auto_h2c(listener)?;
        }
        let addresses = server.addrs();
        let server = server.run();
        let handle = server.handle();
        let signals = actix_web::rt::spawn(stop_on_signals(handle.clone()));
        let looking = actix_web::rt::spawn(look_after_imports(watched));
        ready(&Running { addresses, stop: Stop(handle) });
        let ended = server.await;
        signals.abort();
        looking.abort();
        ended
    });
    kept.import_runs.close(&kept.store);
    // What was promised to people is sent before the end.
    if let Some(mailer) = &kept.mailer {
        mailer.close(patience);
    }
    served
}

/// Lets others run when an importer has fallen silent.
async fn look_after_imports(state: State) {
    loop {
        tokio::time::sleep(import_runs::BETWEEN_LOOKS).await;
        if state.import_runs.is_over() {
            let state = state.clone();
            drop(tokio::task::spawn_blocking(move || state.import_runs.look(&state.store)).await);
        }
    }
}

/// Binds the addresses. A name may stand for one that this machine does not have (`localhost` without IPv6), so it is
/// enough that one of them works; a port that is taken is always an error.
fn listeners(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut refused = io::Error::new(io::ErrorKind::InvalidInput, "there is no address to listen on");
    for address in addresses {
        match TcpListener::bind(address) {
            Ok(listener) => bound.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => refused = error,
        }
    }
    if bound.is_empty() { Err(refused) } else { Ok(bound) }
}

/// The first signal asks for a graceful stop, the second for one at once.
async fn stop_on_signals(handle: ServerHandle) {
    if let Err(error) = next_signal().await {
        tracing::warn!(%error, "cannot listen for signals");
        return;
    }
    tracing::info!("stopping: requests under way are finished first");
    drop(handle.stop(true));
    if next_signal().await.is_ok() {
        tracing::warn!("stopping at once");
        drop(handle.stop(false));
    }
}

#[cfg(unix)]
async fn next_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn next_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Pages of the listed origins may call the API; credentials travel in headers, never in cookies.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            API_KEY_HEADER,
            "content-type",
            "if-none-match",
            "if-match",
            "idempotency-key",
            "x-content-sha256",
        ])
        .expose_headers(["etag", "x-request-id", "retry-after"])
        .block_on_origin_mismatch(false)
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_usable_address_is_enough_and_a_taken_port_is_an_error() {
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        // Reserved for documentation (RFC 5737): no machine has it.
        let foreign: SocketAddr = "192.0.2.1:0".parse().unwrap();
        let bound = listeners(&[foreign, free]).unwrap();
        assert_eq!(bound.len(), 1);
        assert!(listeners(&[foreign]).is_err());
        assert!(listeners(&[]).is_err());
        let taken = bound[0].local_addr().unwrap();
        assert_eq!(listeners(&[free, taken]).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
