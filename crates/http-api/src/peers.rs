//! Where a request comes from: the address that it is counted under. A forwarding header is believed only as far as
//! listed proxies wrote it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

/// How many hops are looked at.
const MOST_HOPS: usize = 32;

/// A range of addresses: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many leading bits count.
    bits: u32,
}

/// The text names no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address nor a range such as 10.0.0.0/8")]
pub struct UnknownNetwork(String);

impl FromStr for Network {
    type Err = UnknownNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownNetwork(text.chars().take(60).collect());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| unknown())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width).ok_or_else(unknown)?,
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Network {
    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                same_start(u32::from(ours).into(), u32::from(theirs).into(), 32, self.bits)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                same_start(u128::from(ours), u128::from(theirs), 128, self.bits)
            }
            _ => false,
        }
    }
}

/// Whether two numbers of `width` bits agree in their first `bits`.
fn same_start(one: u128, other: u128, width: u32, bits: u32) -> bool {
    (one ^ other).checked_shr(width.saturating_sub(bits)).unwrap_or(0) == 0
}

/// The address that a request is counted under: an IPv4 address, or the /64 of an IPv6 address, which is what one
/// subscriber gets.
///
/// Behind a listed proxy it is the rightmost hop that is not a listed proxy itself: whatever stands to the left of it
/// may be invented. Where X-Forwarded-For and Forwarded disagree, one of them was not written by the proxy, and the
/// proxy's own address counts.
pub(crate) fn counted(req: &HttpRequest, proxies: &[Network]) -> IpAddr {
    let peer = req.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    block(client(peer, req.headers(), proxies))
}

fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let listed = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !listed(peer) {
        return peer;
    }
    let behind = |hops: Option<Vec<Option<IpAddr>>>| {
        let hops = hops?;
        let mut last = peer;
        for hop in hops.into_iter().rev().take(MOST_HOPS) {
            // What names no address ends what is known.
            let Some(hop) = hop else { break };
            last = hop;
            if !listed(hop) {
                break;
            }
        }
        Some(last)
    };
    let x_forwarded = behind(hops(headers, HeaderName::from_static("x-forwarded-for"), |hop| Some(hop)));
    let forwarded = behind(hops(headers, header::FORWARDED, for_of));
    match (x_forwarded, forwarded) {
        (Some(one), Some(other)) if one != other => peer,
        (one, other) => one.or(other).unwrap_or(peer),
    }
}

/// The hops that a header lists, from the client on; `None` when it is not there.
fn hops(
    headers: &HeaderMap,
    name: HeaderName,
    node: fn(&str) -> Option<&str>,
) -> Option<Vec<Option<IpAddr>>> {
    let mut values = headers.get_all(name).peekable();
    values.peek()?;
    let hops = values.flat_map(|value| value.to_str().unwrap_or("?").split(','));
    Some(hops.map(|hop| node(hop.trim()).and_then(address)).collect())
}

/// The `for=` of one element of a Forwarded header.
fn for_of(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// An address, with or without a port, in brackets or not.
fn address(node: &str) -> Option<IpAddr> {
    let bare = match node.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match node.split_once(':') {
            // Two colons and more: an IPv6 address without a port.
            Some((host, port)) if !port.contains(':') => host,
            _ => node,
        },
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from(u128::from(six) & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn networks(text: &str) -> Vec<Network> {
        text.split_whitespace().map(|network| network.parse().unwrap()).collect()
    }

    fn from(peer: &str, headers: &[(&'static str, &str)], proxies: &str) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1234").parse().unwrap());
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        counted(&request.to_http_request(), &networks(proxies)).to_string()
    }

    #[test]
    fn networks_are_read_and_contain_what_they_name() {
        for (network, inside, outside) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::a01:203"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "example.org", "10.0.0.0/", "1.2.3.4/-1", "*"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn s07_forwarding_headers_are_believed_from_listed_proxies_only() {
        let forged = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")];
        assert_eq!(from("203.0.113.5", &forged, ""), "203.0.113.5");
        assert_eq!(from("203.0.113.5", &forged, "192.0.2.0/24"), "203.0.113.5");
        assert_eq!(from("192.0.2.10", &forged, "192.0.2.0/24"), "198.51.100.7");
        assert_eq!(from("192.0.2.10", &[], "192.0.2.0/24"), "192.0.2.10");
    }

    #[test]
    fn s07_the_rightmost_hop_that_is_no_listed_proxy_counts() {
        let through =
            |value: &str| from("192.0.2.10", &[("x-forwarded-for", value)], "192.0.2.0/24 10.0.0.0/8");
        assert_eq!(through("6.6.6.6, 198.51.100.7"), "198.51.100.7");
        assert_eq!(through("6.6.6.6, 198.51.100.7, 10.1.1.1, 192.0.2.77"), "198.51.100.7");
        assert_eq!(through("198.51.100.7:4711"), "198.51.100.7");
        assert_eq!(through("10.1.1.1"), "10.1.1.1");
        // What names no address ends what is known.
        assert_eq!(through("198.51.100.7, unknown"), "192.0.2.10");
        assert_eq!(through("198.51.100.7, unknown, 10.1.1.1"), "10.1.1.1");
        assert_eq!(through(""), "192.0.2.10");
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.7")];
        assert_eq!(from("192.0.2.10", &lines, "192.0.2.10"), "198.51.100.7");
    }

    #[test]
    fn s07_forwarded_is_read_too_and_must_not_contradict() {
        let through = |value: &str| from("192.0.2.10", &[("forwarded", value)], "192.0.2.10");
        assert_eq!(through("for=198.51.100.7;proto=https"), "198.51.100.7");
        assert_eq!(through("For=\"[2001:db8:1:2:3:4:5:6]:80\""), "2001:db8:1:2::");
        assert_eq!(through("for=6.6.6.6, for=\"198.51.100.7:80\";by=x"), "198.51.100.7");
        assert_eq!(through("for=_hidden"), "192.0.2.10");
        let both =
            |one, other| from("192.0.2.10", &[("x-forwarded-for", one), ("forwarded", other)], "192.0.2.10");
        assert_eq!(both("198.51.100.7", "for=198.51.100.7"), "198.51.100.7");
        assert_eq!(both("198.51.100.7", "for=6.6.6.6"), "192.0.2.10");
    }

    #[test]
    fn s07_an_ipv6_subscriber_is_counted_as_one() {
        assert_eq!(from("[2001:db8:1:2:aaaa::1]", &[], ""), "2001:db8:1:2::");
        assert_eq!(from("[2001:db8:1:2:bbbb::2]", &[], ""), "2001:db8:1:2::");
        assert_eq!(from("[2001:db8:1:3::1]", &[], ""), "2001:db8:1:3::");
        assert_eq!(from("[::ffff:192.0.2.1]", &[], ""), "192.0.2.1");
    }
}
