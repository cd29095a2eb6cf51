//! Clients that do not read their responses. Their connections are closed, and the memory is released.

use std::{sync::Arc, time::Duration};

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream, tcp::OwnedWriteHalf},
    sync::Semaphore,
    task::JoinHandle,
};

use crate::{
    PATIENCE, is_full, large, memory::peak_megabytes, metric, small, ten_times_ten, until_memory_is_released,
};

const SHORT: [&str; 2] = ["--write-timeout", "1"];

/// Initial HTTP/2 window that blocks all data of a stream.
const CLOSED: u32 = 0;

/// Initial HTTP/2 window of a connection, in bytes.
const INITIAL_WINDOW: usize = 65_535;

async fn start() -> (SandboxProcess, ServiceProcess, Vec<String>) {
    let sandbox = SandboxProcess::unlimited(&[]);
    let activities = ten_times_ten(&sandbox).await;
    let service = ServiceProcess::unpaced_on(&sandbox, &SHORT);
    let (_, answer) = service.post(&small(&activities[0])).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    (sandbox, service, activities)
}

/// Waits until memory is reserved for large responses. Otherwise, a test could pass because its streams are rejected.
async fn until_large_responses_are_reserved(service: &ServiceProcess) {
    let reserved = async {
        while metric(service, r#"sends_bulkhead_in_use{name="large_answers"}"#).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reserved)
        .await
        .expect("memory is reserved for large responses");
}

#[tokio::test]
async fn unread_http_1_connection_is_closed() {
    let _alone = crate::alone().await;
    let (_sandbox, service, activities) = start().await;
    let connections = r#"sends_bulkhead_in_use{name="connections"}"#;
    let before = metric(&service, connections).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = service.origin().strip_prefix("http://").unwrap().parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let body = large(&activities, 500).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    until_large_responses_are_reserved(&service).await;
    let closed = async {
        while metric(&service, connections).await > before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .expect("the connection is closed");
    until_memory_is_released(&service).await;
    let mut response = Vec::new();
    // The stream ends with an error on systems that discard unread data.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut response))
        .await
        .expect("the connection ends");
    let head = String::from_utf8_lossy(&response[..response.len().min(1_000)]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    assert!(
        length.is_some_and(|length: usize| response.len() < length),
        "{head}"
    );
}

#[tokio::test]
async fn http_2_connection_with_a_closed_window_is_closed() {
    let _alone = crate::alone().await;
    let (_sandbox, service, activities) = start().await;
    let (streams, ids) = if is_full() { (120, 500) } else { (16, 100) };
    let mut reader = Reader::connect(&service, CLOSED).await;
    let body = large(&activities, ids);
    for stream in 0..streams {
        reader.ask(2 * stream + 1, &body).await;
    }
    until_large_responses_are_reserved(&service).await;
    let (_, answer) = service.post(&small(&activities[0])).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let read = reader.until_closed().await;
    assert!(read.ended.is_empty(), "{read:?}");
    until_memory_is_released(&service).await;
    let peak = peak_megabytes(&service);
    eprintln!("{streams} unread streams: {peak} MB at most");
    assert!(peak <= 256, "{peak} MB");
}

#[tokio::test]
async fn http_2_connection_read_byte_by_byte_is_closed() {
    let _alone = crate::alone().await;
    let (_sandbox, service, activities) = start().await;
    let mut reader = Reader::connect(&service, CLOSED).await;
    reader.ask(1, &large(&activities, 10)).await;
    let mut writer = reader.writer;
    let granting = tokio::spawn(async move {
        // The loop runs until the connection is closed, so that the end of the window updates cannot be the cause.
        while writer.write_all(&window_update(1, 1)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let read = reading(reader.reading).await;
    granting.abort();
    assert!(read.bytes > 0 && read.ended.is_empty(), "{read:?}");
    until_memory_is_released(&service).await;
}

#[tokio::test]
async fn http_2_connection_read_below_the_minimum_rate_is_closed() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let activities = ten_times_ten(&sandbox).await;
    let service = ServiceProcess::unpaced_on(&sandbox, &["--write-timeout", "4"]);
    let (_, answer) = service.post(&large(&activities, 10)).await;
    let whole = answer.to_string().len();
    let mut reader = Reader::connect(&service, CLOSED).await;
    reader.ask(1, &large(&activities, 10)).await;
    let mut writer = reader.writer;
    let granting = tokio::spawn(async move {
        // The rate is 16 KiB every two seconds: half of the minimum rate, but often enough for the write timeout.
        while writer.write_all(&window_update(1, 16 << 10)).await.is_ok() {
            let _ = writer.write_all(&window_update(0, 16 << 10)).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    });
    let read = reading(reader.reading).await;
    granting.abort();
    eprintln!("closed after {} of {whole} bytes", read.bytes);
    assert!(read.ended.is_empty(), "{read:?}");
    // The pause between two pieces did not close the connection.
    assert!(read.bytes > 2 * (16 << 10), "{read:?}");
    until_memory_is_released(&service).await;
}

#[tokio::test]
async fn http_2_connection_read_slowly_gets_its_response() {
    let _alone = crate::alone().await;
    let (_sandbox, service, activities) = start().await;
    let mut reader = Reader::connect(&service, CLOSED).await;
    reader.ask(1, &large(&activities, 20)).await;
    // The loop lasts several times the write timeout, and reads a piece within each timeout.
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        for stream in [0, 1] {
            let granted = window_update(stream, 16 << 10);
            reader.writer.write_all(&granted).await.unwrap();
        }
    }
    for stream in [0, 1] {
        reader
            .writer
            .write_all(&window_update(stream, 1 << 24))
            .await
            .unwrap();
    }
    // The client closes the connection once the response is complete.
    reader
        .writer
        .write_all(&frame(GOAWAY, 0, 0, &[0; 8]))
        .await
        .unwrap();
    let read = reading(reader.reading).await;
    assert_eq!(read.ended, [1], "{read:?}");
    assert!(read.bytes > 12 * (16 << 10), "{read:?}");
}

#[tokio::test]
async fn unread_connections_do_not_delay_the_shutdown() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let activities = ten_times_ten(&sandbox).await;
    let mut service = ServiceProcess::unpaced_on(&sandbox, &["--write-timeout", "1", "--grace", "3600"]);
    let body = large(&activities, 500);
    let mut reader = Reader::connect(&service, CLOSED).await;
    reader.ask(1, &body).await;
    until_large_responses_are_reserved(&service).await;
    let (text, address) = (body.to_string(), service.origin().trim_start_matches("http://"));
    let mut over_http_1 = TcpStream::connect(address).await.unwrap();
    let length = text.len();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{text}"
    );
    over_http_1.write_all(request.as_bytes()).await.unwrap();
    service.signal("TERM");
    let code = service.exit_code_within(PATIENCE).await;
    assert_eq!(code, Some(0), "{}", service.log());
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Minimal HTTP/2 client for slow reading. Full clients update their windows automatically.
struct Reader {
    writer: OwnedWriteHalf,
    reading: JoinHandle<Read>,
    /// Number of body bytes that the service still accepts on this connection. Further bytes are an error that closes the
    /// connection.
    window: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Read {
    bytes: usize,
    ended: Vec<u32>,
}

impl Reader {
    /// Connects with a window of `window` bytes for each stream.
    async fn connect(service: &ServiceProcess, window: u32) -> Self {
        let address = service.origin().strip_prefix("http://").unwrap();
        let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
        let mut settings = vec![0, 4];
        settings.extend(window.to_be_bytes());
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        hello.extend(frame(SETTINGS, 0, 0, &settings));
        writer.write_all(&hello).await.unwrap();
        let window = Arc::new(Semaphore::new(INITIAL_WINDOW));
        let granted = Arc::clone(&window);
        let reading = tokio::spawn(async move {
            let (mut read, mut head) = (Read::default(), [0; 9]);
            while reader.read_exact(&mut head).await.is_ok() {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
                let mut payload = vec![0; length];
                if reader.read_exact(&mut payload).await.is_err() {
                    break;
                }
                if head[3] == WINDOW_UPDATE && stream == 0 {
                    let increment = <[u8; 4]>::try_from(payload.as_slice()).unwrap();
                    granted.add_permits(u32::from_be_bytes(increment) as usize);
                }
                if head[3] == DATA {
                    read.bytes += length;
                    if head[4] & END_STREAM > 0 {
                        read.ended.push(stream);
                    }
                }
            }
            granted.close();
            read
        });
        Self {
            writer,
            reading,
            window,
        }
    }

    async fn ask(&mut self, stream: u32, body: &Value) {
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "localhost"),
            (":path", "/graphql"),
            ("content-type", "application/json"),
        ];
        let mut block = Vec::new();
        for (name, value) in fields {
            // The field is a literal without indexing.
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        let mut request = frame(HEADERS, END_HEADERS, stream, &block);
        let body = body.to_string();
        let size = body.len().try_into().unwrap();
        let granted = tokio::time::timeout(PATIENCE, self.window.acquire_many(size)).await;
        granted
            .expect("the window has capacity for a body")
            .expect("the connection is open")
            .forget();
        let pieces: Vec<_> = body.as_bytes().chunks(16 << 10).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let flags = if index + 1 == pieces.len() { END_STREAM } else { 0 };
            request.extend(frame(DATA, flags, stream, piece));
        }
        self.writer.write_all(&request).await.unwrap();
    }

    async fn until_closed(self) -> Read {
        reading(self.reading).await
    }
}

async fn reading(reading: JoinHandle<Read>) -> Read {
    let read = tokio::time::timeout(PATIENCE, reading).await;
    read.expect("the connection is closed").unwrap()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}
