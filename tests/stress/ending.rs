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

/// Number of connections, which is the same as in the external measurements.
const CONNECTIONS: usize = 48;

/// Timeout for a connection that never ends.
const NEVER: Duration = Duration::from_mins(1);

const REQUEST: &str = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n\
                       {\"query\":\"{ __typename }\"}";

/// Client that keeps its connection until a response has `Connection: close`.
struct KeepAlive(TcpStream);

#[derive(Debug, Default)]
struct ConnectionResult {
    answered: usize,
    lost: usize,
}

impl KeepAlive {
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

    async fn query_until_closed(mut self, pause: Duration, started: Arc<Semaphore>) -> ConnectionResult {
        let mut results = ConnectionResult::default();
        loop {
            let Ok(is_last) = self.ask().await else {
                results.lost += 1;
                return results;
            };
            results.answered += 1;
            started.add_permits(usize::from(results.answered == 1));
            if is_last {
                return results;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Waits until each connection has received a response, and then for a short time.
async fn all_are_busy(started: &Semaphore) {
    let connections = u32::try_from(CONNECTIONS).unwrap();
    let each = tokio::time::timeout(NEVER, started.acquire_many(connections));
    each.await
        .expect("each connection receives a response")
        .unwrap()
        .forget();
    tokio::time::sleep(Duration::from_millis(300)).await;
}

async fn busy_connections_during_shutdown(options: &[&str]) -> ConnectionResult {
    let mut service = ServiceProcess::start(&[&["--sandbox"], options].concat(), &[]);
    let (mut clients, started) = (Vec::new(), Arc::new(Semaphore::new(0)));
    for index in 0..CONNECTIONS {
        let client = KeepAlive::connect(&service).await;
        // Some connections send continuously, and others are idle between requests.
        let pause = Duration::from_millis(u64::try_from(index % 8).unwrap() * 10);
        clients.push(tokio::spawn(
            client.query_until_closed(pause, Arc::clone(&started)),
        ));
    }
    all_are_busy(&started).await;
    service.signal("TERM");
    let results = tokio::time::timeout(NEVER, join_all(clients)).await.unwrap();
    let results =
        results
            .into_iter()
            .map(Result::unwrap)
            .fold(ConnectionResult::default(), |sum, results| ConnectionResult {
                answered: sum.answered + results.answered,
                lost: sum.lost + results.lost,
            });
    assert_eq!(
        service.exit_code_within(NEVER).await,
        Some(0),
        "{}",
        service.log()
    );
    eprintln!("{CONNECTIONS} connections during shutdown, {options:?}: {results:?}");
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_alive_connections_lose_no_request() {
    let _alone = crate::alone().await;
    assert_eq!(busy_connections_during_shutdown(&[]).await.lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_alive_connections_lose_no_request_with_a_shutdown_delay() {
    let _alone = crate::alone().await;
    assert_eq!(
        busy_connections_during_shutdown(&["--shutdown-delay", "1"])
            .await
            .lost,
        0
    );
}

#[tokio::test]
async fn request_on_an_idle_connection_is_served_after_the_signal() {
    let _alone = crate::alone().await;
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let (mut client, mut new) = (
        KeepAlive::connect(&service).await,
        KeepAlive::connect(&service).await,
    );
    assert!(!client.ask().await.unwrap());
    service.signal("TERM");
    service.log_once(|log| log.contains("shutting down")).await;
    assert!(client.ask().await.unwrap());
    assert!(new.ask().await.unwrap());
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_shutdown() {
    let _alone = crate::alone().await;
    let mut service = ServiceProcess::start(&["--sandbox", "--grace", "3600"], &[]);
    let mut client = KeepAlive::connect(&service).await;
    assert!(!client.ask().await.unwrap());
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

/// Sends queries over one HTTP/2 connection until the service accepts no more requests.
async fn query_over_http_2_until_goaway(address: String, started: Arc<Semaphore>) -> ConnectionResult {
    let mut results = ConnectionResult::default();
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
                results.answered += usize::from(body.is_ok());
                started.add_permits(usize::from(results.answered == 1));
                results.lost += usize::from(body.is_err());
            }
            // The connection received its GOAWAY before the request was sent or arrived. The request was not processed, and
            // clients repeat it on another connection (RFC 9113, 6.8).
            Err(error) if error.is_canceled() || is_goaway(&error) => {}
            Err(_) => results.lost += 1,
        }
    }
    results
}

fn is_goaway(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|error| {
        error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_connections_lose_no_request() {
    let _alone = crate::alone().await;
    for options in [&[][..], &["--shutdown-delay", "1"]] {
        let mut service = ServiceProcess::start(&[&["--sandbox"], options].concat(), &[]);
        let started = Arc::new(Semaphore::new(0));
        let clients = (0..CONNECTIONS).map(|_| {
            let address = service.origin().trim_start_matches("http://").to_owned();
            tokio::spawn(query_over_http_2_until_goaway(address, Arc::clone(&started)))
        });
        let clients: Vec<_> = clients.collect();
        all_are_busy(&started).await;
        service.signal("TERM");
        let results = tokio::time::timeout(NEVER, join_all(clients)).await.unwrap();
        let results: Vec<ConnectionResult> = results.into_iter().map(Result::unwrap).collect();
        let (answered, lost) = results.iter().fold((0, 0), |(answered, lost), results| {
            (answered + results.answered, lost + results.lost)
        });
        eprintln!(
            "{CONNECTIONS} HTTP/2 connections during shutdown, {options:?}: {answered} answered, {lost} lost"
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
