//! Floods of useless HTTP/2 frames. Each flood ends its own connection, and the service keeps running.

use std::time::Duration;

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Maximum size of a flood in bytes before its connection must be closed, including the buffers of the operating system.
const FLOOD_LIMIT: usize = 32 << 20;

const PIECE: usize = 64 << 10;

/// Timeout for a flood that neither progresses nor ends.
const NEVER: Duration = Duration::from_mins(2);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0xfa;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Builds the head of a request in HPACK: indexed method and scheme, then the path, the host and the type as literals.
fn head(method: u8, path: &str) -> Vec<u8> {
    let literal =
        |name: &[u8], value: &str| [name, &[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    [
        vec![method, 0x86],
        literal(&[0x04], path),
        literal(&[0x01], "localhost"),
        literal(&[0x0f, 0x10], "application/json"),
    ]
    .concat()
}

fn get() -> Vec<u8> {
    head(0x82, "/health/live")
}

fn post() -> Vec<u8> {
    head(0x83, "/graphql")
}

/// Returns the response body of one request that starts in the same way as a flood. The request shows that the frames end the
/// connection of a flood, not its preface or its heads.
async fn answer(service: &ServiceProcess, head: &[u8], body: &[u8]) -> String {
    let address = service.origin().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = [
        PREFACE,
        &frame(SETTINGS, 0, 0, &[]),
        &frame(SETTINGS, ACK, 0, &[]),
        &frame(HEADERS, END_HEADERS, 1, head),
        &frame(DATA, END_STREAM, 1, body),
    ];
    stream.write_all(&request.concat()).await.unwrap();
    let answered = async {
        let (mut head, mut body) = ([0; 9], Vec::new());
        loop {
            stream.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut payload).await.unwrap();
            if head[3] == DATA {
                body.extend(payload);
            }
            if matches!(head[3], HEADERS | DATA) && head[4] & END_STREAM > 0 {
                return String::from_utf8(body).unwrap();
            }
        }
    };
    tokio::time::timeout(NEVER, answered)
        .await
        .expect("the service responds")
}

/// Returns the number of bytes that the service accepted before it closed the connection, or `None` if it did not close the
/// connection.
async fn flood(
    service: &ServiceProcess,
    first: &[Vec<u8>],
    mut next: impl FnMut(u32) -> Vec<u8> + Send,
) -> Option<usize> {
    let address = service.origin().trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let begin = [
        PREFACE,
        &frame(SETTINGS, 0, 0, &[]),
        &frame(SETTINGS, ACK, 0, &[]),
        &first.concat(),
    ]
    .concat();
    to.write_all(&begin).await.unwrap();
    // Responses are read, so that they do not block the service.
    let closed = tokio::spawn(async move {
        let mut buffer = vec![0; PIECE];
        while from.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    });
    let mut sent = 0;
    let sending = async {
        for number in 0.. {
            let mut piece = Vec::with_capacity(PIECE + 100);
            for index in 0..u32::MAX {
                if piece.len() >= PIECE {
                    break;
                }
                piece.extend(next(number * 10_000 + index));
            }
            if to.write_all(&piece).await.is_err() || closed.is_finished() {
                return Some(());
            }
            sent += piece.len();
            if sent > FLOOD_LIMIT {
                return None;
            }
        }
        None
    };
    let ended = tokio::time::timeout(NEVER, sending).await.ok().flatten();
    ended.map(|()| sent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flood_of_frames_ends_its_connection() {
    let _alone = crate::alone().await;
    let mut service = ServiceProcess::start(&["--sandbox"], &[]);
    let typename = answer(&service, &post(), br#"{"query":"{ __typename }"}"#).await;
    assert!(typename.contains(r#""__typename":"Query""#), "{typename}");
    assert!(answer(&service, &get(), &[]).await.contains("live"));
    let odd = |index: u32| 2 * index + 1;
    let open = || vec![frame(HEADERS, END_HEADERS, 1, &post())];
    let nothing: &[Vec<u8>] = &[];
    let one = 1_u32.to_be_bytes();
    let mut floods = Vec::new();
    let mut note = |name: &'static str, bytes: Option<usize>| {
        eprintln!("{name}: {bytes:?} bytes until the end of the connection");
        floods.push((name, bytes));
    };
    note(
        "PING",
        flood(&service, nothing, |_| frame(PING, 0, 0, &[7; 8])).await,
    );
    note(
        "PING acknowledged",
        flood(&service, nothing, |_| frame(PING, ACK, 0, &[7; 8])).await,
    );
    note(
        "SETTINGS",
        flood(&service, nothing, |_| frame(SETTINGS, 0, 0, &[])).await,
    );
    note(
        "SETTINGS with values",
        flood(&service, nothing, |_| frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9])).await,
    );
    note(
        "WINDOW_UPDATE",
        flood(&service, nothing, |_| frame(WINDOW_UPDATE, 0, 0, &one)).await,
    );
    note(
        "PRIORITY",
        flood(&service, nothing, |_| frame(PRIORITY, 0, 9, &[0, 0, 0, 1, 9])).await,
    );
    note(
        "unknown frames",
        flood(&service, nothing, |_| frame(UNKNOWN, 0, 0, &[])).await,
    );
    note(
        "empty DATA",
        flood(&service, &open(), |_| frame(DATA, 0, 1, &[])).await,
    );
    note(
        "WINDOW_UPDATE of a stream",
        flood(&service, &open(), |_| frame(WINDOW_UPDATE, 0, 1, &one)).await,
    );
    note(
        "empty CONTINUATION",
        flood(&service, &[frame(HEADERS, 0, 1, &post())], |_| {
            frame(CONTINUATION, 0, 1, &[])
        })
        .await,
    );
    note(
        "empty HEADERS",
        flood(&service, nothing, |index| {
            frame(HEADERS, END_HEADERS | END_STREAM, odd(index), &[])
        })
        .await,
    );
    note(
        "requests that are reset",
        flood(&service, nothing, |index| {
            let begin = frame(HEADERS, END_HEADERS | END_STREAM, odd(index), &get());
            [begin, frame(RST_STREAM, 0, odd(index), &8_u32.to_be_bytes())].concat()
        })
        .await,
    );
    assert!(service.is_alive());
    assert_eq!(service.get("/health/live").await.0, 200);
    let endless: Vec<_> = floods.iter().filter(|(_, bytes)| bytes.is_none()).collect();
    assert!(endless.is_empty(), "{endless:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_that_cancels_every_request_is_closed() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    sandbox.slow_down(GUIDE_ACTIVITY, 60_000).await;
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let query = format!("{{\"query\":\"{{campaignActivity(id:\\\"{GUIDE_ACTIVITY}\\\"){{isStale}}}}\"}}");
    let address = service.origin().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begin = [
        PREFACE,
        &frame(SETTINGS, 0, 0, &[]),
        &frame(SETTINGS, ACK, 0, &[]),
    ];
    stream.write_all(&begin.concat()).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let closed = tokio::spawn(async move {
        let mut buffer = vec![0; PIECE];
        while from.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    });
    let mut requests = 0;
    for index in 0..5_000 {
        let stream = 2 * index + 1;
        let request = [
            frame(HEADERS, END_HEADERS, stream, &post()),
            frame(DATA, END_STREAM, stream, query.as_bytes()),
        ];
        let sent = to.write_all(&request.concat()).await;
        // The request starts to wait for the upstream before it is cancelled.
        tokio::time::sleep(Duration::from_millis(3)).await;
        let cancelled = to
            .write_all(&frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()))
            .await;
        if sent.is_err() || cancelled.is_err() || closed.is_finished() {
            break;
        }
        requests += 1;
    }
    eprintln!("{requests} requests cancelled until the end of the connection");
    assert!((500..5_000).contains(&requests), "{requests}");
    assert_eq!(service.get("/health/live").await.0, 200);
}
