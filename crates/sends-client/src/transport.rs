//! One GET over HTTP: the only place in the product that sends a request to the upstream's API.
//!
//! It sets the headers, the time limits and the size limit, and knows of an answer no more than its status.

use std::{
    cell::Cell,
    error::Error,
    io::{self, Read},
    time::Duration,
};

use flate2::bufread::GzDecoder;
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderValue},
    redirect,
};
use tokio::time::Instant;

use tower::util::MapFutureLayer;

use crate::http_failure::{retry_after, root_cause};
use crate::{
    AccessToken, BaseUrl, BuildError, Endpoint, FailureClass, Pacer, Settings, UpstreamError,
    crypto::install_crypto_provider, refusal::Refusal,
};

/// The header that carries the id of a request through Amazon's gateway (observed).
const REQUEST_ID: &str = "x-amzn-requestid";
/// The header in which the same gateway names the kind of an error (observed).
const ERROR_TYPE: &str = "x-amzn-errortype";

#[derive(Debug)]
pub(crate) struct Transport {
    http: Client,
    base_url: BaseUrl,
    body_limit: usize,
}

tokio::task_local! {
    /// Whether a connection has come about for the request that the task sends.
    static CONNECTED: Cell<bool>;
}

/// Why there is no complete answer with a success.
pub(crate) struct Broken {
    pub(crate) failure: UpstreamError,
    /// Whether the upstream closed a connection that was used before, just as the request went out on it.
    pub(crate) by_closing: bool,
}

/// A complete answer with a success, and what an error about it would have to say.
pub(crate) struct Answer {
    body: Vec<u8>,
    call: Call,
}

impl Answer {
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.call.status.unwrap_or_default()
    }

    pub(crate) fn failure(self, class: FailureClass, detail: String) -> UpstreamError {
        self.call.failure(class, detail)
    }
}

impl Transport {
    pub(crate) fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Tells `pacer` of connections.
    pub(crate) fn new(settings: Settings, pacer: Pacer) -> Result<Self, BuildError> {
        install_crypto_provider();
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
        ]);
        let mut builder = Client::builder()
            .user_agent(concat!("sends/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            // The decoder of reqwest ends after the first gzip member.
            .no_gzip()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.call_timeout)
            // A redirect could carry the token to another host, and leads to a path outside the list in any case.
            .redirect(redirect::Policy::none())
            .connector_layer(MapFutureLayer::new(move |connection| {
                let connecting = pacer.connecting();
                async move {
                    let connection = connection.await?;
                    connecting.succeeded();
                    // A connection that came too late for its request is finished by another task.
                    let _ = CONNECTED.try_with(|is_new| is_new.set(true));
                    Ok(connection)
                }
            }))
            // Repeating a request is a decision for the layer that counts requests against the budget.
            .retry(reqwest::retry::never());
        if settings.base_url.is_loopback() {
            builder = builder.no_proxy();
        }
        if settings.base_url.is_plain_http() {
            // The TLS library refuses to start on a machine without CA certificates, which plain HTTP does not need.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            http: builder.build().map_err(|error| BuildError {
                reason: root_cause(&error),
            })?,
            base_url: settings.base_url,
            body_limit: settings.body_limit,
        })
    }

    /// Sends one request with `token`, to `base_url` and to nowhere else.
    pub(crate) async fn get(&self, endpoint: &Endpoint, token: &AccessToken) -> Result<Answer, Broken> {
        let mut call = Call::new(endpoint.clone());
        let mut request = self.http.get(endpoint.url(&self.base_url));
        if let Some(authorization) = token.authorization() {
            request = request.header(AUTHORIZATION, authorization);
        }
        let sent = CONNECTED.scope(Cell::new(false), async {
            let sent = request.send().await;
            (sent, CONNECTED.with(Cell::get))
        });
        let mut response = match sent.await {
            (Ok(response), _) => response,
            (Err(error), is_new) => {
                let by_closing = !is_new && is_closed_connection(&error);
                let failure = call.broken(&error);
                return Err(Broken { failure, by_closing });
            }
        };
        call.note(&response);
        let body = self.read(&mut response, &call).await;
        let outcome = match response.status() {
            // Observed with good JSON. What its content type says does not matter.
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NON_AUTHORITATIVE_INFORMATION => {
                body.map(|body| Answer { body, call })
            }
            StatusCode::NO_CONTENT => Err(call.failure(
                FailureClass::Invalid,
                "the upstream answered 204 No Content where JSON was asked for".to_owned(),
            )),
            // The status counts even when the body that explains it does not arrive.
            status => Err(call.refused(status, &body.unwrap_or_default())),
        };
        outcome.map_err(|failure| Broken {
            failure,
            by_closing: false,
        })
    }

    /// The body, decompressed. Neither it nor what is transferred may exceed the size limit.
    async fn read(&self, response: &mut Response, call: &Call) -> Result<Vec<u8>, UpstreamError> {
        let is_gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| {
            let encoding = encoding.as_bytes();
            encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
        });
        let too_large = || {
            let detail = format!("the answer is larger than {} bytes", self.body_limit);
            call.clone().failure(FailureClass::Invalid, detail)
        };
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.body_limit => return Err(too_large()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) if !is_gzip || body.is_empty() => return Ok(body),
                Ok(None) => break,
                Err(error) => return Err(call.clone().broken(&error)),
            }
        }
        match gunzip(&body, self.body_limit) {
            Ok(Some(body)) => Ok(body),
            Ok(None) => Err(too_large()),
            // As a body that was cut off, it may arrive whole next time.
            Err(error) => {
                let detail = format!("the answer broke off ({error})");
                Err(call.clone().failure(FailureClass::Interrupted, detail))
            }
        }
    }
}

