//! Accepts connections up to a limit, serves HTTP/1.1 and HTTP/2, and closes connections after timeouts.
//!
//! A graceful shutdown loses no request: HTTP/1.1 responses get `Connection: close`, and HTTP/2 connections send GOAWAY. Idle
//! connections are closed only [after a delay](LINGER), so that requests in transit are served.
//!
//! `activity.rs` implements the timeouts, based on the progress that `outgoing.rs` reports.

mod activity;
mod outgoing;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use clap::Args;
use http::{HeaderValue, Request, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{io::InspectReader, sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

pub(super) use self::outgoing::BodyResources;
use self::{
    activity::{Activity, Overdue},
    outgoing::Outgoing,
};
use crate::{
    bulkheads::answers::AnswerBudget,
    bulkheads::{Bulkhead, Permits},
    option_values::{HOUR, MIN_DURATION, duration, number},
    shutdown::Ending,
};

const MAX_STREAMS: u32 = 128;

const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: u32 = 16 << 10;

/// Buffer size of an HTTP/1.1 connection. A request head must fit into the buffer.
const BUFFER_BYTES: usize = MAX_HEADER_BYTES as usize;

/// Pause of the accept loop after an error, such as file descriptor exhaustion.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Delay between the last accepted connection and the close of idle connections. Only a response notifies an HTTP/1.1 client of
/// the shutdown, so its next request could race with an immediate close. Clients with steady traffic send the next request within
/// this time.
const LINGER: Duration = Duration::from_secs(1);

/// Timeout for the first request head, which clients send in one packet.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle timeout of a connection, which includes receiving the next request head. The timeout exceeds the 60 seconds of common
/// load balancers, so that they close first and no request races with a close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

#[derive(Args, Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Maximum number of connections; further connections wait
    #[arg(long = "max-connections", env = "SENDS_MAX_CONNECTIONS", value_name = "COUNT",
          default_value = "16384", value_parser = number::<usize>(1..=1_000_000))]
    pub connections: usize,
    /// Time after which a connection with unread responses is closed
    #[arg(long, env = "SENDS_WRITE_TIMEOUT", value_name = "DURATION", default_value = "30s",
          value_parser = duration(MIN_DURATION..=HOUR))]
    pub write_timeout: Duration,
    #[arg(skip = HEADER_TIMEOUT)]
    pub header_timeout: Duration,
    #[arg(skip = IDLE_TIMEOUT)]
    pub idle_timeout: Duration,
}

#[derive(Clone)]
pub(super) struct ConnectionHandler {
    pub(super) router: Router,
    pub(super) answers: AnswerBudget,
    pub(super) limits: ConnectionLimits,
}

pub(super) async fn serve(
    listener: TcpListener,
    bulkhead: Bulkhead,
    handler: ConnectionHandler,
    ending: &Ending,
) {
    let end = End {
        started: ending.unready.clone(),
        closing: CancellationToken::new(),
    };
    let connections = TaskTracker::new();
    let start = |stream, permit: Permits| {
        let (handler, end) = (handler.clone(), end.clone());
        connections.spawn(async move {
            handler.serve(stream, end).await;
            drop(permit);
        });
    };
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &bulkhead) => accepted,
            () = ending.closed.cancelled() => break,
        };
        match accepted {
            Ok((stream, permit)) => start(stream, permit),
            Err(error) => {
                tracing::warn!(
                    "accepting a connection failed, the next attempt is in {ACCEPT_RETRY_DELAY:?}: {error}"
                );
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    for (stream, permit) in drain_backlog(listener, &bulkhead) {
        start(stream, permit);
    }
    connections.close();
    if tokio::time::timeout(LINGER, connections.wait()).await.is_err() {
        end.closing.cancel();
        connections.wait().await;
    }
}

/// Closes the listener and yields the connections in its backlog, which the operating system would otherwise reset.
fn drain_backlog(
    listener: TcpListener,
    bulkhead: &Bulkhead,
) -> impl Iterator<Item = (TcpStream, Permits)> + use<'_> {
    // Tokio would report these connections with a delay.
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let permit = bulkhead.enter_if_free(1)?;
        let stream = loop {
            match listener.as_ref()?.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => return None,
            }
        };
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, permit))
    })
}

#[derive(Clone)]
struct End {
    /// Token that is cancelled when responses start to announce the close of their connection.
    started: CancellationToken,
    /// Token that is cancelled when idle connections must close.
    closing: CancellationToken,
}

/// Accepts a connection once a permit is available. Further connections wait in the listen backlog.
async fn accept(listener: &TcpListener, bulkhead: &Bulkhead) -> io::Result<(TcpStream, Permits)> {
    let permit = bulkhead.enter(1).await;
    let permit = permit.ok_or_else(|| io::Error::other("the semaphore of connections is closed"))?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, permit)),
            // The client has disconnected already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

impl ConnectionHandler {
    async fn serve(self, stream: TcpStream, end: End) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("setting TCP_NODELAY failed, small responses may be delayed: {error}");
        }
        let Self {
            router,
            answers,
            limits,
        } = self;
        let activity = Arc::new(Activity::new());
        let (of_requests, started, budget) =
            (Arc::clone(&activity), end.started.clone(), answers.connection());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (exchange, started) = (of_requests.begin(request.version()), started.clone());
            let router = router.clone();
            let is_multiplexed = request.version() == Version::HTTP_2;
            request.extensions_mut().insert(budget.clone());
            let request = request.map(|body| of_requests.observe(body));
            async move {
                let mut response = router.oneshot(request).await;
                if let Ok(response) = &mut response
                    && started.is_cancelled()
                    && !is_multiplexed
                {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                response.map(|response| Outgoing::response(response, exchange))
            }
        });
        let builder = builder(&limits);
        let counted = Arc::clone(&activity);
        let stream = TokioIo::new(InspectReader::new(stream, move |bytes: &[u8]| {
            counted.received(bytes.len());
        }));
        let mut connection = std::pin::pin!(builder.serve_connection_with_upgrades(stream, service));
        let mut shutdown = std::pin::pin!(async {
            let over_http_2 = async {
                end.started.cancelled().await;
                activity.multiplexed().await;
            };
            tokio::select! {
                () = over_http_2 => {}
                () = end.closing.cancelled() => {}
            }
        });
        let mut is_shutting_down = false;
        let result = loop {
            tokio::select! {
                result = connection.as_mut() => break result,
                () = shutdown.as_mut(), if !is_shutting_down => {
                    is_shutting_down = true;
                    connection.as_mut().graceful_shutdown();
                }
                overdue = activity.overdue(&limits) => {
                    match overdue {
                        Overdue::Idle => connection.as_mut().graceful_shutdown(),
                        Overdue::Unread => {
                            tracing::debug!("connection closed: responses were read too slowly or not at all (write-timeout)");
                            return;
                        }
                        Overdue::Flooded(reason) => {
                            tracing::debug!("connection closed: {reason}");
                            return;
                        }
                    }
                    match tokio::time::timeout(CLOSE_TIMEOUT, connection).await {
                        Ok(result) => break result,
                        Err(_) => return,
                    }
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!("connection failed: {error}");
        }
    }
}

fn builder(limits: &ConnectionLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(limits.idle_timeout)
        .keep_alive_timeout(limits.header_timeout);
    builder
}
