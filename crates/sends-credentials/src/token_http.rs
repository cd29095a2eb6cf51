//! One POST to the token or device endpoint: the only place in this crate that sends anything.
//!
//! Owns the headers, the limits on time and size, and what a status means for the question that matters after a refresh:
//! may the upstream have done what was asked? Must not know what was asked.

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
    pace::Pace,
    token_answer::{OAuthError, TokenAnswer},
};

/// Answers hold two tokens of about 1 KB (documented). What comes behind this size is not read.
const BODY_LIMIT: usize = 1 << 20;

/// The longest time that an answer's `Retry-After` is believed. None is documented.
const RETRY_AFTER_LIMIT: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(crate) struct TokenHttp {
    http: Client,
    pace: Pace,
}

/// An answer in OAuth's terms. Neither the content type nor which 2xx it is says anything about the body.
pub(crate) enum Answer {
    /// 2xx, which need not hold what was asked for, or any answer that holds both tokens.
    Success(Vec<u8>),
    /// 4xx with an error code.
    Error(OAuthError),
}

/// Why there is no answer that says what it is in OAuth's terms.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TransportError {
    /// 429: the upstream did nothing, and will once its limit allows it.
    Throttled {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// The upstream did nothing: it was not reached, or it said no before it looked.
    NotDone {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// The upstream may have done what was asked.
    PerhapsDone {
        reason: String,
        retry_after: Option<Duration>,
    },
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
            // A wrong `Content-Encoding` must not cost the tokens: the body itself tells whether it is compressed.
            .no_gzip()
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
                root_cause(&error)
            );
            TransportError::not_done(reason)
        })?;
        let pace = Pace::new(dir, settings);
        Ok(Self { http, pace })
    }

    /// Sends a form, with the secret of `client` as HTTP Basic if it has one (documented), when its turn has come.
    pub(crate) async fn post(
        &self,
        url: &Url,
        client: &Application,
        form: &[(&str, &str)],
    ) -> Result<Answer, TransportError> {
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
        let turn = self.pace.turn().await?;
        let answered = Self::answer(request).await;
        drop(turn);
        answered
    }

    async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, TransportError> {
        let mut response = request.send().await.map_err(|error| broken(&error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers()).map(|wait| wait.min(RETRY_AFTER_LIMIT));
        let mut body = Vec::new();
        let broken_off = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > BODY_LIMIT => {
                    body.extend_from_slice(&chunk[..BODY_LIMIT - body.len()]);
                    let reason = format!("the answer is larger than {BODY_LIMIT} bytes");
                    break Some(TransportError::perhaps_done(reason));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break None,
                Err(error) => break Some(broken(&error)),
            }
        };
        let body = decompressed(body);
        // Whatever else is wrong with the answer, these tokens have replaced the earlier ones.
        if TokenAnswer::read(&body).is_some_and(|answer| answer.has_both_tokens()) {
            return Ok(Answer::Success(body));
        }
        match broken_off {
            // What a refusal would have explained does not matter.
            Some(error) if !status.is_client_error() => Err(error),
            _ => judged(status, body, retry_after),
        }
    }
}

impl TransportError {
    pub(crate) fn not_done(reason: String) -> Self {
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

    pub(crate) fn reason(&self) -> &str {
        let (Self::Throttled { reason, .. }
        | Self::NotDone { reason, .. }
        | Self::PerhapsDone { reason, .. }) = self;
        reason
    }

    /// The least wait that the upstream asks for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let (Self::Throttled { retry_after, .. }
        | Self::NotDone { retry_after, .. }
        | Self::PerhapsDone { retry_after, .. }) = self;
        *retry_after
    }
}

impl From<Closed> for TransportError {
    fn from(Closed: Closed) -> Self {
        Self::not_done("the program is ending".to_owned())
    }
}

/// The pace could not be kept, so that nothing was sent.
impl From<StoreError> for TransportError {
    fn from(error: StoreError) -> Self {
        Self::not_done(error.to_string())
    }
}

