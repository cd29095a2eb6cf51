//! Responses: status, headers and body, and bodies that fail on the wire.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::Frame;
use serde::Serialize;

/// Error of a body that ends early, after which hyper closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the body was truncated intentionally")]
pub(crate) struct CutOff;

impl From<Infallible> for CutOff {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

pub(crate) type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, CutOff>>;

pub(crate) const JSON: &str = "application/json;charset=UTF-8";
pub(crate) const HTML: &str = "text/html";

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::text(status, JSON, body),
            Err(error) => {
                tracing::error!(%error, "a response could not be serialized as JSON");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        self.response_with(|body| Either::Left(Full::new(body)))
    }

    /// Sends half of the body with the `content-length` of the whole, and then breaks the connection.
    pub(crate) fn cut_off(self) -> Response<Body> {
        self.half(FLUSHED)
    }

    /// Sends half of the body with the `content-length` of the whole, and then stalls.
    pub(crate) fn stalled(self) -> Response<Body> {
        self.half(STALLED)
    }

    fn half(mut self, then: Duration) -> Response<Body> {
        self.headers
            .push((CONTENT_LENGTH, HeaderValue::from(self.body.len())));
        self.response_with(|body| {
            let half = body.slice(..body.len() / 2);
            stream_of(vec![(Duration::ZERO, Ok(half)), (then, Err(CutOff))])
        })
    }

    /// Sends the body in pieces, with a delay before each piece.
    pub(crate) fn dripping(self, piece_bytes: usize, delay: Duration) -> Response<Body> {
        self.response_with(|body| {
            let pieces: Vec<_> = body
                .chunks(piece_bytes.max(1))
                .map(Bytes::copy_from_slice)
                .collect();
            stream_of(pieces.into_iter().map(|piece| (delay, Ok(piece))).collect())
        })
    }

    fn response_with(self, body: impl FnOnce(Bytes) -> Body) -> Response<Body> {
        let mut response = Response::new(body(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

/// Delay in which the written bytes are sent before the connection breaks.
const FLUSHED: Duration = Duration::from_millis(30);
const STALLED: Duration = Duration::from_hours(24);

fn stream_of(pieces: Vec<(Duration, Result<Bytes, CutOff>)>) -> Body {
    let pieces = stream::unfold(pieces.into_iter(), |mut pieces| async move {
        let (delay, piece) = pieces.next()?;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Some((piece.map(Frame::data), pieces))
    });
    Either::Right(StreamBody::new(pieces).boxed_unsync())
}
