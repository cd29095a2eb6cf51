//! Memory of the largest concurrent operations of each kind. The estimate of each operation includes its memory, so that all of
//! them stay within the budget.

use futures_util::future::join_all;
use reqwest::Client;
use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    PATIENCE, is_full, load,
    memory::{peak_megabytes, resident_megabytes},
    scale, small, ten_times_ten, until_memory_is_released,
};

/// Maximum memory growth in the short run, in megabytes: its budget, plans that wait for memory, buffers of connections, and the
/// allocator's own memory.
const MAX_GROWTH: u64 = 96;

fn fields(count: usize, field: impl Fn(usize) -> String) -> String {
    (0..count).map(field).collect()
}

/// Sends as many copies of an operation as the service executes concurrently, and checks the peak memory of the process. Returns
/// the number of responses with the expected text.
async fn peak_within_the_budget(name: &str, operation: &Value, expected: &'static str) -> usize {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let activities = ten_times_ten(&sandbox).await;
    let options: &[&str] = if is_full() {
        &["--answer-cache", "0"]
    } else {
        &["--answer-cache", "0", "--answer-budget", "16777216"]
    };
    let service = ServiceProcess::unpaced_on(&sandbox, options);
    let (small, mut operation) = (small(&activities[0]), operation.clone());
    if operation["variables"]["ids"] == json!([]) {
        let ids: Vec<_> = activities.iter().cycle().take(500).collect();
        operation["variables"]["ids"] = json!(ids);
    }
    let (_, known) = service.post(&small).await;
    assert!(known.get("errors").is_none(), "{known}");
    let concurrency = scale(32, 256);
    let load = load::concurrent(&service, &small, concurrency, move |client, url| {
        let operation = operation.clone();
        async move { has(&client, &url, &operation, expected).await }
    })
    .await;
    let answered = load.answers.iter().filter(|has| **has).count();
    eprintln!(
        "{concurrency} operations with the most {name}: {answered} as expected; {} MB before, {} MB at most; small responses: {}",
        load.before, load.peak, load.times
    );
    load.assert_memory(MAX_GROWTH);
    until_memory_is_released(&service).await;
    answered
}

/// Returns whether the first bytes of a response contain this text. The response is read to its end. Any other response must be a
/// temporary rejection.
async fn has(client: &Client, url: &str, operation: &Value, expected: &str) -> bool {
    let mut answer = client.post(url).json(operation).send().await.unwrap();
    let mut begin = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        if begin.len() < 1_000 {
            begin.extend_from_slice(&chunk);
        }
    }
    let begin = String::from_utf8_lossy(&begin);
    let is_expected = begin.contains(expected);
    assert!(is_expected || begin.contains("OVERLOADED"), "{begin}");
    is_expected
}

#[tokio::test]
async fn oversized_arguments_are_rejected_before_they_are_copied() {
    let fields = fields(490, |index| format!("a{index}:node(id:$x){{id}} "));
    let operation =
        json!({ "query": format!("query($x:ID!){{{fields}}}"), "variables": { "x": "Q".repeat(99_000) } });
    let refused = peak_within_the_budget("arguments of the query", &operation, "bytes of arguments").await;
    assert!(refused > 0);
}

#[tokio::test]
async fn allowed_arguments_are_reserved() {
    // The arguments are lists of 500 ids.
    let lists = fields(scale(2, 8), |index| {
        format!("a{index}:campaignActivities(ids:$ids){{id}} ")
    });
    let operation = json!({ "query": format!("query($ids:[ID!]!){{{lists}}}"), "variables": { "ids": [] } });
    let answered = peak_within_the_budget("arguments that are allowed", &operation, "\"data\"").await;
    assert!(answered > 0);
}

#[tokio::test]
async fn long_names_are_in_the_estimate() {
    let count = scale(20, 450);
    let names = fields(count, |index| format!("x{index:03}_{}:id ", "a".repeat(185)));
    let operation = json!({
        "query": format!("query($ids:[ID!]!){{campaignActivities(ids:$ids){{{names}}}}}"),
        "variables": { "ids": [] },
    });
    let answered = peak_within_the_budget("long names", &operation, "\"data\"").await;
    assert!(answered > 0);
}

#[tokio::test]
async fn errors_are_in_the_estimate_with_their_paths() {
    let id = format!("{}{}", "Z".repeat(150), "é".repeat(20));
    let errors = fields(400, |index| {
        format!("n{index:03}_{}:node(id:\"{id}{index}\"){{id}} ", "a".repeat(20))
    });
    let operation = json!({ "query": format!("{{{errors}}}") });
    let answered = peak_within_the_budget("errors", &operation, ":null,").await;
    assert!(answered > 0);
}

#[tokio::test]
async fn introspection_is_in_the_estimate() {
    let schemas = fields(scale(4, 30), |index| {
        format!(
            "s{index}:__schema{{types{{name description fields{{name description type{{name kind}}}}}}}} "
        )
    });
    let operation = json!({ "query": format!("{{{schemas}}}") });
    let answered = peak_within_the_budget("introspection", &operation, "\"data\"").await;
    assert!(answered > 0);
}

#[tokio::test]
async fn oversized_heads_end_their_connections() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let address = service.origin().trim_start_matches("http://").to_owned();
    let before = resident_megabytes(&service);
    let count = scale(200, 3_000);
    let ends = (0..count).map(async |_| {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-long: {}",
            "a".repeat(60_000)
        );
        // The service may have closed the connection before the whole head is sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut response = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut response))
            .await
            .expect("the connection ends");
        response.is_empty() || response.starts_with(b"HTTP/1.1 431 ")
    });
    let ends = join_all(ends).await;
    assert!(ends.into_iter().all(|is_refused| is_refused));
    let grown = peak_megabytes(&service).saturating_sub(before);
    eprintln!("{count} heads of 60 kB: {grown} MB more at most");
    assert!(grown < 100, "{grown} MB");
}
