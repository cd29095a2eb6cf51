//! Connections that take their time, and more of them than there is room for.

use std::time::{Duration, Instant};

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{QUERY, body, guide_query, header, post, refusal, send, service};

async fn connect(service: &ServiceProcess) -> TcpStream {
    let address = service.origin().strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// What is said until the connection is closed, and how long that takes.
async fn until_closed(stream: &mut TcpStream) -> (String, Duration) {
    let (started, mut said) = (Instant::now(), Vec::new());
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said));
    // A reset is an end, too.
    let _ = closed.await.expect("the connection is closed");
    (String::from_utf8_lossy(&said).into_owned(), started.elapsed())
}

const HEAD: &str = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn who_says_nothing_or_says_it_slowly_is_hung_up_on() {
    let service = service(&[
        "--header-timeout",
        "0.5",
        "--body-timeout",
        "0.5",
        "--idle-timeout",
        "1.5",
    ]);
    let mut silent = connect(&service).await;
    let (_, after) = until_closed(&mut silent).await;
    assert!((0.3..4.0).contains(&after.as_secs_f64()), "{after:?}");

    let mut dripping = connect(&service).await;
    let (mut reader, mut writer) = dripping.split();
    let started = Instant::now();
    let drip = async {
        for byte in HEAD.bytes() {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        () = drip => panic!("the head was waited for"),
        _ = reader.read_to_end(&mut rest) => {}
    }
    // Overdue after half a second; then the last words are waited for.
    assert!(started.elapsed() < Duration::from_secs(8));

    let mut half = connect(&service).await;
    let request = format!("{HEAD}content-length: 100\r\n\r\n{{");
    half.write_all(request.as_bytes()).await.unwrap();
    let (said, _) = until_closed(&mut half).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");

    let mut idle = connect(&service).await;
    let query = body(QUERY).to_string();
    let request = format!("{HEAD}content-length: {}\r\n\r\n{query}", query.len());
    idle.write_all(request.as_bytes()).await.unwrap();
    let (said, after) = until_closed(&mut idle).await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    assert!((1.0..8.0).contains(&after.as_secs_f64()), "{after:?}");
    assert_eq!(send(post(&service).json(&body(QUERY))).await.status(), 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let service = service(&["--max-connections", "2", "--header-timeout", "1"]);
    let _silent = [connect(&service).await, connect(&service).await];
    let started = Instant::now();
    assert_eq!(send(post(&service).json(&body(QUERY))).await.status(), 200);
    assert!(started.elapsed() > Duration::from_millis(500));
}

#[tokio::test]
async fn bodies_that_never_end_leave_no_room_for_others_until_they_are_hung_up_on() {
    let service = service(&["--body-limit", "1000", "--body-budget", "2500"]);
    let mut endless = Vec::new();
    for _ in 0..2 {
        let mut one = connect(&service).await;
        let begun = format!("{HEAD}content-length: 1000\r\n\r\n{}", " ".repeat(990));
        one.write_all(begun.as_bytes()).await.unwrap();
        endless.push(one);
    }
    let large = || post(&service).json(&body(&format!("{{ __typename }}{}", " ".repeat(800))));
    // The two are read as they come, so that it may take a moment until they have taken their room.
    let refused = loop {
        let answer = send(large()).await;
        if answer.status() != 200 {
            break answer;
        }
    };
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(refusal(large()).await, (503, "OVERLOADED".into()));
    assert_eq!(
        send(post(&service).json(&body("{ __typename }"))).await.status(),
        200
    );
    drop(endless);
    while send(large()).await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_operation_that_waits_for_the_upstream_holds_up_no_other() {
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
