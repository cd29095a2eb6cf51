//! Reading a request's body: so many bytes, in so much time, so many of all bodies together, and no more.

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
    bulkheads::{Bulkhead, Room},
    option_values::{bytes, number},
    schema::ErrorCode,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// How long a media type may be to be repeated in an error message.
const SHOWN_TYPE: usize = 80;

/// The memory for all request bodies that are arriving. It has no option: a body arrives in milliseconds, so that clients do not
/// have 64 of the default limit on their way at once.
const BODY_BUDGET: usize = 64 << 20;

/// The time for a request body to arrive: enough for a megabyte over 1 Mbit/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// How much one request may hold.
#[derive(Args, Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Size of a request body
    // A larger body would be refused even if it were the only one.
    #[arg(long = "body-limit", env = "SENDS_BODY_LIMIT", value_name = "BYTES", default_value = "1MiB",
          value_parser = bytes::<usize>(1..=BODY_BUDGET as u64))]
    pub body: usize,
    /// Operations in one request; 1 refuses batches
    #[arg(long = "batch-limit", env = "SENDS_BATCH_LIMIT", value_name = "COUNT", default_value = "1",
          value_parser = number::<usize>(1..=1_000))]
    pub batch: usize,
    /// The bytes of all bodies that are arriving.
    #[arg(skip = BODY_BUDGET)]
    pub body_budget: usize,
    /// The time for a body to arrive.
    #[arg(skip = BODY_TIMEOUT)]
    pub body_timeout: Duration,
}

/// The bodies that are arriving.
pub(super) struct Bodies {
    /// In bytes.
    room: Bulkhead,
    limits: RequestLimits,
}

/// A body that has arrived. It takes room until it is dropped.
#[derive(Debug)]
pub(super) struct Arrived {
    bytes: Vec<u8>,
    _room: Option<Room>,
}

impl Arrived {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(super) fn new(room: Bulkhead, limits: RequestLimits) -> Self {
        Self { room, limits }
    }

    /// The body of a POST, whose [type](check_type) is that of JSON.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Arrived, Rejection> {
        let is_encoded = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        if is_encoded {
            // A few kilobytes can unfold to gigabytes, and no client compresses its questions.
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

    /// Room is taken for what has come and not for what was announced, which costs the one who announces nothing.
    async fn collect(&self, body: Body) -> Result<Arrived, Rejection> {
        let mut body = Limited::new(body, self.limits.body);
        let mut bytes = Vec::new();
        let mut room: Option<Room> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    self.too_large()
                } else {
                    Rejection::malformed("The body ended too early.")
                }
            })?;
            let Ok(data) = frame.into_data() else { continue };
            let more = self.room.try_enter(data.len()).ok_or_else(overloaded)?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Arrived { bytes, _room: room })
    }

    fn too_large(&self) -> Rejection {
        Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::BadUserInput,
            format!("The body is larger than {} bytes.", self.limits.body),
        )
    }
}

/// Refuses a body that its `Content-Type` does not declare as JSON in UTF-8.
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
        (Some(Ok(declared)), None) if declared.len() <= SHOWN_TYPE => {
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
    async fn bodies_share_the_room_and_give_it_back() {
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
    async fn what_never_comes_gives_its_room_back_and_what_was_announced_takes_none() {
        let (bodies, mut headers) = bodies();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("10"));
        let half = || {
            let begun = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"0"))]);
            Body::from_stream(begun.chain(stream::pending()))
        };
        let many = (0..15).map(|_| bodies.read(&headers, half()));
        let many = futures_util::future::join_all(many);
        let one_more = async {
            tokio::task::yield_now().await;
            bodies.read(&headers, Body::from("0")).await.is_err()
        };
        let (late, refused) = tokio::join!(many, one_more);
        assert!(refused);
        for late in late {
            let response = late.unwrap_err().into_response(MediaType::Json);
            assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        }
        assert!(bodies.read(&headers, Body::from("0123456789")).await.is_ok());
    }
}
