//! Connections: accepted up to a limit, served over HTTP/1.1 or HTTP/2, and closed after their timeouts.
//!
//! No request is lost at a shutdown: from its start responses over HTTP/1.1 have `Connection: close`, and HTTP/2 sends GOAWAY. An
//! idle connection is closed only [after a delay](LINGER) since the last connection was accepted, so that requests in transit are
//! answered.
//!
//! `activity.rs` has the timeouts, `outgoing.rs` reports the progress of responses to it.

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
    bulkheads::{Bulkhead, Room},
    option_values::{HOUR, MIN_DURATION, duration, number},
    shutdown::Ending,
};

/// Concurrent requests on one HTTP/2 connection.
const STREAMS: u32 = 128;

/// Headers of a request: their number and bytes.
const HEADERS: usize = 64;
const HEADER_BYTES: u32 = 16 << 10;

/// Buffer of an HTTP/1.1 connection. The head of a request has to fit in.
const BUFFER: usize = HEADER_BYTES as usize;

/// Pause of the accept loop after an error, such as an exhausted limit of file descriptors.
const REST: Duration = Duration::from_millis(100);

/// Time for the graceful shutdown of an idle connection.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Time between the last accepted connection and the close of idle ones. A client over HTTP/1.1 is notified of a shutdown only by
/// a response, so that its next request could cross the close of its connection. Clients with steady traffic send the next
/// request within this time.
const LINGER: Duration = Duration::from_secs(1);

/// Time for the head of the first request. Clients send it in one packet.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Time of a connection without a request, and for the head of its next request. Exceeds the 60 seconds of common load balancers,
/// so that these close first and no request meets a closing connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// Limits of connections.
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
    /// Time for the head of the first request.
    #[arg(skip = HEADER_TIMEOUT)]
    pub header_timeout: Duration,
    /// Time without a request.
    #[arg(skip = IDLE_TIMEOUT)]
    pub idle_timeout: Duration,
}

/// Shared by all connections.
#[derive(Clone)]
pub(super) struct Conversation {
    pub(super) router: Router,
    pub(super) answers: AnswerBudget,
    pub(super) limits: ConnectionLimits,
}

/// Serves connections until the shutdown, and then waits for the requests in progress.
pub(super) async fn serve(
    listener: TcpListener,
    places: Bulkhead,
    conversation: Conversation,
    ending: &Ending,
) {
    let end = End {
        begun: ending.unready.clone(),
        closing: CancellationToken::new(),
    };
    let connections = TaskTracker::new();
    let start = |stream, place: Room| {
        let (conversation, end) = (conversation.clone(), end.clone());
        connections.spawn(async move {
            conversation.serve(stream, end).await;
            drop(place);
        });
    };
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = ending.closed.cancelled() => break,
        };
        match accepted {
            Ok((stream, place)) => start(stream, place),
            Err(error) => {
                tracing::warn!("accepting a connection failed, the next attempt is in {REST:?}: {error}");
                tokio::time::sleep(REST).await;
            }
        }
    }
    for (stream, place) in accepted_already(listener, &places) {
        start(stream, place);
    }
    connections.close();
    if tokio::time::timeout(LINGER, connections.wait()).await.is_err() {
        end.closing.cancel();
        connections.wait().await;
    }
}

/// Closes the listener, and yields the connections that the operating system has accepted already, which it would reset.
fn accepted_already(
    listener: TcpListener,
    places: &Bulkhead,
) -> impl Iterator<Item = (TcpStream, Room)> + use<'_> {
    // The runtime would report these connections with a delay.
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let place = places.enter_if_free(1)?;
        let stream = loop {
            match listener.as_ref()?.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => return None,
            }
        };
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, place))
    })
}

/// Stages of the shutdown.
#[derive(Clone)]
struct End {
    /// Responses announce the close of their connection.
    begun: CancellationToken,
    /// Idle connections are closed.
    closing: CancellationToken,
}

/// Accepts a connection once there is room; further ones wait in the operating system's queue.
async fn accept(listener: &TcpListener, places: &Bulkhead) -> io::Result<(TcpStream, Room)> {
    let place = places.enter(1).await;
    let place = place.ok_or_else(|| io::Error::other("no room for connections"))?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, place)),
            // The client has disconnected already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Conversation {
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
        let (of_requests, begun, budget) = (Arc::clone(&activity), end.begun.clone(), answers.connection());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (exchange, begun) = (of_requests.begin(request.version()), begun.clone());
            let router = router.clone();
            let is_multiplexed = request.version() == Version::HTTP_2;
            request.extensions_mut().insert(budget.clone());
            let request = request.map(|body| of_requests.observe(body));
            async move {
                let mut answer = router.oneshot(request).await;
                if let Ok(answer) = &mut answer
                    && begun.is_cancelled()
                    && !is_multiplexed
                {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(header::CONNECTION, close);
                }
                answer.map(|answer| Outgoing::response(answer, exchange))
            }
        });
        let builder = builder(&limits);
        let counted = Arc::clone(&activity);
        let stream = TokioIo::new(InspectReader::new(stream, move |bytes: &[u8]| {
            counted.received(bytes.len());
        }));
        let mut connection = std::pin::pin!(builder.serve_connection_with_upgrades(stream, service));
        let mut ends = std::pin::pin!(async {
            let over_http_2 = async {
                end.begun.cancelled().await;
                activity.multiplexed().await;
            };
            tokio::select! {
                () = over_http_2 => {}
                () = end.closing.cancelled() => {}
            }
        });
        let mut is_ending = false;
        let result = loop {
            tokio::select! {
                result = connection.as_mut() => break result,
                () = ends.as_mut(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                overdue = activity.overdue(&limits) => {
                    match overdue {
                        Overdue::Idle => connection.as_mut().graceful_shutdown(),
                        Overdue::Unread => {
                            tracing::debug!("connection closed: responses not read, or too slowly (write-timeout)");
                            return;
                        }
                        Overdue::Flooded(reason) => {
                            tracing::debug!("connection closed: {reason}");
                            return;
                        }
                    }
                    match tokio::time::timeout(LAST_WORDS, connection).await {
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
        .max_headers(HEADERS)
        .max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(limits.idle_timeout)
        .keep_alive_timeout(limits.header_timeout);
    builder
}
