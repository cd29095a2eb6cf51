//! POST requests to the token and device endpoints, the only HTTP requests of this crate.
//!
//! An error distinguishes whether the upstream may have acted, which determines whether the refresh token is still valid.

use std::{io::Read, time::Duration};

use flate2::read::MultiGzDecoder;
use reqwest::{
    Client, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};
use sends_client::{retry_after, root_cause};
use url::{Url, form_urlencoded};

use crate::{
    Application, Endpoints, Settings, StateDir, StoreError,
    in_flight::Closed,
    oauth::RequestError,
    rate_limit::RateLimit,
    token_response::{OAuthError, TokenResponse},
};

/// Maximum size of a body in bytes. A response contains two tokens of about 1 KB (documented).
const BODY_LIMIT: usize = 1 << 20;

/// Maximum accepted `Retry-After`. The header is not documented.
const RETRY_AFTER_LIMIT: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(crate) struct TokenHttp {
    http: Client,
    rate_limit: RateLimit,
}

/// A failure that has no OAuth error code.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct TransportError {
    effect: Effect,
    reason: String,
    pub(crate) retry_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Effect {
    /// No effect, because of the rate limit (429).
    Throttled,
    /// No effect, because the upstream was not reached or rejected the request before acting.
    NotDone,
    PerhapsDone,
}

impl TokenHttp {
    pub(crate) fn new(
        endpoints: &Endpoints,
        dir: &StateDir,
        settings: &Settings,
    ) -> Result<Self, TransportError> {
        sends_client::install_crypto_provider();
        let mut builder = Client::builder()
            .user_agent(concat!("sends/", env!("CARGO_PKG_VERSION")))
            // A wrong `Content-Encoding` must not lose the tokens, so the body itself determines whether it is compressed.
            .no_gzip()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.call_timeout)
            // A redirect could carry a secret to another host.
            .redirect(redirect::Policy::none())
            // A refresh token works once, so the HTTP library must not repeat a request.
            .retry(reqwest::retry::never())
            // The next call is a day later, when an idle connection would already be closed.
            .pool_max_idle_per_host(0);
        if endpoints.are_loopback() {
            builder = builder.no_proxy();
        }
        if endpoints.are_plain_http() {
            // The TLS library fails to start without CA certificates, which plain HTTP does not need.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| {
            TransportError::not_done(format!(
                "cannot create an HTTPS client ({}); check that CA certificates are installed",
                root_cause(&error)
            ))
        })?;
        let rate_limit = RateLimit::new(dir, settings);
        Ok(Self { http, rate_limit })
    }

    /// Sends a form, with HTTP Basic authentication if `client` has a secret (documented). Returns the body of any 2xx response,
    /// and of any other response with both tokens.
    pub(crate) async fn post(
        &self,
        url: &Url,
        client: &Application,
        form: &[(&str, &str)],
    ) -> Result<Vec<u8>, RequestError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = self
            .http
            .post(url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(with_percent_encoded_spaces(&form));
        if let Some(secret) = &client.client_secret {
            request = request.basic_auth(&client.client_id, Some(SecretString::expose_secret(secret)));
        }
        let permit = self.rate_limit.acquire().await.map_err(TransportError::from)?;
        let outcome = Self::send(request).await;
        drop(permit);
        outcome
    }

    async fn send(request: reqwest::RequestBuilder) -> Result<Vec<u8>, RequestError> {
        let mut response = request.send().await.map_err(|error| broken(&error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers()).map(|wait| wait.min(RETRY_AFTER_LIMIT));
        let mut body = Vec::new();
        let truncated = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > BODY_LIMIT => {
                    body.extend_from_slice(&chunk[..BODY_LIMIT - body.len()]);
                    let reason = format!("the token endpoint's response is larger than {BODY_LIMIT} bytes");
                    break Some(TransportError::perhaps_done(reason));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break None,
                Err(error) => break Some(broken(&error)),
            }
        };
        let body = decompressed(body);
        // These tokens have replaced the earlier tokens, even if the rest of the response is malformed.
        if TokenResponse::read(&body).is_some_and(|tokens| tokens.has_both_tokens()) {
            return Ok(body);
        }
        match truncated {
            // The rest of a rejection is irrelevant.
            Some(error) if !status.is_client_error() => Err(error.into()),
            _ => checked(status, body, retry_after),
        }
    }
}

impl TransportError {
    fn not_done(reason: String) -> Self {
        Self {
            effect: Effect::NotDone,
            reason,
            retry_after: None,
        }
    }

    pub(crate) fn perhaps_done(reason: String) -> Self {
        Self {
            effect: Effect::PerhapsDone,
            reason,
            retry_after: None,
        }
    }

    pub(crate) fn is_throttled(&self) -> bool {
        self.effect == Effect::Throttled
    }

    pub(crate) fn is_perhaps_done(&self) -> bool {
        self.effect == Effect::PerhapsDone
    }
}

impl From<Closed> for TransportError {
    fn from(Closed: Closed) -> Self {
        Self::not_done("the program is shutting down".to_owned())
    }
}

/// No request is sent if the rate limit fails.
impl From<StoreError> for TransportError {
    fn from(error: StoreError) -> Self {
        Self::not_done(error.to_string())
    }
}

/// Returns the body of a 2xx response, and an error for any other status.
pub(crate) fn checked(
    status: StatusCode,
    body: Vec<u8>,
    retry_after: Option<Duration>,
) -> Result<Vec<u8>, RequestError> {
    let effect = match status {
        StatusCode::TOO_MANY_REQUESTS => Effect::Throttled,
        _ if status.is_success() => return Ok(body),
        _ if status.is_client_error() => match OAuthError::read(&body) {
            Some(error) => return Err(error.into()),
            None => Effect::NotDone,
        },
        _ if status.is_redirection() => Effect::NotDone,
        // A gateway sends 502 or 504 for an upstream that may have acted.
        _ => Effect::PerhapsDone,
    };
    let reason = format!("the token endpoint responded with {status}");
    Err(RequestError::Transport(TransportError {
        effect,
        reason,
        retry_after,
    }))
}

