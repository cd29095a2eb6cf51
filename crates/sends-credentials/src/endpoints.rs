//! Where the OAuth endpoints are: URLs that secrets may be sent to.
//!
//! Must not know what is sent there.

use url::{Host, Url};

/// The three OAuth 2.0 endpoints of one authorization server.
///
/// They are fixed by default: Constant Contact has no discovery document (documented; the usual address answers 404).
///
/// ```
/// use sends_credentials::Endpoints;
///
/// let real = Endpoints::default();
/// assert_eq!(real.token().as_str(), "https://authz.constantcontact.com/oauth2/default/v1/token");
/// assert!(Endpoints::from_base("http://example.com/oauth2").is_err(), "secrets do not travel in the clear");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoints {
    authorize: Url,
    token: Url,
    device: Url,
}

/// Why a text is not where an OAuth endpoint can be. The text is not repeated, since it may hold a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// It is not a URL at all.
    #[error("the OAuth address is not a URL such as {example}: {0}", example = Endpoints::REAL_BASE)]
    Unreadable(url::ParseError),
    /// Secrets would travel in the clear.
    #[error("the OAuth address must begin with https:// (http:// is for this machine only)")]
    Insecure,
    /// It holds what must not be part of an address that is written to a file.
    #[error("the OAuth address must hold no user name, password, query or fragment")]
    Superfluous,
}

impl Endpoints {
    /// The base of the real endpoints (documented).
    pub const REAL_BASE: &str = "https://authz.constantcontact.com/oauth2/default/v1";

    /// The endpoints below another base, such as that of a simulated upstream, in the places the real ones have.
    ///
    /// # Errors
    ///
    /// [`InvalidEndpoint`] unless it is a plain HTTPS URL, or an HTTP one of this machine's loopback interface.
    pub fn from_base(base: &str) -> Result<Self, InvalidEndpoint> {
        let base = base.trim_end_matches('/');
        Self::new(
            &format!("{base}/authorize"),
            &format!("{base}/token"),
            &format!("{base}/device/authorize"),
        )
    }

    /// Three endpoints that have no base in common.
    ///
    /// # Errors
    ///
    /// [`InvalidEndpoint`], as for [`from_base`](Self::from_base), for the first of the three that is none.
    pub fn new(authorize: &str, token: &str, device: &str) -> Result<Self, InvalidEndpoint> {
        Ok(Self {
            authorize: checked(authorize)?,
            token: checked(token)?,
            device: checked(device)?,
        })
    }

    /// Where a browser is sent to ask the user.
    pub fn authorize(&self) -> &Url {
        &self.authorize
    }

    /// Where tokens are issued.
    pub fn token(&self) -> &Url {
        &self.token
    }

    /// Where a device without a browser begins.
    pub fn device(&self) -> &Url {
        &self.device
    }

    /// Whether every request stays on this machine.
    pub(crate) fn are_loopback(&self) -> bool {
        is_loopback(&self.token) && is_loopback(&self.device)
    }

    /// Whether no request needs TLS.
    pub(crate) fn are_plain_http(&self) -> bool {
        self.token.scheme() == "http" && self.device.scheme() == "http"
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::from_base(Self::REAL_BASE).expect("the documented address is a valid one")
    }
}

fn checked(text: &str) -> Result<Url, InvalidEndpoint> {
    let url = Url::parse(text).map_err(InvalidEndpoint::Unreadable)?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_bare {
        return Err(InvalidEndpoint::Superfluous);
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(InvalidEndpoint::Insecure),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_endpoints_are_the_documented_ones() {
        let endpoints = Endpoints::default();
        let base = Endpoints::REAL_BASE;
        assert_eq!(endpoints.authorize().as_str(), format!("{base}/authorize"));
        assert_eq!(endpoints.token().as_str(), format!("{base}/token"));
        assert_eq!(endpoints.device().as_str(), format!("{base}/device/authorize"));
    }

    #[test]
    fn an_address_that_would_expose_a_secret_is_refused_without_being_repeated() {
        let cases = [
            ("http://example.com/v1", InvalidEndpoint::Insecure),
            ("ftp://127.0.0.1/v1", InvalidEndpoint::Insecure),
            ("https://user:hush@example.com/v1", InvalidEndpoint::Superfluous),
            ("https://example.com/v1?key=hush", InvalidEndpoint::Superfluous),
            ("https://example.com/v1#hush", InvalidEndpoint::Superfluous),
        ];
        for (base, expected) in cases {
            let error = Endpoints::from_base(base).unwrap_err();
            assert_eq!(error, expected, "{base}");
            assert!(!format!("{error} {error:?}").contains("hush"));
        }
        for base in [
            "http://127.0.0.1:8081/v1/",
            "http://localhost/v1",
            "http://[::1]:9/v1",
        ] {
            assert!(Endpoints::from_base(base).is_ok(), "{base}");
        }
    }
}
