//! One exchange over HTTP: a request out, the head of an answer back, the body as a stream.

use std::{
    io::{self, Read},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ureq::{
    Agent, Timeout,
    config::Config,
    http::{Request, Uri, header},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport},
    },
};
use url::Url;

use crate::{
    cancel::Cancel,
    error::{Error, ErrorKind},
    source::{Method, SourceAnswer},
    stats::Stats,
};

/// What goes out with a request.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    None,
    Json(Vec<u8>),
    Form(Vec<u8>),
}

/// The head of an answer, and its body still to be read.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Box<dyn Read>,
}

impl From<SourceAnswer> for Reply {
    fn from(answer: SourceAnswer) -> Self {
        let SourceAnswer { status, content_type, date, body } = answer;
        Self { status, content_type, date, location: None, retry_after: None, body }
    }
}

/// Two agents with one configuration.
pub(crate) struct Network {
    reading: Agent,
    /// Keeps no connection open: a request on a connection that the other side has just closed ends as "nobody
    /// knows", and a change must not pay for that with ten minutes of waiting.
    changing: Agent,
    connected: Connected,
}

/// Notes that a connection stands, TLS included: before that, certainly nothing of a request was sent.
///
/// It hangs behind ureq's own connectors, an interface that ureq may change in a minor release; should it, this
/// stops compiling, and nothing else.
#[derive(Debug, Clone, Default)]
struct Connected(Arc<AtomicBool>);

impl<In: Transport> Connector<In> for Connected {
    type Out = In;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<In>, ureq::Error> {
        self.0.store(chained.is_some(), Ordering::SeqCst);
        Ok(chained)
    }
}

/// Resolves names as ureq does, which starts a thread to be able to give up in time, for every request, also where a
/// connection stands already. An address needs no thread.
#[derive(Debug, Default)]
struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().or(match uri.scheme_str() {
            Some("http") => Some(80),
            Some("https") => Some(443),
            _ => None,
        });
        match (host.parse::<IpAddr>(), port) {
            (Ok(address), Some(port)) => {
                let mut found = self.empty();
                found.push(SocketAddr::new(address, port));
                Ok(found)
            }
            // The system gives this no kind of its own, and it would be taken for a cut.
            _ => self.0.resolve(uri, config, timeout).map_err(|why| match why {
                ureq::Error::Io(why) => io::Error::new(io::ErrorKind::HostUnreachable, why).into(),
                other => other,
            }),
        }
    }
}

impl Network {
    pub(crate) fn new(user_agent: &str, connect: Duration, loopback: bool) -> Self {
        let connected = Connected::default();
        let connector = DefaultConnector::new().chain(connected.clone());
        Self::over(connector, connected, user_agent, connect, loopback)
    }

    /// Changes go through `connector`, which ends in `connected`.
    fn over(
        connector: impl Connector,
        connected: Connected,
        user_agent: &str,
        connect: Duration,
        loopback: bool,
    ) -> Self {
        let configured = || {
            let config = Agent::config_builder()
                .user_agent(user_agent.to_owned())
                .accept("application/json, image/*;q=0.9, */*;q=0.5")
                .http_status_as_error(false)
                .https_only(!loopback)
                // Redirects are decided by the client, which knows the origin and the token.
                .max_redirects(0)
                .max_redirects_will_error(false)
                .timeout_connect(Some(connect))
                .timeout_resolve(Some(connect));
            // A proxy from the environment is for the way out, never for this machine.
            if loopback { config.proxy(None) } else { config }
        };
        let fresh = configured().max_idle_connections(0).build();
        Self {
            reading: Agent::with_parts(configured().build(), DefaultConnector::new(), Addresses::default()),
            changing: Agent::with_parts(fresh, connector, Addresses::default()),
            connected,
        }
    }