/// Decompresses a gzip body (RFC 1952) as far as possible. Returns any other body unchanged.
fn decompressed(body: Vec<u8>) -> Vec<u8> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];
    if !body.starts_with(&MAGIC) {
        return body;
    }
    let limit = u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX);
    let mut decompressed = Vec::new();
    // After an error, the bytes that were decompressed so far are used.
    let _ = MultiGzDecoder::new(body.as_slice())
        .take(limit)
        .read_to_end(&mut decompressed);
    decompressed
}

/// Encodes the spaces of a form as `%20` (documented) instead of `+`. A plus sign in the data is already encoded as `%2B`.
pub(crate) fn with_percent_encoded_spaces(form: &str) -> String {
    form.replace('+', "%20")
}

fn broken(error: &reqwest::Error) -> TransportError {
    let cause = root_cause(error);
    if error.is_connect() {
        TransportError::not_done(format!("no connection to the token endpoint ({cause})"))
    } else if error.is_timeout() {
        TransportError::perhaps_done(format!("the token endpoint did not respond in time ({cause})"))
    } else {
        TransportError::perhaps_done(format!("the token endpoint's response is truncated ({cause})"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn only_a_rejection_certainly_has_no_effect() {
        let oauth = r#"{"error":"invalid_grant","error_description":"Expired."}"#;
        let cases = [
            (200, "{}", "success"),
            (200, "<html>", "success"),
            (203, "{}", "success"),
            (204, "", "success"),
            (400, oauth, "error"),
            (401, r#"{"error":"invalid_client"}"#, "error"),
            (403, r#"[{"error_key":"invalid_grant"}]"#, "error"),
            (429, r#"{"error_key":"throttled"}"#, "throttled"),
            (429, oauth, "throttled"),
            (400, "<html>", "not done"),
            (400, r#"{"message":"Forbidden"}"#, "not done"),
            (404, "", "not done"),
            (302, "", "not done"),
            (500, oauth, "perhaps done"),
            (502, "<html>", "perhaps done"),
            (504, "", "perhaps done"),
        ];
        for (status, body, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            let outcome = match checked(status, body.into(), None) {
                Ok(_) => "success",
                Err(RequestError::OAuth(_)) => "error",
                Err(RequestError::Transport(error)) => match error.effect {
                    Effect::Throttled => "throttled",
                    Effect::NotDone => "not done",
                    Effect::PerhapsDone => "perhaps done",
                },
                Err(error) => panic!("{error}"),
            };
            assert_eq!(outcome, expected, "{status} {body}");
        }
    }

    /// Returns the result for a response with exactly these bytes, after which the server closes the connection.
    async fn outcome(response: String) -> Result<Vec<u8>, RequestError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await.unwrap();
            // The client may have read enough and closed the connection.
            let _ = stream.write_all(response.as_bytes()).await;
        };
        sends_client::install_crypto_provider();
        let http = Client::builder()
            .no_gzip()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        tokio::join!(TokenHttp::send(http.post(url)), server).0
    }

    #[tokio::test]
    async fn both_tokens_are_kept_despite_a_truncated_response_or_an_error_status() {
        let tokens = r#"{"access_token":"a","refresh_token":"r"}"#;
        let padding = "p".repeat(2 * BODY_LIMIT);
        for response in [
            format!("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{tokens}"),
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{tokens}\r\n",
                tokens.len()
            ),
            format!(
                "HTTP/1.1 200 OK\r\n\r\n{}{padding}",
                tokens.replace('}', r#","id_token":""#)
            ),
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n{tokens}"),
            format!("HTTP/1.1 200 OK\r\n\r\n{{}}{tokens}"),
            format!("HTTP/1.1 200 OK\r\n\r\n{{\"warning\":\"x\"}}\n{tokens}"),
            format!("HTTP/1.1 200 OK\r\n\r\n[{{\"status\":\"ok\"}},{tokens}]"),
            format!("HTTP/1.1 500 Error\r\n\r\n{tokens}"),
            format!("HTTP/1.1 400 Bad Request\r\n\r\n{tokens}"),
        ] {
            let head = response.chars().take(60).collect::<String>();
            assert!(outcome(response).await.is_ok(), "{head}");
        }
        let without = tokens.replace("refresh_token", "token");
        for (response, is_done) in [
            (
                format!("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{without}"),
                false,
            ),
            (format!("HTTP/1.1 500 Error\r\n\r\n{without}"), false),
            (format!("HTTP/1.1 200 OK\r\n\r\n{without}"), true),
        ] {
            let outcome = outcome(response.clone()).await;
            assert_eq!(outcome.is_ok(), is_done, "{response}");
        }
    }

    #[test]
    fn truncated_gzip_body_is_decompressed_as_far_as_possible() {
        use std::io::Write;
        let tokens = br#"{"access_token":"a","refresh_token":"r"}"#;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(tokens).unwrap();
        let mut body = encoder.finish().unwrap();
        assert_eq!(decompressed(body.clone()), tokens);
        // The checksum is removed.
        body.truncate(body.len() - 8);
        assert_eq!(decompressed(body), tokens);
        assert_eq!(decompressed(b"{}".to_vec()), b"{}");
    }

    #[test]
    fn space_is_percent_encoded_and_plus_sign_stays_encoded() {
        assert_eq!(with_percent_encoded_spaces("a+b=c%2Bd"), "a%20b=c%2Bd");
    }
}
