//! A body of several pieces whose length is known before it is sent.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

/// The pieces, in their order.
#[derive(Debug)]
pub(super) struct Pieces(pub(super) VecDeque<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

impl From<Pieces> for Body {
    fn from(pieces: Pieces) -> Self {
        Self::new(pieces)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_length_is_known_and_the_pieces_follow_each_other() {
        let pieces = ["[", "{}", "]"].map(|piece| Bytes::from_static(piece.as_bytes()));
        let body = Body::from(Pieces(pieces.into()));
        assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(4));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "[{}]");
    }
}
