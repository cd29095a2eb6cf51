//! One GET request over HTTP, with headers, timeouts and a maximum body size. No other module sends requests to the upstream's
//! API.

use std::{
    cell::Cell,
    error::Error,
    io::{self, Read},
};

use flate2::bufread::GzDecoder;
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderValue},
    redirect,
};
use tower::util::MapFutureLayer;

use crate::{
    AccessToken, BaseUrl, BuildError, Endpoint, FailureClass, Pacer, Settings, UpstreamError,
    crypto::install_crypto_provider,
    http_failure::{retry_after, root_cause},
    refusal::Refusal,
};

/// Header with the request id of Amazon's gateway (observed).
const REQUEST_ID: &str = "x-amzn-requestid";
/// Header with the error kind of Amazon's gateway (observed).
const ERROR_TYPE: &str = "x-amzn-errortype";

#[derive(Debug)]
pub(crate) struct Transport {
    http: Client,
    base_url: BaseUrl,
    body_limit: usize,
}

tokio::task_local! {
    /// Whether a new connection was opened for the request of this task.
    static CONNECTED: Cell<bool>;
}

pub(crate) struct Broken {
    pub(crate) failure: UpstreamError,
    /// Whether the upstream closed a reused connection before it responded.
    pub(crate) by_closing: bool,
}

/// Complete response with a success status.
pub(crate) struct CompleteResponse {
    pub(crate) body: Vec<u8>,
    /// Error with the metadata of the response, for a body that cannot be decoded.
    pub(crate) error_template: UpstreamError,
}

impl Transport {
    pub(crate) fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Creates a transport, which reports connections that are being opened to `pacer`.
    pub(crate) fn new(settings: Settings, pacer: Pacer) -> Result<Self, BuildError> {
        install_crypto_provider();
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
        ]);
        let mut builder = Client::builder()
            .user_agent(concat!("sends/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            // reqwest's decoder reads only the first gzip member.
            .no_gzip()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.call_timeout)
            // A redirect could send the token to another host, and no listed path redirects.
            .redirect(redirect::Policy::none())
            .connector_layer(MapFutureLayer::new(move |connection| {
                let connecting = pacer.connecting();
                async move {
                    let connection = connection.await?;
                    connecting.succeeded();
                    // If a connection outlives its request, another task completes it, without the task-local.
                    let _ = CONNECTED.try_with(|is_new| is_new.set(true));
                    Ok(connection)
                }
            }))
            // The pipeline makes the retries because it counts requests against the rate limits.
            .retry(reqwest::retry::never());
        if settings.base_url.is_loopback() {
            builder = builder.no_proxy();
        }
        if settings.base_url.is_plain_http() {
            // Otherwise the TLS library fails on a machine without CA certificates, which plain HTTP does not need.
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

    /// Sends one request with `token` to the base URL. The caller sets `attempts` and `elapsed` of errors.
    pub(crate) async fn get(
        &self,
        endpoint: &Endpoint,
        token: &AccessToken,
    ) -> Result<CompleteResponse, Broken> {
        let mut template =
            UpstreamError::without_answer(endpoint.clone(), FailureClass::Invalid, String::new());
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
                let failure = broken(template, &error);
                return Err(Broken { failure, by_closing });
            }
        };
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let error_type = header(ERROR_TYPE);
        template.status = Some(response.status());
        template.request_id = header(REQUEST_ID);
        template.retry_after = retry_after(response.headers());
        let body = self.read(&mut response, &template).await;
        let outcome = match response.status() {
            // 202 and 203 were observed with valid JSON. The content type is not checked.
            StatusCode::OK | StatusCode::ACCEPTED | StatusCode::NON_AUTHORITATIVE_INFORMATION => {
                body.map(|body| CompleteResponse {
                    body,
                    error_template: template,
                })
            }
            StatusCode::NO_CONTENT => Err(UpstreamError {
                detail: "the upstream responded with 204 No Content instead of JSON".to_owned(),
                ..template
            }),
            // The status determines the class even if the body cannot be read.
            status => {
                let refusal = Refusal::read(&body.unwrap_or_default(), error_type.as_deref());
                Err(refused(template, refusal, status))
            }
        };
        outcome.map_err(|failure| Broken {
            failure,
            by_closing: false,
        })
    }

    /// Reads and decompresses the body. The size limit applies to the transferred and to the decompressed bytes.
    async fn read(
        &self,
        response: &mut Response,
        template: &UpstreamError,
    ) -> Result<Vec<u8>, UpstreamError> {
        let is_gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| {
            let encoding = encoding.as_bytes();
            encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
        });
        let too_large = || UpstreamError {
            detail: format!("the response is larger than {} bytes", self.body_limit),
            ..template.clone()
        };
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.body_limit => return Err(too_large()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) if !is_gzip || body.is_empty() => return Ok(body),
                Ok(None) => break,
                Err(error) => return Err(broken(template.clone(), &error)),
            }
        }
        match gunzip(&body, self.body_limit) {
            Ok(Some(body)) => Ok(body),
            Ok(None) => Err(too_large()),
            // Invalid gzip is retried like a cut-off body.
            Err(error) => Err(UpstreamError {
                class: FailureClass::Interrupted,
                detail: format!("the response was cut off ({error})"),
                ..template.clone()
            }),
        }
    }
}

/// Decompresses all gzip members of a body (RFC 1952, section 2.2), or returns `None` if the result exceeds `limit` bytes.
/// Bytes after the last member are ignored, whereas `flate2`'s `MultiGzDecoder` rejects them.
fn gunzip(mut compressed: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    const MEMBER: [u8; 2] = [0x1f, 0x8b];
    let mut body = Vec::new();
    loop {
        let mut member = GzDecoder::new(compressed);
        // The decoder may read one byte beyond the limit, which shows that the limit is exceeded.
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

/// Returns the error of a response whose status is not a success.
fn refused(template: UpstreamError, refusal: Refusal, status: StatusCode) -> UpstreamError {
    let message = refusal.message.as_deref().or(refusal.error_key.as_deref());
    let message = message.unwrap_or("no message");
    let class = refusal.class(status);
    let advice = match class {
        FailureClass::NoSuchPath => {
            "; the path does not exist, so check the base URL of the API (--upstream-url)"
        }
        _ => "",
    };
    let detail = format!("the upstream responded with {status}: {message}{advice}");
    UpstreamError {
        class,
        detail,
        error_key: refusal.error_key,
        message: refusal.message,
        ..template
    }
}

/// Returns the error of a request without a complete response.
fn broken(template: UpstreamError, error: &reqwest::Error) -> UpstreamError {
    let (class, what) = match error {
        error if error.is_connect() => (FailureClass::Unreachable, "no connection to the upstream"),
        error if error.is_timeout() => (FailureClass::TimedOut, "no complete response before the timeout"),
        _ => (FailureClass::Interrupted, "the response was cut off"),
    };
    UpstreamError {
        class,
        detail: format!("{what} ({})", root_cause(error)),
        ..template
    }
}

/// Returns whether the connection was closed or reset before the first byte of a response.
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