    /// Sends one request. `deadline` covers everything up to the last byte of the body.
    pub(crate) fn send(
        &self,
        method: Method,
        url: &Url,
        payload: &Payload,
        authorization: Option<&str>,
        deadline: Duration,
    ) -> Result<Reply, Error> {
        let mut request = Request::builder().method(method.as_str()).uri(url.as_str());
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let (kind, bytes) = match payload {
            Payload::None => (None, &[][..]),
            Payload::Json(bytes) => (Some("application/json"), bytes.as_slice()),
            Payload::Form(bytes) => (Some("application/x-www-form-urlencoded"), bytes.as_slice()),
        };
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let unsendable =
            |why: ureq::http::Error| Error::argument(format!("the request cannot be built: {why}"));
        let fresh = method != Method::Get;
        let agent = if fresh { &self.changing } else { &self.reading };
        // One request at a time, so that the mark speaks of this one.
        self.connected.0.store(false, Ordering::SeqCst);
        let answer = if kind.is_some() || method == Method::Post {
            let request = request.body(bytes).map_err(unsendable)?;
            agent.run(agent.configure_request(request).timeout_global(Some(deadline)).build())
        } else {
            let request = request.body(()).map_err(unsendable)?;
            agent.run(agent.configure_request(request).timeout_global(Some(deadline)).build())
        };
        let failed = |why| match (fresh, self.connected.0.load(Ordering::SeqCst)) {
            (true, false) => connecting_failed(why),
            // Whatever it is called: bytes may have left, and have been acted on. That the network goes away while
            // the answer is awaited says nothing about the request.
            (true, true) => reading_failed(why, deadline),
            (false, _) => sending_failed(why, deadline),
        };
        let (head, body) = answer.map_err(failed)?.into_parts();
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Reply {
            status: head.status.as_u16(),
            content_type: text(header::CONTENT_TYPE),
            date: text(header::DATE),
            location: text(header::LOCATION),
            retry_after: text(header::RETRY_AFTER),
            body: Box::new(body.into_reader()),
        })
    }
}

/// A failure before the connection stood.
fn connecting_failed(why: ureq::Error) -> Error {
    match why {
        ureq::Error::Timeout(_) => Error::new(ErrorKind::Connect("no answer in time".to_owned())),
        ureq::Error::Io(why) if why.kind() == io::ErrorKind::InvalidData => {
            Error::new(ErrorKind::Tls(why.to_string()))
        }
        ureq::Error::Io(why) => Error::new(ErrorKind::Connect(why.to_string())),
        // The time plays no part: none of the others is a matter of time.
        other => match sending_failed(other, Duration::ZERO) {
            cut if matches!(cut.kind(), ErrorKind::Cut(_)) => {
                Error::new(ErrorKind::Connect(cut.kind().to_string()))
            }
            known => known,
        },
    }
}

/// A failure before the head of an answer to a call that changes nothing, on a new connection or one that stood: a
/// name for people, from which nothing follows about what was done.
fn sending_failed(why: ureq::Error, deadline: Duration) -> Error {
    let kind = match why {
        ureq::Error::HostNotFound => ErrorKind::Connect("no such host".to_owned()),
        ureq::Error::ConnectionFailed => ErrorKind::Connect("connection failed".to_owned()),
        ureq::Error::ConnectProxyFailed(_) => ErrorKind::Connect("the proxy refused".to_owned()),
        ureq::Error::InvalidProxyUrl => ErrorKind::Config("the proxy's address is no URL".to_owned()),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            ErrorKind::Connect("no answer in time".to_owned())
        }
        ureq::Error::Tls(why) => ErrorKind::Tls(why.to_owned()),
        ureq::Error::Rustls(why) => ErrorKind::Tls(why.to_string()),
        ureq::Error::RequireHttpsOnly(_) => ErrorKind::Config("HTTPS is required".to_owned()),
        ureq::Error::Io(why) => match why.kind() {
            io::ErrorKind::ConnectionRefused => ErrorKind::Connect("connection refused".to_owned()),
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => ErrorKind::Connect(why.to_string()),
            // Certificates are looked at before anything is sent.
            _ if why.to_string().contains("invalid peer certificate") => ErrorKind::Tls(why.to_string()),
            _ => ErrorKind::Cut(why.to_string()),
        },
        other => return reading_failed(other, deadline),
    };
    Error::new(kind)
}

/// A failure while the answer was coming.
fn reading_failed(why: ureq::Error, deadline: Duration) -> Error {
    Error::new(match why {
        ureq::Error::Timeout(_) => ErrorKind::Timeout(deadline),
        ureq::Error::LargeResponseHeader(_, most) => ErrorKind::TooLarge(most as u64),
        other => ErrorKind::Cut(other.to_string()),
    })
}

