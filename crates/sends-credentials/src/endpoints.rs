//! OAuth endpoints. Only endpoints to which secrets may be sent are accepted.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// OAuth 2.0 endpoints of one authorization server.
///
/// The defaults are constants, because Constant Contact has no discovery document (documented; the usual address responds with
/// 404).
///
/// ```
/// use sends_credentials::Endpoints;
///
/// assert!(Endpoints::from_base(Endpoints::REAL_BASE).is_ok());
/// assert!(Endpoints::from_base("http://example.com/oauth2").is_err(), "plain HTTP would expose secrets");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Endpoints {
    #[serde(rename = "authorize_endpoint", with = "checked_url")]
    pub(crate) authorize: Url,
    #[serde(rename = "token_endpoint", with = "checked_url")]
    pub(crate) token: Url,
    #[serde(rename = "device_endpoint", with = "checked_url")]
    pub(crate) device: Url,
}

/// Error for an invalid OAuth endpoint. The error omits the rejected text, which may include a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidEndpoint {
    #[error("the OAuth address is not a URL such as {example}: {0}", example = Endpoints::REAL_BASE)]
    Unreadable(url::ParseError),
    #[error("the OAuth address must start with https:// (http:// is allowed only for this machine)")]
    Insecure,
    #[error("the OAuth address must not contain a user name, password, query or fragment")]
    Superfluous,
}

impl Endpoints {
    pub const REAL_BASE: &str = "https://authz.constantcontact.com/oauth2/default/v1";

    /// Derives the endpoints from a base URL, which must use HTTPS, or HTTP on the loopback interface.
    pub fn from_base(base: &str) -> Result<Self, InvalidEndpoint> {
        let base = base.trim_end_matches('/');
        Ok(Self {
            authorize: checked(&format!("{base}/authorize"))?,
            token: checked(&format!("{base}/token"))?,
            device: checked(&format!("{base}/device/authorize"))?,
        })
    }

    pub(crate) fn are_loopback(&self) -> bool {
        is_loopback(&self.token) && is_loopback(&self.device)
    }

    pub(crate) fn are_plain_http(&self) -> bool {
        self.token.scheme() == "http" && self.device.scheme() == "http"
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::from_base(Self::REAL_BASE).expect("the documented address is valid")
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

mod checked_url {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use url::Url;

    pub(super) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        super::checked(&String::deserialize(deserializer)?).map_err(D::Error::custom)
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
    fn default_endpoints_match_the_documentation() {
        let endpoints = Endpoints::default();
        let base = Endpoints::REAL_BASE;
        assert_eq!(endpoints.authorize.as_str(), format!("{base}/authorize"));
        assert_eq!(endpoints.token.as_str(), format!("{base}/token"));
        assert_eq!(endpoints.device.as_str(), format!("{base}/device/authorize"));
    }

    #[test]
    fn insecure_address_is_rejected_without_being_repeated() {
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
