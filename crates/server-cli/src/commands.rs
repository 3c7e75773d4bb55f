//! What each command does.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use mastoc_media::{MediaError, MediaStore};
use mastoc_runtime::args::{DatabaseArgs, LogArgs};
use mastoc_runtime::settings::create_data_dir;
use mastoc_runtime::{Exit, Failure};
use mastoc_storage::{DatabaseTarget, Store, StoreError, StoreOptions, api_keys};

use crate::args::{ApiKeyAction, ApiKeyArgs, HealthArgs, ServeArgs};

/// What is logged unless told otherwise; the framework's own start and stop are of no interest.
const LOG_FILTER: &str = "info,actix_server=warn";
/// How long a server may take to say that it is up.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn serve(args: &ServeArgs, log: &LogArgs) -> Result<Exit, Failure> {
    log.init(LOG_FILTER)?;
    let data_dir = args.database.resolve()?.data_dir;
    let (settings, (store, media)) = args.resolve(|options| {
        let store = open(&args.database, options)?;
        Ok((store, MediaStore::open(&data_dir).map_err(media_failure)?))
    })?;
    tracing::info!(database = %store.target(), data_dir = %data_dir.display(), access = %settings.access, "starting");
    let listen = settings.listen.clone();
    let ready = |running: &mastoc_http_api::Running| {
        for address in
            running.addresses.iter().filter(|address| !goes_without_saying(address, &running.addresses))
        {
            // Somebody who waits for this line must not wait for a full buffer; a closed pipe is no reason to stop.
            let mut out = io::stdout().lock();
            drop(writeln!(out, "listening on http://{address}").and_then(|()| out.flush()));
        }
    };
    mastoc_http_api::serve(settings, store, media, ready).map_err(|error| listen_failure(&error, &listen))?;
    Ok(Exit::Done)
}

pub(crate) fn migrate(database: &DatabaseArgs) -> Result<Exit, Failure> {
    let store = open(database, &StoreOptions::default())?;
    say(&format!("the schema of {} is up to date", store.target()))
}

pub(crate) fn openapi() -> Result<Exit, Failure> {
    let document = mastoc_http_api::openapi_json();
    say(&document
        .map_err(|error| Failure::new(Exit::Partial, format!("cannot print the document: {error}")))?)
}

pub(crate) fn api_key(args: &ApiKeyArgs) -> Result<Exit, Failure> {
    match &args.action {
        ApiKeyAction::Create { name, scope } => {
            let store = open(&args.database, &StoreOptions::default())?;
            let made =
                store.write(|conn| api_keys::create(conn, name, *scope)).map_err(|error| match error {
                    StoreError::Conflict { .. } => {
                        Failure::usage(format!("there is a key named {name:?} already"))
                            .hint("choose another name, or revoke that one first")
                    }
                    error => store_failure(error),
                })?;
            tracing::debug!(id = %made.key.id, "a key was made");
            say(&made.plain)
        }
        ApiKeyAction::List => {
            let keys = open_existing(&args.database)?.read(api_keys::list).map_err(store_failure)?;
            let mut text = String::from(
                "PREFIX    SCOPE  STATE    CREATED                      LAST USED                    NAME",
            );
            for key in keys {
                let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
                let used = key.last_used_at.map_or_else(|| "never".to_owned(), |time| time.to_string());
                let (prefix, scope, created, name) =
                    (key.prefix, key.scope.as_str(), key.created_at, key.name);
                text.push_str(&format!(
                    "\n{prefix:<8}  {scope:<5}  {state:<7}  {created}  {used:<27}  {name}"
                ));
            }
            say(&text)
        }
        ApiKeyAction::Revoke { key } => {
            let store = open_existing(&args.database)?;
            let revoked = store.write(|conn| api_keys::revoke(conn, key)).map_err(|error| match error {
                StoreError::NotFound => Failure::usage(format!("there is no key {key:?}"))
                    .hint("mastoc-server api-key list shows all"),
                error => store_failure(error),
            })?;
            say(&format!("revoked {} ({})", revoked.name, revoked.prefix))
        }
    }
}

