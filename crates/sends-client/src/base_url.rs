//! Base URL of the API.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// Base URL of the API including its version: an HTTP or HTTPS URL that has no credentials, query or fragment.
///
/// ```
/// use sends_client::BaseUrl;
///
/// assert_eq!(BaseUrl::REAL_UPSTREAM.parse::<BaseUrl>()?.to_string(), "https://api.cc.email/v3");
/// assert!("ftp://api.cc.email/v3".parse::<BaseUrl>().is_err());
/// # Ok::<(), sends_client::InvalidBaseUrl>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BaseUrl(Url);

/// Error returned for an invalid base URL. The error does not contain the rejected string, which may include a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// The string is not a URL.
    #[error("not a URL such as {example}: {0}", example = BaseUrl::REAL_UPSTREAM)]
    Unreadable(url::ParseError),
    /// The scheme is not HTTP or HTTPS.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// The URL contains credentials, which would appear in logs.
    #[error("it must not contain a user name or a password")]
    Credentials,
    /// The URL contains a query or fragment, after which no path can be appended.
    #[error("it must not contain a query or a fragment")]
    QueryOrFragment,
}

impl BaseUrl {
    /// Base URL of the production API (documented).
    pub const REAL_UPSTREAM: &str = "https://api.cc.email/v3";

    /// Appends `path`, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.0.scheme() == "http"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl Default for BaseUrl {
    /// Returns [`BaseUrl::REAL_UPSTREAM`].
    fn default() -> Self {
        Self::REAL_UPSTREAM
            .parse()
            .expect("the documented base URL is valid")
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(InvalidBaseUrl::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            Err(InvalidBaseUrl::Scheme)
        } else if !url.username().is_empty() || url.password().is_some() {
            Err(InvalidBaseUrl::Credentials)
        } else if url.query().is_some() || url.fragment().is_some() {
            Err(InvalidBaseUrl::QueryOrFragment)
        } else {
            Ok(Self(url))
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_the_base_url_is_preserved_with_and_without_a_trailing_slash() {
        for base in ["https://api.cc.email/v3", "https://api.cc.email/v3/"] {
            let url = base.parse::<BaseUrl>().unwrap().join("/emails");
            assert_eq!(url.as_str(), "https://api.cc.email/v3/emails");
        }
    }

    #[test]
    fn invalid_base_url_is_rejected_without_exposing_a_password() {
        let cases = [
            ("ftp://api.cc.email/v3", InvalidBaseUrl::Scheme),
            ("https://user:hush@api.cc.email/v3", InvalidBaseUrl::Credentials),
            (
                "https://api.cc.email/v3?key=hush",
                InvalidBaseUrl::QueryOrFragment,
            ),
            ("https://api.cc.email/v3#hush", InvalidBaseUrl::QueryOrFragment),
        ];
        for (text, problem) in cases {
            assert_eq!(text.parse::<BaseUrl>().unwrap_err(), problem, "{text}");
            assert!(!format!("{problem} {problem:?}").contains("hush"));
        }
        for unreadable in ["", "api.cc.email/v3", "https://", "https://[::1"] {
            let problem = unreadable.parse::<BaseUrl>().unwrap_err();
            assert!(
                matches!(problem, InvalidBaseUrl::Unreadable(_)),
                "{unreadable}: {problem}"
            );
        }
    }
}
