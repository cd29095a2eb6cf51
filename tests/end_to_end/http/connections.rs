//! Slow connections, and more connections than allowed.

use std::time::{Duration, Instant};

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{QUERY, body, guide_query, header, post, send, service};

async fn connect(service: &ServiceProcess) -> TcpStream {
    let address = service.origin().strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

const HEAD: &str = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

/// Deadline for expected events, longer than the timeouts of the service.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn silent_connection_is_closed() {
    let service = service(&[]);
    let mut silent = connect(&service).await;
    let mut message = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut message)).await;
    // A reset also closes the connection.
    let _ = closed.expect("the connection is closed");
    assert_eq!(send(post(&service).json(&body(QUERY))).await.status(), 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let service = service(&["--max-connections", "2"]);
    let silent = [connect(&service).await, connect(&service).await];
    let mut waiting = tokio::spawn(send(post(&service).json(&body(QUERY))));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut waiting).await;
    assert!(
        early.is_err(),
        "the request is served while two other connections are open"
    );
    drop(silent);
    let answered = tokio::time::timeout(PATIENCE, waiting).await;
    assert_eq!(answered.expect("the request is served").unwrap().status(), 200);
}

/// Memory budget of all incoming bodies, and therefore the maximum limit of a single body.
const BODY_BUDGET: usize = 64 << 20;

#[tokio::test]
async fn unfinished_bodies_occupy_the_budget_until_their_connections_are_closed() {
    let service = service(&["--body-limit", "64MiB"]);
    let mut endless = connect(&service).await;
    let started = format!("{HEAD}content-length: {BODY_BUDGET}\r\n\r\n");
    endless.write_all(started.as_bytes()).await.unwrap();
    let spaces = " ".repeat(BODY_BUDGET - 1_000);
    endless.write_all(spaces.as_bytes()).await.unwrap();
    // The bodies are distinct, so that none of the responses comes from the response cache.
    let mut length = 2_000;
    let mut large = || {
        length += 1;
        post(&service).json(&body(&format!("{{ __typename }}{}", " ".repeat(length))))
    };
    // The body is read as it arrives, so its memory may be reserved with a delay.
    let deadline = Instant::now() + PATIENCE;
    let refused = loop {
        let response = send(large()).await;
        if response.status() != 200 {
            break response;
        }
        assert!(
            Instant::now() < deadline,
            "no request is rejected for lack of memory"
        );
    };
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(
        send(post(&service).json(&body("{ __typename }"))).await.status(),
        200
    );
    drop(endless);
    while send(large()).await.status() != 200 {
        assert!(Instant::now() < deadline + PATIENCE, "the memory is not released");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn operation_that_waits_for_the_upstream_delays_no_other() {
    let sandbox = SandboxProcess::unlimited(&[]);
    sandbox.slow_down(GUIDE_ACTIVITY, 1_500).await;
    let service = ServiceProcess::unpaced_on(&sandbox, &["--max-operations", "1", "--operation-wait", "0.2"]);
    let slow = tokio::spawn(send(post(&service).json(&body(&guide_query()))));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let quick = send(post(&service).json(&body("{ __typename }"))).await;
    assert_eq!(quick.status(), 200);
    assert!(!slow.is_finished());
    assert_eq!(slow.await.unwrap().status(), 200);
}
