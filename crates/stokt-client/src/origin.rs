//! The one place requests may go to, and the addresses below it.

use std::fmt::Display;

use url::{Host, Url};

use crate::error::{Error, ErrorKind};

/// The configured base address; everything else is refused.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    base: Url,
}

impl Origin {
    /// Checks a base address: HTTPS unless the host is this machine, no user, query or fragment.
    pub(crate) fn parse(address: &str) -> Result<Self, Error> {
        let mut base = Url::parse(address.trim())
            .map_err(|why| Error::config(format!("Stokt's address is no URL: {why}; write https://HOST")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(Error::config("Stokt's address must begin with https://"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(Error::config("Stokt's address must not contain a user name or password"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(Error::config("Stokt's address must not contain ? or #"));
        }
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let origin = Self { base };
        if origin.base.scheme() == "http" && !origin.is_loopback() {
            return Err(Error::config(
                "Stokt's address must begin with https:// (http:// only on this machine)",
            ));
        }
        Ok(origin)
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether the service runs on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The address of an endpoint from its parts, each encoded as one segment.
    pub(crate) fn endpoint(&self, segments: &[&dyn Display]) -> Result<Url, Error> {
        let mut url = self.base.clone();
        let mut path = url.path_segments_mut().map_err(|()| Error::config("Stokt's address has no path"))?;
        path.pop_if_empty();
        for segment in segments {
            let segment = segment.to_string();
            // `push` would drop these silently and so ask for another resource.
            if segment.is_empty() || segment == "." || segment == ".." {
                return Err(Error::argument(format!("{segment:?} is not an id")));
            }
            path.push(&segment);
        }
        drop(path);
        Ok(url)
    }

    /// The address of a picture; `path` is what the API calls its `name` or `avatar`.
    pub(crate) fn media(&self, path: &str) -> Result<Url, Error> {
        let refuse = |why: &str| {
            Error::argument(format!(
                "refused the picture path {:?}: {why}",
                crate::record::printable(path, 120)
            ))
        };
        if path.is_empty() {
            return Err(refuse("it is empty"));
        }
        if path.len() > 1024 {
            return Err(refuse("it is too long"));
        }
        if path.starts_with('/') || path.contains("://") || path.contains(':') {
            return Err(refuse("it is not relative"));
        }
        if path.contains('\\') || path.chars().any(char::is_control) {
            return Err(refuse("it has characters that no path has"));
        }
        let mut segments: Vec<&dyn Display> = vec![&"media"];
        let parts: Vec<&str> = path.split('/').collect();
        for part in &parts {
            if part.is_empty() || *part == "." || *part == ".." {
                return Err(refuse("it leads elsewhere"));
            }
            segments.push(part);
        }
        self.endpoint(&segments)
    }

    /// Resolves an address that Stokt sent, seen from `from`, and refuses any other origin or base path.
    pub(crate) fn resolve(&self, from: &Url, address: &str) -> Result<Url, String> {
        let mut url =
            from.join(address).map_err(|why| format!("{:?} is no address ({why})", short(address)))?;
        url.set_fragment(None);
        if url.origin() != self.base.origin() {
            return Err(short(&url.origin().ascii_serialization()));
        }
        if !url.username().is_empty() || url.password().is_some() || !url.path().starts_with(self.base.path())
        {
            return Err(short(url.path()));
        }
        Ok(url)
    }

    /// The address of a listing's page that was kept from an earlier run.
    pub(crate) fn page(&self, address: &str) -> Result<Url, Error> {
        self.resolve(&self.base, address).map_err(|elsewhere| Error::new(ErrorKind::Elsewhere(elsewhere)))
    }

    /// Path and query below the base address: `api/version`.
    pub(crate) fn target(&self, url: &Url) -> String {
        let path = url.path().strip_prefix(self.base.path()).unwrap_or_else(|| url.path());
        url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
    }
}

fn short(text: &str) -> String {
    crate::record::printable(text, 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::parse("https://www.sostokt.com").unwrap()
    }

    #[test]
    fn s17_addresses_are_https_or_this_machine() {
        for good in ["https://x.org", "http://127.0.0.1:80/", "http://[::1]:9/sub", "http://localhost"] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["http://x.org", "x.org", "ftp://x", "https://u:p@x.org", "https://x.org/?q", "", "file:///x"]
        {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
        assert!(!origin().is_loopback());
        assert!(Origin::parse("http://127.9.9.9").unwrap().is_loopback());
    }

    #[test]
    fn ids_stay_inside_their_segment() {
        let url = origin().endpoint(&[&"api", &"gyms", &"a/../b?c#d", &"walls"]).unwrap();
        assert_eq!(url.as_str(), "https://www.sostokt.com/api/gyms/a%2F..%2Fb%3Fc%23d/walls");
        for bad in ["", ".", ".."] {
            assert!(origin().endpoint(&[&"api", &bad]).is_err());
        }
    }

    #[test]
    fn picture_paths_lead_below_media_only() {
        let url = origin().media("CACHE/images/walls/a b.jpg").unwrap();
        assert_eq!(url.as_str(), "https://www.sostokt.com/media/CACHE/images/walls/a%20b.jpg");
        assert_eq!(origin().media("a/%2e%2e/b").unwrap().path(), "/media/a/%252e%252e/b");
        for bad in [
            "",
            "/etc",
            "//x.org/a",
            "https://x.org/a",
            "../api",
            "a/../../b",
            "a//b",
            "a\\..\\b",
            "a\nb",
            "./a",
        ] {
            assert!(origin().media(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn s17_only_the_own_origin_is_followed() {
        let sub = Origin::parse("https://x.org/stokt").unwrap();
        let from = sub.endpoint(&[&"api", &"a"]).unwrap();
        assert_eq!(sub.target(&sub.resolve(&from, "?page=2").unwrap()), "api/a?page=2");
        assert!(sub.resolve(&from, "https://x.org/stokt/api/a?page=3").is_ok());
        for bad in [
            "https://y.org/stokt/api",
            "http://x.org/stokt/api",
            "https://x.org:444/stokt/a",
            "//y.org/",
            "/other",
        ] {
            assert!(sub.resolve(&from, bad).is_err(), "{bad}");
        }
    }
}
