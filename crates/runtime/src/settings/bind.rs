//! Which address a server listens on.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use crate::exit::Failure;

/// The port where nothing else is said.
const DEFAULT_PORT: u16 = 8000;

/// The addresses to listen on: one, or several where a name has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// At least one address.
    pub addresses: Vec<SocketAddr>,
}

impl Bind {
    /// `host:port` if given, else all interfaces of IPv4 and IPv6 on `port` if given (as hosting platforms ask), else
    /// `127.0.0.1:8000`. Port 0 takes any free one, the same for all of the addresses.
    ///
    /// # Errors
    /// A [`Failure`] that says which of the two does not parse or resolve.
    pub fn resolve(host_port: Option<&str>, port: Option<&str>) -> Result<Self, Failure> {
        let addresses = match (host_port, port) {
            (Some(text), _) => {
                let wrong = |why: String| {
                    Failure::usage(format!("cannot listen on {text:?}: {why}"))
                        .hint("use HOST:PORT, as in 127.0.0.1:8000")
                };
                let found: Vec<_> =
                    text.to_socket_addrs().map_err(|error| wrong(error.to_string()))?.collect();
                if found.is_empty() {
                    return Err(wrong("the name has no address".to_owned()));
                }
                found
            }
            (None, Some(text)) => {
                let port: u16 = text.parse().map_err(|_| {
                    Failure::usage(format!("the port {text:?} is not a number from 0 to 65535"))
                })?;
                vec![(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()]
            }
            (None, None) => vec![SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))],
        };
        Ok(Self { addresses })
    }

    /// Whether only this machine can reach all of the addresses.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().to_canonical().is_loopback())
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.addresses.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(host_port: Option<&str>, port: Option<&str>) -> (String, bool) {
        let bind = Bind::resolve(host_port, port).unwrap();
        (bind.to_string(), bind.is_loopback())
    }

    #[test]
    fn the_address_wins_over_the_port_and_the_default_is_this_machine() {
        assert_eq!(resolved(None, None), ("127.0.0.1:8000".to_owned(), true));
        assert_eq!(resolved(None, Some("9001")), ("0.0.0.0:9001, [::]:9001".to_owned(), false));
        assert_eq!(resolved(Some("127.0.0.1:0"), Some("9001")), ("127.0.0.1:0".to_owned(), true));
        assert_eq!(resolved(Some("[::]:80"), None), ("[::]:80".to_owned(), false));
        assert_eq!(resolved(Some("[::1]:80"), None), ("[::1]:80".to_owned(), true));
        assert!(Bind::resolve(Some("localhost:80"), None).unwrap().is_loopback());
    }

    #[test]
    fn wrong_addresses_are_refused_with_the_form_to_use() {
        for bad in ["8000", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:http"] {
            let failure = Bind::resolve(Some(bad), None).unwrap_err();
            assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains("HOST:PORT")), "{failure}");
        }
        for bad in ["-1", "65536", "http"] {
            assert!(Bind::resolve(None, Some(bad)).is_err());
        }
    }
}