/// Reads a body under its limits.
pub(crate) struct BodyReader<'a> {
    /// Most bytes, after decompression.
    pub(crate) cap: u64,
    pub(crate) deadline: Duration,
    pub(crate) started: Instant,
    /// Present where giving up half-way does no harm.
    pub(crate) cancel: Option<&'a Cancel>,
    pub(crate) stats: &'a Stats,
}

impl BodyReader<'_> {
    /// Hands the body on in pieces; answers how many bytes there were.
    pub(crate) fn each(
        &self,
        body: &mut dyn Read,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut buffer = vec![0_u8; 64 * 1024];
        let mut total = 0_u64;
        loop {
            let read = match body.read(&mut buffer) {
                Ok(read) => read,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                Err(why) => return Err(reading_failed(ureq::Error::from(why), self.deadline)),
            };
            if read == 0 {
                return Ok(total);
            }
            self.stats.add_bytes(read);
            total += read as u64;
            if total > self.cap {
                return Err(Error::new(ErrorKind::TooLarge(self.cap)));
            }
            // A slow drip never lets a single read run out of time; the whole answer does.
            if self.started.elapsed() > self.deadline {
                return Err(Error::new(ErrorKind::Timeout(self.deadline)));
            }
            if let Some(cancel) = self.cancel {
                cancel.check()?;
            }
            take(buffer.get(..read).unwrap_or_default())?;
        }
    }

    /// Reads the whole body into memory.
    pub(crate) fn all(&self, body: &mut dyn Read) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.each(body, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, net::TcpListener, thread};

    use ureq::unversioned::transport::Buffers;

    use super::*;
    use crate::error::Outcome;

    /// A connection that stands, takes the request, and fails like this instead of bringing the answer.
    #[derive(Debug, Clone)]
    struct Fails(io::ErrorKind);

    #[derive(Debug)]
    struct Failing<T>(T, io::ErrorKind);

    impl<In: Transport> Connector<In> for Fails {
        type Out = Failing<In>;

        fn connect(
            &self,
            _: &ConnectionDetails<'_>,
            chained: Option<In>,
        ) -> Result<Option<Self::Out>, ureq::Error> {
            Ok(chained.map(|transport| Failing(transport, self.0)))
        }
    }

    impl<T: Transport> Transport for Failing<T> {
        fn buffers(&mut self) -> &mut dyn Buffers {
            self.0.buffers()
        }

        fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
            self.0.transmit_output(amount, timeout)
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
            Err(ureq::Error::Io(io::Error::from(self.1)))
        }

        fn is_open(&mut self) -> bool {
            self.0.is_open()
        }
    }

    #[test]
    fn once_the_connection_stands_nobody_knows_whatever_the_failure_is_called() {
        use io::ErrorKind::{
            AddrNotAvailable, ConnectionRefused, ConnectionReset, HostUnreachable, InvalidData, NetworkDown,
            NetworkUnreachable,
        };
        for kind in [
            NetworkDown,
            NetworkUnreachable,
            HostUnreachable,
            AddrNotAvailable,
            ConnectionRefused,
            ConnectionReset,
            InvalidData,
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
            let service = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut bytes = [0; 4096];
                let read = stream.read(&mut bytes).unwrap();
                let _ = stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}");
                read
            });
            let connected = Connected::default();
            let connector = DefaultConnector::new().chain(Fails(kind)).chain(connected.clone());
            let network = Network::over(connector, connected, "test", Duration::from_secs(5), true);
            let payload = Payload::Json(b"{}".to_vec());
            let sent = network.send(Method::Post, &url, &payload, None, Duration::from_secs(5));
            let error = sent.map(|reply| reply.status).unwrap_err();
            assert!(service.join().unwrap() > 0, "{kind:?}: the request arrived");
            assert!(matches!(error.kind(), ErrorKind::Cut(_)), "{kind:?}: {error}");
            assert_eq!(error.outcome(), Outcome::Unknown, "{kind:?}");
        }
    }
}
