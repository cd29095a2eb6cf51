//! The body of a response while it is written: in pieces, each of which tells when it has left.

use std::{
    any::Any,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use hyper::body::{Frame, SizeHint};

use super::activity::{Answering, UnderWay};

/// The longest piece: a client that takes less in the time for writing is taken to read nothing.
const PIECE: usize = 16 << 10;

/// The length of a body that does not say it and holds nothing: a file of GraphiQL that is compressed while it is written.
const UNKNOWN: usize = 4 << 20;

/// What has to live until a response is written or given up; goes with the response as an extension.
#[derive(Clone)]
pub(in crate::server) struct Held {
    #[expect(dead_code, reason = "only its end matters")]
    held: Arc<dyn Any + Send + Sync>,
    /// The memory that it stands for.
    bytes: usize,
}

impl Held {
    pub(in crate::server) fn new(held: impl Any + Send + Sync, bytes: usize) -> Self {
        Self {
            held: Arc::new(held),
            bytes,
        }
    }
}

/// The body of a response.
pub(super) struct Outgoing {
    body: Body,
    /// What the body has given and was not passed on.
    rest: Bytes,
    whole: Arc<Whole>,
}

/// What ends with the last piece.
struct Whole {
    answering: Answering,
    _held: Option<Held>,
}

/// A piece of the body, until it is written.
struct Piece {
    bytes: Bytes,
    whole: Arc<Whole>,
}

impl Outgoing {
    /// The response with its body on its way, to a request under way.
    pub(super) fn of(response: Response, request: &UnderWay) -> http::Response<Self> {
        let (mut parts, body) = response.into_parts();
        let held: Option<Held> = parts.extensions.remove();
        // A compressed body is shorter than what is held for it, and does not say how long it is.
        let length = hyper::body::Body::size_hint(&body).upper();
        let length = length.and_then(|length| length.try_into().ok());
        let bytes = held.as_ref().map(|held| held.bytes).or(length);
        let whole = Whole {
            answering: request.answering(bytes.unwrap_or(UNKNOWN)),
            _held: held,
        };
        let body = Self {
            body,
            rest: Bytes::new(),
            whole: Arc::new(whole),
        };
        http::Response::from_parts(parts, body)
    }

    /// The next piece of what is there. Whoever writes it keeps it until it has left.
    fn piece(&mut self) -> Bytes {
        let length = self.rest.len().min(PIECE);
        Bytes::from_owner(Piece {
            bytes: self.rest.split_to(length),
            whole: Arc::clone(&self.whole),
        })
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)?) {
                Some(frame) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let of_body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + rest);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.whole.answering.progressed();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use http_body_util::BodyExt;
    use hyper::body::Body as _;

    use super::{super::activity::Activity, *};

    fn outgoing(bytes: usize) -> (Outgoing, Weak<()>) {
        let held = Arc::new(());
        let weak = Arc::downgrade(&held);
        let mut response = Response::new(Body::from(vec![b'x'; bytes]));
        response.extensions_mut().insert(Held::new(held, bytes));
        let request = Arc::new(Activity::new()).begin(http::Version::HTTP_2);
        (Outgoing::of(response, &request).into_body(), weak)
    }

    #[tokio::test]
    async fn what_is_held_ends_with_the_last_piece_and_not_with_the_body() {
        let (mut body, held) = outgoing(PIECE + 1);
        assert_eq!(body.size_hint().exact(), Some(PIECE as u64 + 1));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(body.size_hint().exact(), Some(1));
        let last = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((first.len(), last.len()), (PIECE, 1));
        assert!(body.is_end_stream());
        drop((body, first));
        assert!(held.upgrade().is_some());
        drop(last);
        assert!(held.upgrade().is_none());
    }

    #[tokio::test]
    async fn what_is_held_ends_with_a_body_that_is_given_up() {
        let (body, held) = outgoing(1);
        drop(body);
        assert!(held.upgrade().is_none());
    }
}
