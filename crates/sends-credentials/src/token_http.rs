//! One POST to the token or device endpoint: the only place in this crate that sends anything.
//!
//! Owns the headers, the limits on time and size, and what a status means for the question that matters after a refresh:
//! may the upstream have done what was asked? Must not know what was asked.

use std::{error::Error, pin::Pin, time::Duration};

use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    redirect,
};
use serde::Deserialize;

use crate::{Endpoints, Settings, StateDir, StoreError, pace::Pace};

/// Answers hold two tokens of about 1 KB (documented). Anything of this size is something else.
const BODY_LIMIT: usize = 64 << 10;

/// The longest time that an answer's `Retry-After` is believed. None is documented.
const RETRY_AFTER_LIMIT: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(crate) struct TokenHttp {
    http: Client,
    pace: Pace,
}

/// Why there is no answer that says what it is in OAuth's terms.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// The upstream did nothing: it was not reached, or it said no before it looked.
    #[error("{reason}")]
    NotDone {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// The upstream may have done what was asked.
    #[error("{reason}")]
    PerhapsDone {
        reason: String,
        retry_after: Option<Duration>,
    },
}

/// The error of RFC 6749, section 5.2. What has another shape does not come from an OAuth endpoint.
#[derive(Deserialize)]
struct OAuthError {
    #[serde(rename = "error")]
    _error: String,
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
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.call_timeout)
            // A redirect could carry a secret to another host.
            .redirect(redirect::Policy::none())
            // A refresh token works once: a request repeated below this crate's notice would find it used.
            .retry(reqwest::retry::never())
            // A connection kept open may be dead by the next call, a day later.
            .pool_max_idle_per_host(0);
        if endpoints.are_loopback() {
            builder = builder.no_proxy();
        }
        if endpoints.are_plain_http() {
            // The TLS library refuses to start on a machine without CA certificates, which plain HTTP does not need.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| {
            let reason = format!(
                "no HTTPS client could be made; are CA certificates installed? ({})",
                innermost(&error)
            );
            TransportError::not_done(reason)
        })?;
        let pace = Pace::new(dir, settings);
        Ok(Self { http, pace })
    }

    async fn post(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let (parts, form) = request.into_parts();
        let request = self
            .http
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(with_percent_encoded_spaces(&form));
        let turn = self.pace.turn().await?;
        let answered = self.answer(request).await;
        drop(turn);
        answered
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<HttpResponse, TransportError> {
        let mut response = request.send().await.map_err(|error| broken(&error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = status;
        if let Some(content_type) = response.headers().get(CONTENT_TYPE) {
            answer.headers_mut().insert(CONTENT_TYPE, content_type.clone());
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if answer.body().len() + chunk.len() > BODY_LIMIT => {
                    let reason = format!("the answer is larger than {BODY_LIMIT} bytes");
                    return Err(TransportError::perhaps_done(reason));
                }
                Ok(Some(chunk)) => answer.body_mut().extend_from_slice(&chunk),
                Ok(None) => break,
                // What a refusal would have explained does not matter.
                Err(_) if status.is_client_error() => break,
                Err(error) => return Err(broken(&error)),
            }
        }
        judged(answer, retry_after)
    }
}

impl<'c> AsyncHttpClient<'c> for TokenHttp {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.post(request))
    }
}

impl TransportError {
    fn not_done(reason: String) -> Self {
        Self::NotDone {
            reason,
            retry_after: None,
        }
    }

    fn perhaps_done(reason: String) -> Self {
        Self::PerhapsDone {
            reason,
            retry_after: None,
        }
    }
}

/// The pace could not be kept, so that nothing was sent.
impl From<StoreError> for TransportError {
    fn from(error: StoreError) -> Self {
        Self::not_done(error.to_string())
    }
}

/// Lets through what is an answer in OAuth's terms.
fn judged(answer: HttpResponse, retry_after: Option<Duration>) -> Result<HttpResponse, TransportError> {
    let status = answer.status();
    let reason = format!("the token endpoint answered {status}");
    match status {
        StatusCode::OK => Ok(answer),
        StatusCode::TOO_MANY_REQUESTS => Err(TransportError::NotDone { reason, retry_after }),
        status if status.is_client_error() && serde_json::from_slice::<OAuthError>(answer.body()).is_ok() => {
            Ok(answer)
        }
        status if status.is_client_error() || status.is_redirection() => {
            Err(TransportError::NotDone { reason, retry_after })
        }
        // A gateway answers 502 or 504 in the place of an upstream that may have done its work.
        _ => Err(TransportError::PerhapsDone { reason, retry_after }),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_LIMIT))
}

/// Spaces of a form are sent as `%20` (documented), and not as `+`, which a form allows as well. A plus sign of the data is
/// `%2B` in both.
pub(crate) fn with_percent_encoded_spaces(form: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(form.len() + 16);
    for byte in form {
        match byte {
            b'+' => encoded.extend_from_slice(b"%20"),
            other => encoded.push(*other),
        }
    }
    encoded
}

fn broken(error: &reqwest::Error) -> TransportError {
    let why = innermost(error);
    if error.is_connect() {
        TransportError::not_done(format!("no connection to the token endpoint ({why})"))
    } else if error.is_timeout() {
        TransportError::perhaps_done(format!("the token endpoint did not answer in time ({why})"))
    } else {
        TransportError::perhaps_done(format!("the token endpoint's answer broke off ({why})"))
    }
}

/// The cause at the bottom of the chain, which names no URL.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        let mut answer = HttpResponse::new(body.as_bytes().to_vec());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        answer
    }

    #[test]
    fn only_a_refusal_is_certain_to_have_done_nothing() {
        let oauth = r#"{"error":"invalid_grant","error_description":"Expired."}"#;
        let cases = [
            (200, "{}", "answer"),
            (200, "<html>", "answer"),
            (400, oauth, "answer"),
            (401, r#"{"error":"invalid_client"}"#, "answer"),
            (429, r#"{"error_key":"throttled"}"#, "not done"),
            (429, oauth, "not done"),
            (400, "<html>", "not done"),
            (404, "", "not done"),
            (302, "", "not done"),
            (500, oauth, "perhaps done"),
            (502, "<html>", "perhaps done"),
            (504, "", "perhaps done"),
            (204, "", "perhaps done"),
        ];
        for (status, body, expected) in cases {
            let judged = match judged(answer(status, body), None) {
                Ok(_) => "answer",
                Err(TransportError::NotDone { .. }) => "not done",
                Err(TransportError::PerhapsDone { .. }) => "perhaps done",
            };
            assert_eq!(judged, expected, "{status} {body}");
        }
    }

    #[test]
    fn a_space_is_percent_encoded_and_a_plus_sign_stays_one() {
        assert_eq!(with_percent_encoded_spaces(b"a+b=c%2Bd"), b"a%20b=c%2Bd");
    }
}