/// What the gzip members of a body (RFC 1952, section 2.2) decompress to; `None` when that is more than `limit` bytes. Bytes
/// after the last member are ignored.
fn gunzip(mut compressed: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    const MEMBER: [u8; 2] = [0x1f, 0x8b];
    let mut body = Vec::new();
    loop {
        let mut member = GzDecoder::new(compressed);
        // One byte more than there is room for tells that it is too large.
        let room = u64::try_from(limit - body.len()).unwrap_or(u64::MAX);
        member
            .by_ref()
            .take(room.saturating_add(1))
            .read_to_end(&mut body)?;
        if body.len() > limit {
            return Ok(None);
        }
        compressed = member.into_inner();
        if !compressed.starts_with(&MEMBER) {
            return Ok(Some(body));
        }
    }
}

/// What is known about a call while it runs.
#[derive(Clone)]
struct Call {
    endpoint: Endpoint,
    started: Instant,
    status: Option<StatusCode>,
    request_id: Option<String>,
    error_type: Option<String>,
    retry_after: Option<Duration>,
}

impl Call {
    fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            started: Instant::now(),
            status: None,
            request_id: None,
            error_type: None,
            retry_after: None,
        }
    }

    fn note(&mut self, response: &Response) {
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        self.status = Some(response.status());
        self.request_id = header(REQUEST_ID).map(String::from);
        self.error_type = header(ERROR_TYPE).map(String::from);
        self.retry_after = retry_after(response.headers());
    }

    fn refused(self, status: StatusCode, body: &[u8]) -> UpstreamError {
        let refusal = Refusal::read(body, self.error_type.as_deref());
        let words = refusal
            .message
            .as_deref()
            .or(refusal.error_key.as_deref())
            .unwrap_or("no explanation given");
        let class = refusal.class(status);
        let advice = match class {
            FailureClass::NoSuchPath => {
                "; it has no such path, so check the address of the API (--upstream-url)"
            }
            _ => "",
        };
        let failure = self.failure(class, format!("the upstream answered {status}: {words}{advice}"));
        UpstreamError {
            error_key: refusal.error_key,
            message: refusal.message,
            ..failure
        }
    }

    fn broken(self, error: &reqwest::Error) -> UpstreamError {
        let (class, what) = match error {
            error if error.is_connect() => (FailureClass::Unreachable, "no connection to the upstream"),
            error if error.is_timeout() => (FailureClass::TimedOut, "no complete answer in time"),
            // It may arrive whole next time.
            _ => (FailureClass::Interrupted, "the answer broke off"),
        };
        self.failure(class, format!("{what} ({})", root_cause(error)))
    }

    fn failure(self, class: FailureClass, detail: String) -> UpstreamError {
        UpstreamError {
            attempts: 1,
            elapsed: self.started.elapsed(),
            status: self.status,
            request_id: self.request_id,
            retry_after: self.retry_after,
            ..UpstreamError::without_answer(self.endpoint, class, detail)
        }
    }
}

/// Whether no byte of an answer came because the connection was closed or reset.
fn is_closed_connection(error: &reqwest::Error) -> bool {
    if error.is_connect() || error.is_timeout() || error.is_builder() {
        return false;
    }
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
        {
            return true;
        }
        if let Some(error) = inner.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            );
        }
        cause = inner.source();
    }
    false
}
