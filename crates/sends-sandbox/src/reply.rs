//! Owns what an answer is made of: a status, a body and headers, and the ways a body can go wrong on the wire. Must not
//! know which endpoint answers.

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

/// The body ends here although more was announced; hyper closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the body was cut off on purpose")]
pub(crate) struct CutOff;

impl From<Infallible> for CutOff {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

pub(crate) type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, CutOff>>;

pub(crate) const JSON: &str = "application/json;charset=UTF-8";
pub(crate) const HTML: &str = "text/html";

/// A complete answer, before it is put on the wire.
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
                tracing::error!(%error, "an answer could not be written as JSON");
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

    /// Announces the whole body, sends half of it, and then fails the connection.
    pub(crate) fn cut_off(self) -> Response<Body> {
        let announced = self.body.len();
        let response = self.response_with(|body| {
            let half = body.slice(..body.len() / 2);
            stream_of(vec![(Duration::ZERO, Ok(half)), (FLUSHED, Err(CutOff))])
        });
        announcing(response, announced)
    }

    /// Announces the whole body, sends half of it, and then nothing more while the client waits.
    pub(crate) fn stalled(self) -> Response<Body> {
        let announced = self.body.len();
        let response = self.response_with(|body| {
            let half = body.slice(..body.len() / 2);
            stream_of(vec![(Duration::ZERO, Ok(half)), (FOR_EVER, Err(CutOff))])
        });
        announcing(response, announced)
    }

    /// Sends the body in pieces of so many bytes, waiting before each.
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

/// Long enough for what was written to leave the machine before the connection fails.
const FLUSHED: Duration = Duration::from_millis(30);
const FOR_EVER: Duration = Duration::from_hours(24);

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

fn announcing(mut response: Response<Body>, bytes: usize) -> Response<Body> {
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}
