//! Checks of the `Host` and `Origin` headers.
//!
//! The `Host` check prevents DNS rebinding: an attacker can point a host name to this machine, which makes the attacker's page
//! same-origin with a service on a loopback address. Loopback names, IP addresses and the names of `--allowed-host` are allowed.

use std::net::IpAddr;

use axum::{extract::Request, response::Response};
use http::{HeaderValue, StatusCode, Version, header, uri::Authority};

use super::{media_type::MediaType, rejection::Rejection};
use crate::schema::ErrorCode;

pub(super) struct HostAndOrigin {
    hosts: Vec<String>,
    origins: Vec<HeaderValue>,
}

impl HostAndOrigin {
    pub(super) fn new(hosts: Vec<String>, origins: Vec<HeaderValue>) -> Self {
        Self { hosts, origins }
    }

    pub(super) fn rejection(&self, request: &Request) -> Option<Response> {
        let message = self.allow(request).err()?;
        let media_type = MediaType::negotiate(request.headers()).unwrap_or(MediaType::Json);
        let rejection = Rejection::new(StatusCode::FORBIDDEN, ErrorCode::RequestRefused, message);
        Some(rejection.into_response(media_type))
    }

    fn allow(&self, request: &Request) -> Result<(), &'static str> {
        if is_plain_probe(request) {
            return Ok(());
        }
        let authority = authority(request).ok_or("The Host header is missing or invalid.")?;
        if !self.is_ours(authority.host()) {
            return Err(
                "The service is not configured for this host name; its operator can allow it with --allowed-host.",
            );
        }
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if self.origins.contains(origin) || is_same(origin, &authority) => Ok(()),
            _ => Err(
                "Requests from pages of this origin are not allowed; the operator can allow them with --allowed-origin.",
            ),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || literal.parse::<IpAddr>().is_ok()
            || self.hosts.contains(&host)
    }
}

/// Returns whether the request is a load balancer's health check over HTTP/1.0 without `Host`. Browsers always send `Host`.
fn is_plain_probe(request: &Request) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_10
        && request.uri().path().starts_with("/health/")
        && request.uri().authority().is_none()
        && !headers.contains_key(header::HOST)
        && !headers.contains_key(header::ORIGIN)
}

/// Returns `:authority` of HTTP/2, or the `Host` header of HTTP/1 unless it is repeated.
fn authority(request: &Request) -> Option<Authority> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.clone());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        _ => None,
    }
}

/// Returns whether the origin is the service's own. The scheme is not compared, since a proxy can terminate TLS.
fn is_same(origin: &HeaderValue, authority: &Authority) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority.as_str()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_allowed(host: &str, origin: Option<&str>) -> bool {
        let host_and_origin = HostAndOrigin::new(
            vec!["sends.example.com".into()],
            vec![HeaderValue::from_static("https://app.example.com")],
        );
        let mut request = Request::builder().header(header::HOST, host);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        host_and_origin
            .allow(&request.body(Body::empty()).unwrap())
            .is_ok()
    }

    #[test]
    fn only_local_and_allowed_hosts_are_served() {
        for (host, expected) in [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("a.localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("192.0.2.7", true),
            ("sends.example.com", true),
            ("Sends.Example.com.:443", true),
            ("attacker.example", false),
            ("localhost.attacker.example", false),
            ("127.0.0.1.attacker.example", false),
            ("attacker.example:8080", false),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(is_allowed(host, None), expected, "{host}");
        }
    }

    #[test]
    fn probes_over_http_1_0_need_no_host() {
        let is_allowed = |version, path: &str, origin: Option<&str>| {
            let mut request = Request::builder().version(version).uri(path);
            if let Some(origin) = origin {
                request = request.header(header::ORIGIN, origin);
            }
            let request = request.body(Body::empty()).unwrap();
            HostAndOrigin::new(vec![], vec![]).allow(&request).is_ok()
        };
        assert!(is_allowed(Version::HTTP_10, "/health/live", None));
        assert!(is_allowed(Version::HTTP_10, "/health/ready", None));
        assert!(!is_allowed(Version::HTTP_10, "/health/live", Some("null")));
        assert!(!is_allowed(Version::HTTP_10, "/graphql", None));
        assert!(!is_allowed(Version::HTTP_11, "/health/live", None));
    }

    #[test]
    fn only_pages_of_the_service_and_of_allowed_origins_are_served() {
        for (origin, expected) in [
            ("http://localhost:8080", true),
            ("https://localhost:8080", true),
            ("https://app.example.com", true),
            ("http://app.example.com", false),
            ("https://app.example.com:8443", false),
            ("http://localhost:3000", false),
            ("null", false),
            ("https://attacker.example", false),
        ] {
            assert_eq!(is_allowed("localhost:8080", Some(origin)), expected, "{origin}");
        }
    }
}
