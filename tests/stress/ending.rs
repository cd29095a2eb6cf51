//! Keep-alive connections during the shutdown of the service.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::Request;
use futures_util::future::join_all;
use http_body_util::BodyExt;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sends_end_to_end::ServiceProcess;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

/// Number of connections, the same as in the measurements from outside.
const CONNECTIONS: usize = 48;

/// Timeout for a connection that never ends.
const NEVER: Duration = Duration::from_mins(1);

const REQUEST: &str = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n\
                       {\"query\":\"{ __typename }\"}";

/// A client that keeps its connection until a response has `Connection: close`.
struct Kept(TcpStream);

/// Result of one connection.
#[derive(Debug, Default)]
struct Came {
    answered: usize,
    lost: usize,
}

impl Kept {
    async fn connect(service: &ServiceProcess) -> Self {
        let address = service.origin().trim_start_matches("http://");
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends a request. Returns whether the response closes the connection.
    async fn ask(&mut self) -> io::Result<bool> {
        let never = |_| io::Error::from(io::ErrorKind::TimedOut);
        tokio::time::timeout(NEVER, self.answer()).await.map_err(never)?
    }

    async fn answer(&mut self) -> io::Result<bool> {
        self.0.write_all(REQUEST.as_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            if self.0.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = String::from_utf8_lossy(&answer).to_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse().unwrap() {
                return Ok(head.lines().any(|line| line == "connection: close"));
            }
        }
    }

    async fn ask_until_told(mut self, pause: Duration, begun: Arc<Semaphore>) -> Came {
        let mut came = Came::default();
        loop {
            let Ok(is_last) = self.ask().await else {
                came.lost += 1;
                return came;
            };
            came.answered += 1;
            begun.add_permits(usize::from(came.answered == 1));
            if is_last {
                return came;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Waits until each connection has received a response, and a while longer.
async fn all_are_busy(begun: &Semaphore) {
    let connections = u32::try_from(CONNECTIONS).unwrap();
    let each = tokio::time::timeout(NEVER, begun.acquire_many(connections));
    each.await.expect("each connection is answered").unwrap().forget();
    tokio::time::sleep(Duration::from_millis(300)).await;
}

async fn busy_connections_over_the_end(options: &[&str]) -> Came {
    let mut service = ServiceProcess::start(&[&["--sandbox"], options].concat(), &[]);
    let (mut clients, begun) = (Vec::new(), Arc::new(Semaphore::new(0)));
    for index in 0..CONNECTIONS {
        let kept = Kept::connect(&service).await;
        // Some connections send without a pause, others are idle in between.
        let pause = Duration::from_millis(u64::try_from(index % 8).unwrap() * 10);
        clients.push(tokio::spawn(kept.ask_until_told(pause, Arc::clone(&begun))));
    }
    all_are_busy(&begun).await;
    service.signal("TERM");
    let came = tokio::time::timeout(NEVER, join_all(clients)).await.unwrap();
    let came = came
        .into_iter()
        .map(Result::unwrap)
        .fold(Came::default(), |sum, came| Came {
            answered: sum.answered + came.answered,
            lost: sum.lost + came.lost,
        });
    assert_eq!(
        service.exit_code_within(NEVER).await,
        Some(0),
        "{}",
        service.log()
    );
    eprintln!("{CONNECTIONS} connections over the end, {options:?}: {came:?}");
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_connections_lose_no_request() {
    let _alone = crate::alone().await;
    assert_eq!(busy_connections_over_the_end(&[]).await.lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_connections_lose_no_request_with_a_shutdown_delay() {
    let _alone = crate::alone().await;
    assert_eq!(
        busy_connections_over_the_end(&["--shutdown-delay", "1"])
            .await
            .lost,
        0
    );
}

#[tokio::test]
async fn request_on_an_idle_connection_is_answered_after_the_signal() {
    let _alone = crate::alone().await;
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let (mut kept, mut new) = (Kept::connect(&service).await, Kept::connect(&service).await);
    assert!(!kept.ask().await.unwrap());
    service.signal("TERM");
    service.log_once(|log| log.contains("shutting down")).await;
    assert!(kept.ask().await.unwrap());
    assert!(new.ask().await.unwrap());
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let _alone = crate::alone().await;
    let mut service = ServiceProcess::start(&["--sandbox", "--grace", "3600"], &[]);
    let mut kept = Kept::connect(&service).await;
    assert!(!kept.ask().await.unwrap());
    let started = Instant::now();
    service.signal("TERM");
    assert_eq!(
        service.exit_code_within(NEVER).await,
        Some(0),
        "{}",
        service.log()
    );
    eprintln!("ended after {:?} with an idle connection", started.elapsed());
}

/// A client that keeps one HTTP/2 connection until it accepts no more requests.
async fn ask_over_http_2_until_told(address: String, begun: Arc<Semaphore>) -> Came {
    let mut came = Came::default();
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    while sender.ready().await.is_ok() {
        let request = Request::post("http://localhost/graphql")
            .header("content-type", "application/json")
            .body(r#"{"query":"{ __typename }"}"#.to_owned());
        match sender.send_request(request.unwrap()).await {
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                let body = answer.into_body().collect().await;
                came.answered += usize::from(body.is_ok());
                begun.add_permits(usize::from(came.answered == 1));
                came.lost += usize::from(body.is_err());
            }
            // The connection received its GOAWAY before the request was sent or arrived: nothing of the request was processed,
            // and clients repeat it on another connection (RFC 9113, 6.8).
            Err(error) if error.is_canceled() || is_told_by_goaway(&error) => {}
            Err(_) => came.lost += 1,
        }
    }
    came
}

fn is_told_by_goaway(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|error| {
        error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_over_http_2_lose_no_request() {
    let _alone = crate::alone().await;
    for options in [&[][..], &["--shutdown-delay", "1"]] {
        let mut service = ServiceProcess::start(&[&["--sandbox"], options].concat(), &[]);
        let begun = Arc::new(Semaphore::new(0));
        let clients = (0..CONNECTIONS).map(|_| {
            let address = service.origin().trim_start_matches("http://").to_owned();
            tokio::spawn(ask_over_http_2_until_told(address, Arc::clone(&begun)))
        });
        let clients: Vec<_> = clients.collect();
        all_are_busy(&begun).await;
        service.signal("TERM");
        let came = tokio::time::timeout(NEVER, join_all(clients)).await.unwrap();
        let came: Vec<Came> = came.into_iter().map(Result::unwrap).collect();
        let (answered, lost) = came.iter().fold((0, 0), |(answered, lost), came| {
            (answered + came.answered, lost + came.lost)
        });
        eprintln!(
            "{CONNECTIONS} connections of HTTP/2 over the end, {options:?}: {answered} answered, {lost} lost"
        );
        assert_eq!(lost, 0);
        assert_eq!(
            service.exit_code_within(NEVER).await,
            Some(0),
            "{}",
            service.log()
        );
    }
}
