//! Connections: the accept loop, HTTP/1.1, and intentional resets.

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

/// Maximum wait for responses in progress when the sandbox stops.
const GRACE: Duration = Duration::from_secs(1);

/// Error for an intentionally missing response, after which hyper closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed intentionally")]
pub(crate) struct Broken;

/// End of a connection: a FIN, or a reset if the flag is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<AtomicBool>);

impl Ending {
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
        // Closing a socket with zero linger discards unsent bytes and sends an RST.
        if self.ending.0.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::warn!(%error, "a connection could not be reset");
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
            // A shutdown would send a FIN instead of the reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Serves until `stop` is true, and then waits for responses in progress. Dropping the future aborts all connections.
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
                    // If no file descriptor is free, an immediate attempt would fail again.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    // After the timeout, dropping the set aborts the remaining connections.
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, upstream: Arc<Upstream>, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let ending = Ending::default();
    let socket = Socket {
        stream,
        ending: ending.clone(),
    };
    let service = service_fn(move |request| serving::answer(Arc::clone(&upstream), request, ending.clone()));
    // hyper's header timeout is disabled, so that a benchmark's idle connections stay open between two runs.
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
        tracing::debug!(%error, "a connection failed");
    }
}
