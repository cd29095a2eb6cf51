//! Load generator: a process with several connections, each of which sends its next request after the last response.
//!
//! The process does as little other work as possible, because it shares the machine with the measured server. Requests are
//! serialized once, and responses are compared as bytes.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Load {
    pub(crate) address: String,
    pub(crate) path: String,
    pub(crate) connections: usize,
    pub(crate) order: Order,
    /// Maximum duration. With [`Order::Once`], the load also ends when each request was sent.
    pub(crate) seconds: f64,
    pub(crate) questions: Vec<Question>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum Order {
    Random,
    /// The sequence is repeated.
    Around,
    /// Each request is sent once.
    Once,
}

/// Body of a request, and the expected start of the response body.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Question {
    pub(crate) body: String,
    pub(crate) answer: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Outcome {
    pub(crate) answers: u64,
    /// Number of responses that differ from the expected response.
    pub(crate) wrong: u64,
    pub(crate) seconds: f64,
    /// Median response time in microseconds.
    pub(crate) median: u64,
    /// 99th percentile of the response time in microseconds.
    pub(crate) p99: u64,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "no run has so many responses")]
        let answers = self.answers as f64;
        answers / self.seconds
    }
}

impl Load {
    pub(crate) async fn put(&self) -> Outcome {
        let mut process = Command::new(std::env::current_exe().expect("this program has a path"))
            .arg("load")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the process starts");
        let description = serde_json::to_vec(self).expect("a description is JSON");
        let mut stdin = process.stdin.take().expect("standard input is piped");
        stdin.write_all(&description).await.expect("the process listens");
        drop(stdin);
        let output = process.wait_with_output().await.expect("the process ends");
        assert!(output.status.success(), "the load failed");
        let outcome: Outcome = serde_json::from_slice(&output.stdout).expect("the outcome is JSON");
        assert_eq!(
            outcome.wrong, 0,
            "{} wrong responses from {}",
            outcome.wrong, self.address
        );
        assert!(outcome.answers > 0, "no response from {}", self.address);
        outcome
    }
}

struct Shared {
    requests: Vec<(Vec<u8>, Vec<u8>)>,
    order: Order,
    next: AtomicUsize,
    end: Instant,
}

impl Shared {
    fn next(&self) -> Option<&(Vec<u8>, Vec<u8>)> {
        if Instant::now() >= self.end {
            return None;
        }
        let count = self.requests.len();
        let place = match self.order {
            Order::Random => fastrand::usize(..count),
            Order::Around => self.next.fetch_add(1, Ordering::Relaxed) % count,
            Order::Once => self.next.fetch_add(1, Ordering::Relaxed),
        };
        self.requests.get(place)
    }
}

struct Times {
    times: Histogram<u64>,
    wrong: u64,
}

#[expect(clippy::print_stdout, reason = "the harness reads the outcome")]
#[expect(clippy::print_stderr, reason = "a wrong response is printed for diagnosis")]
pub(crate) async fn run() {
    let load: Load = serde_json::from_reader(std::io::stdin()).expect("a description");
    let request = |question: &Question| {
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: application/json\r\n\
             content-length: {}\r\n\r\n",
            load.path,
            load.address,
            question.body.len()
        );
        (
            [head.as_bytes(), question.body.as_bytes()].concat(),
            question.answer.clone().into_bytes(),
        )
    };
    let shared = Arc::new(Shared {
        requests: load.questions.iter().map(request).collect(),
        order: load.order,
        next: AtomicUsize::new(0),
        end: Instant::now() + Duration::from_secs_f64(load.seconds),
    });
    let started = Instant::now();
    let connections: Vec<_> = (0..load.connections)
        .map(|_| tokio::spawn(converse(load.address.clone(), Arc::clone(&shared))))
        .collect();
    let mut outcome = Outcome::default();
    let mut times = histogram();
    for connection in connections {
        match connection.await {
            Ok(Ok(of_one)) => {
                times.add(&of_one.times).expect("the same bounds");
                outcome.wrong += of_one.wrong;
            }
            failed => {
                eprintln!("a connection failed: {:?}", failed.map(Result::err));
                outcome.wrong += 1;
            }
        }
    }
    outcome.answers = times.len();
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome.median = times.value_at_quantile(0.5);
    outcome.p99 = times.value_at_quantile(0.99);
    println!("{}", serde_json::to_string(&outcome).expect("an outcome is JSON"));
}

/// Creates a histogram from one microsecond to one minute, with three significant digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are valid")
}

#[expect(clippy::print_stderr, reason = "a wrong response is printed for diagnosis")]
async fn converse(address: String, shared: Arc<Shared>) -> std::io::Result<Times> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut measured = Times {
        times: histogram(),
        wrong: 0,
    };
    let mut buffer = Vec::with_capacity(64 * 1024);
    while let Some((request, expected)) = shared.next() {
        let sent_at = Instant::now();
        stream.write_all(request).await?;
        let body = read_answer(&mut stream, &mut buffer).await?;
        let took = u64::try_from(sent_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        measured.times.saturating_record(took);
        if !body.starts_with(expected) {
            measured.wrong += 1;
            if measured.wrong == 1 {
                eprintln!(
                    "wrong: {}\nshould begin: {}",
                    String::from_utf8_lossy(body),
                    String::from_utf8_lossy(expected)
                );
            }
        }
    }
    Ok(measured)
}

/// Reads one response with a `content-length`, which all measured servers send.
async fn read_answer<'b>(stream: &mut TcpStream, buffer: &'b mut Vec<u8>) -> std::io::Result<&'b [u8]> {
    buffer.clear();
    let mut end = None;
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if end.is_none() {
            end = place_of_body(buffer);
        }
        if let Some((begin, end)) = end
            && buffer.len() >= end
        {
            return Ok(&buffer[begin..end]);
        }
    }
}

/// Returns the start and end of the body, or `None` while the head is incomplete.
fn place_of_body(buffer: &[u8]) -> Option<(usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(begin)) = head.parse(buffer) else {
        return None;
    };
    let length = head
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok())?;
    Some((begin, begin + length))
}