/// Asks `/health` of the server that these settings start.
pub(crate) fn health(args: &HealthArgs) -> Result<Exit, Failure> {
    // Of several addresses, the one where somebody is tells more than the one where nobody is.
    let (mut why, mut nobody) = (None, None);
    for address in args.resolve()?.addresses {
        match ask(reachable(address)) {
            Ok(status) if status.split(' ').nth(1) == Some("200") => return say("ok"),
            Ok(status) => _ = why.get_or_insert(format!("it answers {status:?}")),
            // A read that ends by its own timeout says so in words that name no time (EAGAIN).
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                let seconds = HEALTH_TIMEOUT.as_secs();
                _ = why.get_or_insert(format!("it did not answer within {seconds} s"));
            }
            Err(error) => _ = nobody.get_or_insert(error.to_string()),
        }
    }
    let why = why.or(nobody).unwrap_or_else(|| "it has no address".to_owned());
    Err(Failure::new(Exit::Partial, format!("the server is not up: {why}")))
}

/// The first line of the answer.
fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTH_TIMEOUT)?;
    stream.set_read_timeout(Some(HEALTH_TIMEOUT))?;
    stream.set_write_timeout(Some(HEALTH_TIMEOUT))?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// All interfaces are told once, by the address that everybody reads: `0.0.0.0`, and not `[::]` as well.
fn goes_without_saying(address: &SocketAddr, all: &[SocketAddr]) -> bool {
    let same_on_4 =
        |other: &SocketAddr| other.is_ipv4() && other.ip().is_unspecified() && other.port() == address.port();
    address.is_ipv6() && address.ip().is_unspecified() && all.iter().any(same_on_4)
}

/// A server on all interfaces is reached through this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

pub(crate) fn open(database: &DatabaseArgs, options: &StoreOptions) -> Result<Store, Failure> {
    let settings = database.resolve()?;
    if !database.names_a_database() {
        create_data_dir(&settings.data_dir)?;
    }
    let target: DatabaseTarget = settings.url.expose().parse().map_err(store_failure)?;
    Store::open(&target, options).map_err(store_failure)
}

/// The database of a board that must be there: a name that was mistyped makes none.
pub(crate) fn open_existing(database: &DatabaseArgs) -> Result<Store, Failure> {
    let target: DatabaseTarget = database.resolve()?.url.expose().parse().map_err(store_failure)?;
    let store = Store::open_as_it_is(&target, &StoreOptions::default());
    store.map_err(store_failure)?.ok_or_else(|| {
        Failure::usage(format!("there is no board in {target}"))
            .hint("name it with --data-dir or --database-url, or make it with mastoc-server migrate")
    })
}

pub(crate) fn store_failure(error: StoreError) -> Failure {
    if error.is_retryable() {
        Failure::temporary(error.to_string())
    } else {
        Failure::usage(error.to_string())
    }
}

fn media_failure(error: MediaError) -> Failure {
    if error.is_no_space() {
        Failure::temporary(error.to_string())
    } else {
        Failure::usage(error.to_string()).hint("choose another folder with --data-dir")
    }
}

fn listen_failure(error: &io::Error, addresses: &[SocketAddr]) -> Failure {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let failure = Failure::usage(format!("cannot serve on {}: {error}", addresses.join(", ")));
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            failure.hint("another program listens there; choose another --bind or --port")
        }
        io::ErrorKind::PermissionDenied => {
            failure.hint("ports below 1024 need rights; choose another --port")
        }
        _ => failure,
    }
}

/// Prints a result. A pipe that was closed early is nobody's failure.
pub(crate) fn say(text: &str) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::temporary(format!("cannot write the result: {error}")))
        }
        _ => Ok(Exit::Done),
    }
}