/// Lets through what is an answer in OAuth's terms.
fn judged(
    status: StatusCode,
    body: Vec<u8>,
    retry_after: Option<Duration>,
) -> Result<Answer, TransportError> {
    let reason = format!("the token endpoint answered {status}");
    match status {
        StatusCode::TOO_MANY_REQUESTS => Err(TransportError::Throttled { reason, retry_after }),
        status if status.is_success() => Ok(Answer::Success(body)),
        status if status.is_client_error() => match OAuthError::read(&body) {
            Some(error) => Ok(Answer::Error(error)),
            None => Err(TransportError::NotDone { reason, retry_after }),
        },
        status if status.is_redirection() => Err(TransportError::NotDone { reason, retry_after }),
        // A gateway answers 502 or 504 in the place of an upstream that may have done its work.
        _ => Err(TransportError::PerhapsDone { reason, retry_after }),
    }
}

/// What a gzip body (RFC 1952) holds, as far as it can be decompressed; any other body as it is.
fn decompressed(body: Vec<u8>) -> Vec<u8> {
    const MEMBER: [u8; 2] = [0x1f, 0x8b];
    if !body.starts_with(&MEMBER) {
        return body;
    }
    let limit = u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX);
    let mut decompressed = Vec::new();
    // What was read before an error stays.
    let _ = MultiGzDecoder::new(body.as_slice())
        .take(limit)
        .read_to_end(&mut decompressed);
    decompressed
}

/// Spaces of a form are sent as `%20` (documented), and not as `+`, which a form allows as well. A plus sign of the data is
/// `%2B` in both.
pub(crate) fn with_percent_encoded_spaces(form: &str) -> String {
    form.replace('+', "%20")
}

fn broken(error: &reqwest::Error) -> TransportError {
    let why = root_cause(error);
    if error.is_connect() {
        TransportError::not_done(format!("no connection to the token endpoint ({why})"))
    } else if error.is_timeout() {
        TransportError::perhaps_done(format!("the token endpoint did not answer in time ({why})"))
    } else {
        TransportError::perhaps_done(format!("the token endpoint's answer broke off ({why})"))
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
    fn only_a_refusal_is_certain_to_have_done_nothing() {
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
            let judged = match judged(status, body.into(), None) {
                Ok(Answer::Success(_)) => "success",
                Ok(Answer::Error(_)) => "error",
                Err(TransportError::Throttled { .. }) => "throttled",
                Err(TransportError::NotDone { .. }) => "not done",
                Err(TransportError::PerhapsDone { .. }) => "perhaps done",
            };
            assert_eq!(judged, expected, "{status} {body}");
        }
    }

    /// What becomes of an answer, byte for byte as a server sends it before it closes the connection.
    async fn answered(answer: String) -> Result<Answer, TransportError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await.unwrap();
            // The client may have read enough and closed the connection.
            let _ = stream.write_all(answer.as_bytes()).await;
        };
        sends_client::install_crypto_provider();
        let http = Client::builder()
            .no_gzip()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        tokio::join!(TokenHttp::answer(http.post(url)), server).0
    }

    #[tokio::test]
    async fn both_tokens_are_kept_however_their_answer_ends_and_whatever_its_status() {
        let tokens = r#"{"access_token":"a","refresh_token":"r"}"#;
        let padding = "p".repeat(2 * BODY_LIMIT);
        for answer in [
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
            let head = answer.chars().take(60).collect::<String>();
            assert!(matches!(answered(answer).await, Ok(Answer::Success(_))), "{head}");
        }
        let without = tokens.replace("refresh_token", "token");
        for (answer, is_done) in [
            (
                format!("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{without}"),
                false,
            ),
            (format!("HTTP/1.1 500 Error\r\n\r\n{without}"), false),
            (format!("HTTP/1.1 200 OK\r\n\r\n{without}"), true),
        ] {
            let answered = answered(answer.clone()).await;
            assert_eq!(matches!(answered, Ok(Answer::Success(_))), is_done, "{answer}");
        }
    }

    #[test]
    fn a_compressed_body_is_read_as_far_as_it_goes() {
        use std::io::Write;
        let tokens = br#"{"access_token":"a","refresh_token":"r"}"#;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(tokens).unwrap();
        let mut body = encoder.finish().unwrap();
        assert_eq!(decompressed(body.clone()), tokens);
        // The checksum is cut off.
        body.truncate(body.len() - 8);
        assert_eq!(decompressed(body), tokens);
        assert_eq!(decompressed(b"{}".to_vec()), b"{}");
    }

    #[test]
    fn a_space_is_percent_encoded_and_a_plus_sign_stays_one() {
        assert_eq!(with_percent_encoded_spaces("a+b=c%2Bd"), "a%20b=c%2Bd");
    }
}
