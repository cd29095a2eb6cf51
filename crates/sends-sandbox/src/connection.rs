//! Owns the connections: accepting them, serving HTTP/1.1 on them, and breaking them when an answer is to be no answer.
//! Must not know what is asked.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::serving;
use crate::upstream::Upstream;

/// How long answers under way may take once the sandbox stops.
const GRACE: Duration = Duration::from_secs(1);

/// No answer is given: hyper closes the connection when a service fails.
#[derive(Debug, thiserror::Error)]
#[error("the connection is broken on purpose")]
pub(crate) struct Broken;

/// How a connection ends: in order, or with a reset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<AtomicBool>);

impl Ending {
    /// Makes the connection end with a TCP RST instead of a FIN.
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Socket {
    stream: TcpStream,
    ending: Ending,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A socket that may not linger throws away what is unsent and resets.
        if self.ending.0.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::warn!(%error, "a connection could not be made to end with a reset");
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.0.load(Ordering::Relaxed) {
            // An orderly shutdown would send the FIN that the reset is to replace.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Serves until `stop` turns true; then answers under way get a moment to end. Dropping this ends all at once.
pub(crate) async fn serve(listener: TcpListener, upstream: Arc<Upstream>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stopping = stop.clone();
    let mut stopped = pin!(async move { stop.wait_for(|stop| *stop).await.is_ok() });
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&upstream), stopping.clone()));
                }
                Err(error) => {
                    // Most often no file descriptor is left; trying again at once would only spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    // Elapsing is the end of the grace: what is left is aborted with the set.
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, upstream: Arc<Upstream>, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small answers may be delayed on a connection");
    }
    let ending = Ending::default();
    let socket = Socket {
        stream,
        ending: ending.clone(),
    };
    let service = service_fn(move |request| serving::answer(Arc::clone(&upstream), request, ending.clone()));
    // Idle connections are kept for ever: a benchmark's must not be closed between two runs.
    let served = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(socket), service);
    let mut served = pin!(served);
    let stopped = async { stop.wait_for(|stop| *stop).await.is_ok() };
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        _ = stopped => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
