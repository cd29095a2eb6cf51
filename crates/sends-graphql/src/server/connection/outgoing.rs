//! Response body that is written in pieces, each of which reports when hyper releases it.

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

use super::activity::Exchange;

/// Maximum length of a piece in bytes. A client that reads less than a piece within the write timeout counts as not reading.
const PIECE: usize = 16 << 10;

/// Assumed bytes of a body of unknown length, such as a GraphiQL file that is compressed while it is written.
const UNKNOWN: usize = 4 << 20;

/// Response extension with resources to release once the response is written or aborted.
#[derive(Clone)]
pub(in crate::server) struct BodyResources {
    #[expect(dead_code, reason = "held only for its destructor")]
    resources: Arc<dyn Any + Send + Sync>,
    /// Bytes of the uncompressed body.
    bytes: usize,
}

impl BodyResources {
    pub(in crate::server) fn new(resources: impl Any + Send + Sync, bytes: usize) -> Self {
        Self {
            resources: Arc::new(resources),
            bytes,
        }
    }
}

pub(super) struct Outgoing {
    body: Body,
    rest: Bytes,
    shared: Arc<Shared>,
}

/// State that is released with the last piece.
struct Shared {
    exchange: Exchange,
    _resources: Option<BodyResources>,
}

/// Part of the body that hyper has not written yet.
struct Piece {
    bytes: Bytes,
    shared: Arc<Shared>,
}

impl Outgoing {
    pub(super) fn response(response: Response, exchange: Exchange) -> http::Response<Self> {
        let (mut parts, body) = response.into_parts();
        let resources: Option<BodyResources> = parts.extensions.remove();
        // A compressed body has an unknown length, which is below the uncompressed bytes in `resources`.
        let length = hyper::body::Body::size_hint(&body).upper();
        let length = length.and_then(|length| length.try_into().ok());
        let bytes = resources.as_ref().map(|resources| resources.bytes).or(length);
        let shared = Shared {
            exchange: exchange.respond(bytes.unwrap_or(UNKNOWN)),
            _resources: resources,
        };
        let body = Self {
            body,
            rest: Bytes::new(),
            shared: Arc::new(shared),
        };
        http::Response::from_parts(parts, body)
    }

    fn piece(&mut self) -> Bytes {
        let length = self.rest.len().min(PIECE);
        Bytes::from_owner(Piece {
            bytes: self.rest.split_to(length),
            shared: Arc::clone(&self.shared),
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
        self.shared.exchange.progressed();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use http_body_util::BodyExt;
    use hyper::body::Body as _;

    use super::{super::activity::Activity, *};

    fn outgoing(bytes: usize) -> (Outgoing, Weak<()>) {
        let resource = Arc::new(());
        let weak = Arc::downgrade(&resource);
        let mut response = Response::new(Body::from(vec![b'x'; bytes]));
        response
            .extensions_mut()
            .insert(BodyResources::new(resource, bytes));
        let request = Arc::new(Activity::new()).begin(http::Version::HTTP_2);
        (Outgoing::response(response, request).into_body(), weak)
    }

    #[tokio::test]
    async fn resources_are_released_with_the_last_piece_and_not_with_the_body() {
        let (mut body, resource) = outgoing(PIECE + 1);
        assert_eq!(body.size_hint().exact(), Some(PIECE as u64 + 1));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(body.size_hint().exact(), Some(1));
        let last = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((first.len(), last.len()), (PIECE, 1));
        assert!(body.is_end_stream());
        drop((body, first));
        assert!(resource.upgrade().is_some());
        drop(last);
        assert!(resource.upgrade().is_none());
    }

    #[tokio::test]
    async fn resources_are_released_with_an_aborted_body() {
        let (body, resource) = outgoing(1);
        drop(body);
        assert!(resource.upgrade().is_none());
    }
}
