//! Request bodies, with limits on size, time and total memory.

use std::time::Duration;

use axum::body::Body;
use clap::Args;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{
    admission::overloaded,
    media_type,
    rejection::{EXAMPLE, Rejection},
};
use crate::{
    bulkheads::{Bulkhead, Permits},
    option_values::{bytes, number},
    schema::ErrorCode,
};

const FORM: &str = "application/x-www-form-urlencoded";

const MAX_SHOWN_TYPE_LENGTH: usize = 80;

/// Maximum total bytes of request bodies being received. The budget is not configurable: bodies arrive within milliseconds, so 64
/// concurrent bodies of the default maximum size are not expected.
const BODY_BUDGET: usize = 64 << 20;

/// Timeout for receiving a request body, enough for a megabyte at 1 Mbit/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Args, Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Maximum size of a request body
    // The maximum is the memory budget of all bodies.
    #[arg(long = "body-limit", env = "SENDS_BODY_LIMIT", value_name = "BYTES", default_value = "1MiB",
          value_parser = bytes::<usize>(1..=BODY_BUDGET as u64))]
    pub body: usize,
    /// Maximum number of operations in a request; 1 rejects batches
    #[arg(long = "batch-limit", env = "SENDS_BATCH_LIMIT", value_name = "COUNT", default_value = "1",
          value_parser = number::<usize>(1..=1_000))]
    pub batch: usize,
    #[arg(skip = BODY_BUDGET)]
    pub body_budget: usize,
    #[arg(skip = BODY_TIMEOUT)]
    pub body_timeout: Duration,
}

pub(super) struct Bodies {
    bulkhead: Bulkhead,
    limits: RequestLimits,
}

/// Complete body, whose memory is reserved until drop.
#[derive(Debug)]
pub(super) struct ReceivedBody {
    bytes: Vec<u8>,
    _room: Option<Permits>,
}

impl ReceivedBody {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(super) fn new(bulkhead: Bulkhead, limits: RequestLimits) -> Self {
        Self { bulkhead, limits }
    }

    /// Receives the body of a POST request whose [content type](check_type) has been checked.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<ReceivedBody, Rejection> {
        let is_encoded = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        if is_encoded {
            // A few compressed kilobytes can expand to gigabytes, and no GraphQL client compresses requests.
            return Err(unsupported(
                "The body has a content-encoding; send it uncompressed, without this header.",
            ));
        }
        let declared = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > self.limits.body) {
            return Err(self.too_large());
        }
        tokio::time::timeout(self.limits.body_timeout, self.collect(body))
            .await
            .unwrap_or_else(|_| {
                Err(Rejection::new(
                    StatusCode::REQUEST_TIMEOUT,
                    ErrorCode::BadUserInput,
                    "The body did not arrive in time.",
                ))
            })
    }

    /// Reserves memory only for received bytes, because a client can declare any `Content-Length` at no cost.
    async fn collect(&self, body: Body) -> Result<ReceivedBody, Rejection> {
        let mut body = Limited::new(body, self.limits.body);
        let mut bytes = Vec::new();
        let mut permits: Option<Permits> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    self.too_large()
                } else {
                    Rejection::malformed("The body ended too early.")
                }
            })?;
            let Ok(data) = frame.into_data() else { continue };
            let more = self.bulkhead.try_enter(data.len()).ok_or_else(overloaded)?;
            match &mut permits {
                Some(permits) => permits.merge(more),
                None => permits = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(ReceivedBody {
            bytes,
            _room: permits,
        })
    }

    fn too_large(&self) -> Rejection {
        Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::BadUserInput,
            format!("The body is larger than {} bytes.", self.limits.body),
        )
    }
}

pub(super) fn check_type(headers: &HeaderMap) -> Result<(), Rejection> {
    if media_type::is_json_body(headers) {
        return Ok(());
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let problem = match (types.next().map(HeaderValue::to_str), types.next()) {
        (None, _) => "The request has no content-type header".to_owned(),
        (Some(Ok(declared)), None) if declared.starts_with(FORM) => {
            format!("The body is declared as {FORM}, curl's default for -d")
        }
        (Some(Ok(declared)), None) if declared.len() <= MAX_SHOWN_TYPE_LENGTH => {
            format!("The body is declared as {declared}")
        }
        _ => "The content-type of the body cannot be read".to_owned(),
    };
    Err(unsupported(format!(
        "{problem}; send JSON in UTF-8 with the header content-type: application/json, as in: {EXAMPLE}"
    )))
}

fn unsupported(message: impl Into<String>) -> Rejection {
    Rejection::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::BadUserInput,
        message,
    )
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::server::media_type::MediaType;
    use axum::body::Bytes;
    use futures_util::{StreamExt, stream};

    fn bodies() -> (Bodies, HeaderMap) {
        let json = HeaderValue::from_static("application/json");
        let limits = RequestLimits {
            body: 10,
            body_budget: 15,
            body_timeout: Duration::from_secs(15),
            batch: 1,
        };
        let bodies = Bodies::new(Bulkhead::new("bodies", limits.body_budget), limits);
        (bodies, HeaderMap::from_iter([(header::CONTENT_TYPE, json)]))
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_share_the_memory_and_release_it() {
        let (bodies, headers) = bodies();
        let first = bodies.read(&headers, Body::from("0123456789")).await.unwrap();
        assert_eq!(first.bytes(), b"0123456789");
        let small = bodies.read(&headers, Body::from("01234")).await;
        assert!(small.is_ok());
        assert!(bodies.read(&headers, Body::from("0")).await.is_err());
        drop((first, small));
        assert!(bodies.read(&headers, Body::from("0123456789")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn incomplete_body_reserves_only_received_bytes_and_times_out() {
        let (bodies, mut headers) = bodies();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("10"));
        let half = || {
            let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"0"))]);
            Body::from_stream(first.chain(stream::pending()))
        };
        let many = (0..15).map(|_| bodies.read(&headers, half()));
        let many = futures_util::future::join_all(many);
        let one_more = async {
            tokio::task::yield_now().await;
            bodies.read(&headers, Body::from("0")).await.is_err()
        };
        let (incomplete, is_rejected) = tokio::join!(many, one_more);
        assert!(is_rejected);
        for incomplete in incomplete {
            let response = incomplete.unwrap_err().into_response(MediaType::Json);
            assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        }
        assert!(bodies.read(&headers, Body::from("0123456789")).await.is_ok());
    }
}
