//! Load test with ten thousand connections, half of them idle or slow, and regular callers.
//!
//! Starts the service with its sandbox. Measures the response times of regular callers and the memory of the service over
//! loopback, before, during and after the load. Ends within two minutes.
//!
//! ```sh
//! cargo run --release -p sends-end-to-end --example crowd -- 10000
//! ```
//!
//! The process and the service need a file descriptor for each connection. The limit is raised as far as the system allows, and
//! the number of connections is reduced if that is not enough.

#![expect(clippy::print_stdout, reason = "the example prints its results")]
#![expect(
    clippy::cast_precision_loss,
    reason = "milliseconds and megabytes are printed with one digit"
)]

use std::time::{Duration, Instant};

use sends_end_to_end::{GUIDE_ACTIVITY, ServiceProcess};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Number of concurrent regular callers, each of which sends its next request after the last response.
const REGULAR_CALLERS: usize = 16;
const STAGE: Duration = Duration::from_secs(10);
const AT_A_TIME: usize = 200;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum Behaviour {
    Idle,
    /// Sends its request head at one byte a second.
    Slow,
    Active,
}

#[tokio::main]
async fn main() {
    let requested: usize = std::env::args()
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(10_000);
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    let room = usize::try_from(descriptors)
        .unwrap_or(usize::MAX)
        .saturating_sub(200);
    let count = requested.min(room);
    println!("{count} connections ({requested} requested, {descriptors} file descriptors)");

    let options: Vec<String> = std::env::args().skip(2).collect();
    let options: Vec<&str> = ["--sandbox"]
        .into_iter()
        .chain(options.iter().map(String::as_str))
        .collect();
    let service = ServiceProcess::start(&options, &[("RUST_LOG", "warn,sends_graphql::serve=info")]);
    let address = service.origin().trim_start_matches("http://").to_owned();
    report("alone", &service, &address).await;

    let mut crowd = JoinSet::new();
    let (mut taken, mut refused) = (0, 0);
    for start in (0..count).step_by(AT_A_TIME) {
        let mut connecting = JoinSet::new();
        for number in start..count.min(start + AT_A_TIME) {
            let address = address.clone();
            connecting.spawn(async move {
                let connected = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address)).await;
                connected
                    .ok()
                    .and_then(Result::ok)
                    .map(|stream| (manner(number), stream))
            });
        }
        while let Some(connected) = connecting.join_next().await {
            if let Ok(Some((manner, stream))) = connected {
                taken += 1;
                crowd.spawn(behave(manner, stream));
            } else {
                refused += 1;
            }
        }
    }
    println!("load: {taken} connected, {refused} not");
    report("during the load", &service, &address).await;
    let mut closed = 0;
    while crowd.try_join_next().is_some() {
        closed += 1;
    }
    println!("the service closed {closed} connections of the load");
    crowd.shutdown().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    report("afterwards", &service, &address).await;
}

/// Returns the behaviour of a connection. Half of the connections are idle or slow.
fn manner(number: usize) -> Behaviour {
    match number % 4 {
        0 => Behaviour::Idle,
        1 => Behaviour::Slow,
        _ => Behaviour::Active,
    }
}

async fn behave(manner: Behaviour, mut stream: TcpStream) {
    let mut response = [0; 4_096];
    match manner {
        Behaviour::Idle => {
            let _ = stream.read(&mut response).await;
        }
        Behaviour::Slow => {
            for byte in request(&"x".repeat(4_000)).bytes() {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::select! {
                    read = stream.read(&mut response) => if matches!(read, Ok(0) | Err(_)) { return },
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
        }
        Behaviour::Active => loop {
            if ask(&mut stream).await.is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        },
    }
}

/// Sends a request on a keep-alive connection. Returns `None` if the connection was closed or the response is invalid.
async fn ask(stream: &mut TcpStream) -> Option<()> {
    let question =
        format!(r#"{{ campaignActivity(id: \"{GUIDE_ACTIVITY}\") {{ latestSend {{ sendId }} }} }}"#);
    stream.write_all(request(&question).as_bytes()).await.ok()?;
    let mut response = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let read = stream.read(&mut part).await.ok()?;
        if read == 0 {
            return None;
        }
        response.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&response);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if length.is_some_and(|length: usize| body.len() >= length) {
                return (head.starts_with("HTTP/1.1 200") && body.contains(r#""sendId":2"#)).then_some(());
            }
        }
    }
}

fn request(question: &str) -> String {
    let body = format!(r#"{{"query":"{question}"}}"#);
    format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Prints the response times of regular callers, each request on its own connection, and the memory of the service.
async fn report(stage: &str, service: &ServiceProcess, address: &str) {
    let mut callers = JoinSet::new();
    let until = Instant::now() + STAGE;
    for _ in 0..REGULAR_CALLERS {
        let address = address.to_owned();
        callers.spawn(async move {
            let (mut waits, mut failures) = (Vec::new(), 0);
            while Instant::now() < until {
                let started = Instant::now();
                let answered = tokio::time::timeout(CONNECT_LIMIT, async {
                    ask(&mut TcpStream::connect(&address).await.ok()?).await
                });
                match answered.await {
                    Ok(Some(())) => waits.push(started.elapsed()),
                    _ => failures += 1,
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (waits, failures)
        });
    }
    let (mut waits, mut failures) = (Vec::new(), 0);
    while let Some(caller) = callers.join_next().await {
        let (more, failed) = caller.expect("a caller does not panic");
        waits.extend(more);
        failures += failed;
    }
    waits.sort_unstable();
    let at = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let index = (waits.len() as f64 * share) as usize;
        waits
            .get(index)
            .map_or(f64::NAN, |wait| wait.as_secs_f64() * 1_000.0)
    };
    let resident = sends_end_to_end::memory_kilobytes(service.id(), "VmRSS");
    println!(
        "{stage}: {} answers, {failures} failures, p50 {:.1} ms, p99 {:.1} ms, resident {}",
        waits.len(),
        at(0.50),
        at(0.99),
        resident.map_or("unknown".to_owned(), |kilobytes| format!(
            "{} MB",
            kilobytes / 1_024
        ))
    );
}
