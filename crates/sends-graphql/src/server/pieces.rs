//! Response body of several pieces with a known length, and its writer. A single growing buffer would temporarily need three
//! times its length.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

/// Length of every piece except the last, in bytes.
const PIECE: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Pieces(VecDeque<Bytes>);

impl Pieces {
    pub(super) fn length(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    pub(super) fn push(&mut self, piece: impl Into<Bytes>) {
        self.0.push_back(piece.into());
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

#[derive(Debug, Default)]
pub(super) struct Writer {
    full: VecDeque<Bytes>,
    last: Vec<u8>,
}

impl Writer {
    pub(super) fn finish(mut self) -> Pieces {
        if !self.full.is_empty() {
            self.last.shrink_to_fit();
        }
        self.full.push_back(self.last.into());
        Pieces(self.full)
    }
}

impl From<Vec<u8>> for Writer {
    fn from(text: Vec<u8>) -> Self {
        Self {
            full: VecDeque::new(),
            last: text,
        }
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.last.len() >= PIECE {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(PIECE));
            self.full.push_back(full.into());
        }
        // The capacity is reserved exactly, since doubling would exceed the length of a piece.
        let bytes = &bytes[..bytes.len().min(PIECE - self.last.len())];
        if self.last.len() + bytes.len() > PIECE / 2 {
            self.last.reserve_exact(PIECE - self.last.len());
        }
        self.last.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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
        SizeHint::with_exact(self.length() as u64)
    }
}

impl From<Pieces> for Body {
    fn from(pieces: Pieces) -> Self {
        Self::new(pieces)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn body_has_an_exact_length_and_ordered_pieces() {
        let pieces = ["[", "{}", "]"].map(|piece| Bytes::from_static(piece.as_bytes()));
        let body = Body::from(Pieces(pieces.into()));
        assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(4));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "[{}]");
    }

    #[tokio::test]
    async fn writer_creates_pieces_without_excess_capacity() {
        let text: Vec<u8> = (0..=255).cycle().take(2 * PIECE + 1_000).collect();
        let mut writer = Writer::default();
        for part in text.chunks(777) {
            writer.write_all(part).unwrap();
            assert!(writer.last.capacity() <= PIECE);
        }
        let pieces = writer.finish();
        let lengths: Vec<_> = pieces.0.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [PIECE, PIECE, 1_000]);
        assert_eq!(Body::from(pieces).collect().await.unwrap().to_bytes(), text);
    }
}
