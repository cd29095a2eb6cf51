//! Connections: accepted up to a number, spoken to in HTTP/1.1 or HTTP/2, and closed when nothing comes of them.
//!
//! Owns sockets and their time. Must not know what is asked over them, nor whether it was [asked before](super::reuse).
//!
//! The library's own timeout for the head of a request also runs while a connection is idle, and knows nothing of one that
//! never says which protocol it speaks. So each connection is watched here: how long since it opened, since its last
//! request ended, and since the first byte of the next one.

mod activity;

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use self::activity::{Activity, Watched};
use super::reuse::Reuse;
use crate::settings::ConnectionLimits;

/// How many requests one HTTP/2 connection may have under way.
const STREAMS: u32 = 128;

/// How many headers, and bytes of them, a request may have.
const HEADERS: usize = 64;
const HEADER_BYTES: u32 = 16 << 10;

/// How much of a request or an answer is held in memory for a connection, by HTTP/1.1.
const BUFFER: usize = 64 << 10;

/// How long the accepting rests when the operating system has no room for another socket.
const REST: Duration = Duration::from_millis(100);

/// How long an overdue connection has to take its last answer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Answers requests on `listener` until `shutdown` completes, then lets the ones in progress finish.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    reuse: Option<Arc<Reuse>>,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()> + Send,
) {
    let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let ending = CancellationToken::new();
    let connections = TaskTracker::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, place)) => {
                let (router, reuse, ending) = (router.clone(), reuse.clone(), ending.clone());
                connections.spawn(async move {
                    converse(stream, router, reuse, limits, ending).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("no connection could be accepted: {error}");
                tokio::time::sleep(REST).await;
            }
        }
    }
    drop(listener);
    ending.cancel();
    connections.close();
    connections.wait().await;
}

/// Connections beyond the limit wait in the operating system's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, place)),
            // The client has left again before its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Answers what comes over one connection, until either side is done with it.
async fn converse(
    stream: TcpStream,
    router: Router,
    reuse: Option<Arc<Reuse>>,
    limits: ConnectionLimits,
    ending: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("small answers may be delayed: {error}");
    }
    let activity = Arc::new(Activity::new());
    let answering = Arc::clone(&activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let under_way = answering.begin(request.version());
        let (router, reuse) = (router.clone(), reuse.clone());
        async move {
            let answer = match reuse {
                Some(reuse) => reuse.answer(request, router).await,
                None => router.oneshot(request.map(Body::new)).await,
            };
            drop(under_way);
            answer
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(limits.idle_timeout)
        .keep_alive_timeout(limits.header_timeout);
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
    let mut connection = std::pin::pin!(builder.serve_connection_with_upgrades(stream, service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = activity.overdue(&limits) => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(LAST_WORDS, connection).await {
                Ok(result) => result,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!("a connection broke: {error}");
    }
}
