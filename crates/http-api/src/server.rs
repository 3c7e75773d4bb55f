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
use socket2::{Domain, Protocol, Socket, Type};
use utoipa_actix_web::AppExt as _;

use crate::auth::API_KEY_HEADER;
use crate::edge;
use crate::import_runs;
use crate::routes;
use crate::settings::Settings;
use crate::state::{AppState, State};

/// How long a connection is kept for the next request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;
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
        // Before anybody hears that the server is ready, and may end it.
        let signals = Signals::listen()?;
        let signals = actix_web::rt::spawn(stop_on_signals(handle.clone(), signals));
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

/// How many free ports are tried until one is free at every address.
const TRIES: usize = 16;

/// Binds the addresses. A name may stand for one that this machine does not have (`localhost` without IPv6), so it is
/// enough that one of them works; a port that is taken is always an error. Port 0 is one free port for all of them.
fn listeners(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let any_port = addresses.iter().any(|address| address.port() == 0);
    let mut left = if any_port { TRIES } else { 1 };
    loop {
        left -= 1;
        match listeners_of_one_port(addresses) {
            // The port that is free at the first address is somebody's at another.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && left > 0 => {}
            bound => return bound,
        }
    }
}

fn listeners_of_one_port(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut free_port = 0;
    let mut refused = io::Error::new(io::ErrorKind::InvalidInput, "there is no address to listen on");
    for address in addresses {
        let mut address = *address;
        let takes_any = address.port() == 0;
        if takes_any {
            address.set_port(free_port);
        }
        match listener(address, addresses) {
            Ok(listener) => {
                if takes_any {
                    free_port = listener.local_addr()?.port();
                }
                bound.push(listener);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => refused = error,
        }
    }
    if bound.is_empty() { Err(refused) } else { Ok(bound) }
}

/// `[::]` alone serves IPv4 as well where the system has it so; beside `0.0.0.0` it must leave that to it.
fn listener(address: SocketAddr, all: &[SocketAddr]) -> io::Result<TcpListener> {
    let everywhere_on_4 = |other: &SocketAddr| other.is_ipv4() && other.ip().is_unspecified();
    if address.is_ipv4() || !address.ip().is_unspecified() || !all.iter().any(everywhere_on_4) {
        return TcpListener::bind(address);
    }
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_only_v6(true)?;
    // As the standard library does: a server that starts again need not wait for the connections of the one before.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The first signal asks for a graceful stop, the second for one at once.
async fn stop_on_signals(handle: ServerHandle, mut signals: Signals) {
    signals.next().await;
    tracing::info!("stopping: requests under way are finished first");
    drop(handle.stop(true));
    signals.next().await;
    tracing::warn!("stopping at once");
    drop(handle.stop(false));
}

/// SIGINT and SIGTERM, from when they are listened for: none that comes later is missed, or ends the process.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
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
    #[test]
    fn all_interfaces_of_both_kinds_share_a_port() {
        let everywhere: [SocketAddr; 2] = ["0.0.0.0:0".parse().unwrap(), "[::]:0".parse().unwrap()];
        let bound = listeners(&everywhere).unwrap();
        let port = bound[0].local_addr().unwrap().port();
        assert_ne!(port, 0);
        std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        if TcpListener::bind("[::1]:0").is_err() {
            println!("skipped: this machine has no IPv6");
            return;
        }
        assert_eq!(bound.len(), 2);
        assert_eq!(bound[1].local_addr().unwrap().port(), port);
        std::net::TcpStream::connect(("::1", port)).unwrap();

        // Somebody else's port is an error, also where only one of the two is taken.
        let somebody = TcpListener::bind("[::1]:0").unwrap().local_addr().unwrap().port();
        let other = TcpListener::bind(("::", somebody)).unwrap();
        let taken = [(std::net::Ipv4Addr::UNSPECIFIED, somebody).into(), other.local_addr().unwrap()];
        assert_eq!(listeners(&taken).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
