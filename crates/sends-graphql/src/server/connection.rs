//! Connections: accepted up to a number, spoken to in HTTP/1.1 or HTTP/2, and closed when nothing comes of them.
//!
//! At the end of the process no request is lost with clients that listen: from its first moment every answer over HTTP/1.1 says
//! `Connection: close`, and HTTP/2 says GOAWAY. A connection without a request is closed only [a moment](LINGER) after the
//! last connection was accepted, so that a request already on its way is answered too.
//!
//! Nothing here depends on what is asked over a connection.
//!
//! The library's own timeout for the head of a request also runs while a connection is idle, and knows nothing of one that
//! never says which protocol it speaks. It has none for writing. So each connection is watched here (`activity.rs`): how
//! long since it opened, since its last request ended, since the first byte of the next one, since a piece of a response
//! was written (`outgoing.rs`), and since each response began. A window of HTTP/2 that stays closed and a socket that is not read are the same: no piece
//! leaves.

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
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

pub(super) use self::outgoing::Held;
use self::{
    activity::{Activity, Overdue, Watched},
    outgoing::Outgoing,
};
use crate::{
    bulkheads::answers::Answers,
    bulkheads::{Bulkhead, Room},
    option_values::{HOUR, SHORTEST, duration, number},
    shutdown::Ending,
};

/// How many requests one HTTP/2 connection may have under way.
const STREAMS: u32 = 128;

/// How many headers, and bytes of them, a request may have.
const HEADERS: usize = 64;
const HEADER_BYTES: u32 = 16 << 10;

/// How much of a request or an answer is held in memory for a connection, by HTTP/1.1. The head of a request has to fit in.
const BUFFER: usize = HEADER_BYTES as usize;

/// How long the accepting rests when the operating system has no room for another socket.
const REST: Duration = Duration::from_millis(100);

/// How long an overdue connection has to take its last answer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long connections without a request stay open after the last one was accepted. Over HTTP/1.1 there is no other way to
/// tell a client than in an answer, and a request that is on its way crosses the closing of its connection. Clients that keep
/// connections busy send the next request within this time.
const LINGER: Duration = Duration::from_secs(1);

/// The time for the head of a request to arrive. Clients send it in one packet.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The time a connection stays open without a request: longer than the 60 seconds after which usual load balancers close theirs,
/// so that they are not the ones whose request meets a closing connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The limits of connections.
#[derive(Args, Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at once; further ones wait
    #[arg(long = "max-connections", env = "SENDS_MAX_CONNECTIONS", value_name = "COUNT",
          default_value = "16384", value_parser = number::<usize>(1..=1_000_000))]
    pub connections: usize,
    /// Time after which a connection with unread answers is closed
    #[arg(long, env = "SENDS_WRITE_TIMEOUT", value_name = "DURATION", default_value = "30s",
          value_parser = duration(SHORTEST..=HOUR))]
    pub write_timeout: Duration,
    /// The time for the head of a request to arrive.
    #[arg(skip = HEADER_TIMEOUT)]
    pub header_timeout: Duration,
    /// The time a connection stays open without a request.
    #[arg(skip = IDLE_TIMEOUT)]
    pub idle_timeout: Duration,
}

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Conversation {
    pub(super) router: Router,
    pub(super) answers: Arc<Answers>,
    pub(super) limits: ConnectionLimits,
}

/// Answers requests on `listener` until the end, then lets the ones in progress finish.
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
            conversation.hold(stream, end).await;
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
                tracing::warn!("no connection could be accepted: {error}");
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

/// Closes the listener, and gives the connections that the operating system has accepted already: it would reset them.
fn accepted_already(
    listener: TcpListener,
    places: &Bulkhead,
) -> impl Iterator<Item = (TcpStream, Room)> + use<'_> {
    // Without the runtime, which notices a connection only after a while.
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

/// The end of the process, as connections see it.
#[derive(Clone)]
struct End {
    /// No further request is to come over a connection.
    begun: CancellationToken,
    /// Connections without a request are closed.
    closing: CancellationToken,
}

/// Connections beyond the limit wait in the operating system's queue.
async fn accept(listener: &TcpListener, places: &Bulkhead) -> io::Result<(TcpStream, Room)> {
    let place = places.enter(1).await;
    let place = place.ok_or_else(|| io::Error::other("no room for connections"))?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, place)),
            // The client has left again before its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Conversation {
    /// Answers what comes over one connection, until either side is done with it.
    async fn hold(self, stream: TcpStream, end: End) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("small answers may be delayed: {error}");
        }
        let Self {
            router,
            answers,
            limits,
        } = self;
        let activity = Arc::new(Activity::new());
        let (answering, begun, part) = (Arc::clone(&activity), end.begun.clone(), answers.part());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (activity, begun) = (Arc::clone(&answering), begun.clone());
            let router = router.clone();
            let is_multiplexed = request.version() == Version::HTTP_2;
            let under_way = activity.begin(request.version());
            request.extensions_mut().insert(part.clone());
            let request = request.map(|body| activity.watch(body));
            async move {
                let mut answer = router.oneshot(request).await;
                if let Ok(answer) = &mut answer
                    && begun.is_cancelled()
                    && !is_multiplexed
                {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(header::CONNECTION, close);
                }
                activity.answered();
                answer.map(|answer| Outgoing::of(answer, &under_way))
            }
        });
        let builder = builder(&limits);
        let stream = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
        let mut connection = std::pin::pin!(builder.serve_connection_with_upgrades(stream, service));
        let mut ends = std::pin::pin!(async {
            let told_by_protocol = async {
                end.begun.cancelled().await;
                activity.multiplexed().await;
            };
            tokio::select! {
                () = told_by_protocol => {}
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
                    if overdue == Overdue::Unread {
                        tracing::debug!("a connection was closed: its answers were not read, or too slowly (write-timeout)");
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                    match tokio::time::timeout(LAST_WORDS, connection).await {
                        Ok(result) => break result,
                        Err(_) => return,
                    }
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!("a connection broke: {error}");
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
