//! Liveness probes during work that occupies threads for a long time.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
use sends_end_to_end::{SandboxProcess, ServiceProcess, http_client, http_client_builder};
use serde_json::{Value, json};

use super::{large, scale, ten_times_ten};

const NEVER: Duration = Duration::from_mins(5);

/// Minimum number of probes for which the maximum time is meaningful.
const MIN_PROBES: usize = 5;

async fn request(client: &Client, url: &str, body: &Value) -> (u16, usize) {
    let response = client.post(url).json(body).timeout(NEVER).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.bytes().await.unwrap().len())
}

/// Returns the time of one request that has no concurrent requests and is sent in the same way as the load.
async fn time_alone(service: &ServiceProcess, body: &Value) -> Duration {
    let (client, url) = (http_client(), format!("{}/graphql", service.origin()));
    let started = Instant::now();
    request(&client, &url, body).await;
    started.elapsed()
}

/// Sends `repeats` requests with this body from each of `clients`. Returns the statuses and lengths of the responses, and the
/// times of the concurrent probes in ascending order.
async fn probed_during(
    service: &ServiceProcess,
    body: &Value,
    clients: usize,
    repeats: usize,
) -> (Vec<(u16, usize)>, Vec<Duration>) {
    let url = format!("{}/graphql", service.origin());
    let clients = (0..clients).map(|_| {
        let (url, body) = (url.clone(), body.clone());
        tokio::spawn(async move {
            let client = http_client();
            let mut answers = Vec::new();
            for _ in 0..repeats {
                answers.push(request(&client, &url, &body).await);
            }
            answers
        })
    });
    let load = tokio::spawn(join_all(clients.collect::<Vec<_>>()));
    let probe = http_client_builder().pool_max_idle_per_host(0).build().unwrap();
    let mut times = Vec::new();
    while !load.is_finished() {
        let started = Instant::now();
        let response = probe
            .get(format!("{}/health/live", service.origin()))
            .timeout(NEVER)
            .send()
            .await;
        assert_eq!(response.unwrap().status(), 200);
        times.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.sort_unstable();
    assert!(times.len() >= MIN_PROBES, "{times:?}");
    let answers = load.await.unwrap().into_iter().flat_map(Result::unwrap);
    (answers.collect(), times)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liveness_probe_is_served_between_large_operations() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    // The response cache must not serve any of the responses.
    let service = ServiceProcess::unpaced_on(&sandbox, &["--operation-wait", "300", "--answer-cache", "0"]);
    let ids = scale(100, 500);
    let body = large(&ten_times_ten(&sandbox).await, ids);
    let (_, response) = service.post(&body).await;
    assert!(response.get("errors").is_none(), "{}", response["errors"]);
    let whole = response["data"].to_string().len();
    let alone = time_alone(&service, &body).await;
    let (answers, times) = probed_during(&service, &body, scale(8, 64), 1).await;
    let slowest = *times.last().unwrap();
    eprintln!(
        "{} operations of {} values, {alone:?} each when alone; {} probes, median {:?}, slowest {slowest:?}",
        answers.len(),
        440 * ids,
        times.len(),
        times[times.len() / 2]
    );
    // A rejection may also have status 200, so the length shows whether a response is complete.
    let is_whole = |(status, length): &(u16, usize)| *status == 200 && *length >= whole;
    assert!(answers.iter().all(is_whole), "{whole} bytes: {answers:?}");
    // Probes that waited for a worker would wait for a whole operation, and for each operation queued before them.
    assert!(slowest < alone, "{slowest:?} and {alone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liveness_probe_is_served_during_the_validation_of_long_documents() {
    let _alone = crate::alone().await;
    let service = ServiceProcess::start(&["--sandbox", "--operation-wait", "300"], &[]);
    let fields: String = (0..330)
        .map(|index| {
            format!(
                "a{index}: campaignActivity(id: \"1\") {{ isStale fetchedAt latestSend {{ sendId count }} }} "
            )
        })
        .collect::<Vec<_>>()
        .concat();
    // The service rejects the operation only after validation and planning.
    let body = json!({ "query": format!("{{ {fields} b: __schema {{ {} }} }}", types(160)) });
    let (status, response) = service.post(&body).await;
    let refusal = response.to_string();
    assert!(refusal.contains("max-answer-values"), "{refusal}");
    let alone = time_alone(&service, &body).await;
    let (answers, times) = probed_during(&service, &body, scale(64, 256), 2).await;
    let slowest = *times.last().unwrap();
    eprintln!(
        "{} texts of {} bytes, {alone:?} each when alone; {} probes, median {:?}, slowest {slowest:?}",
        answers.len(),
        body["query"].as_str().unwrap().len(),
        times.len(),
        times[times.len() / 2]
    );
    let is_same = |(other, length): &(u16, usize)| *other == status && *length == refusal.len();
    assert!(
        answers.iter().all(is_same),
        "{status}, {} bytes: {answers:?}",
        refusal.len()
    );
    // A probe that waited for a worker would take half of the time of all documents. Two or three such probes would last as long
    // as all documents.
    let (median, all): (Duration, Duration) = (times[times.len() / 2], times.iter().sum());
    assert!(3 * median < all, "{times:?}");
}

fn types(often: usize) -> String {
    (0..often)
        .map(|index| {
            format!("t{index}: types {{ name fields {{ name args {{ name }} type {{ kind name ofType {{ name }} }} }} }} ")
        })
        .collect::<Vec<_>>()
        .concat()
}

#[tokio::test]
async fn introspection_is_bounded_by_the_value_limit() {
    let _alone = crate::alone().await;
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let (status, response) = service
        .post(&json!({ "query": format!("{{ __schema {{ {} }} }}", types(160)) }))
        .await;
    let text = response.to_string();
    eprintln!("160 lists of all types: {status}, {} bytes", text.len());
    assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert!(text.contains("max-answer-values"), "{text}");
    let few = json!({ "query": format!("{{ __schema {{ {} }} }}", types(10)) });
    let (_, response) = service.post(&few).await;
    assert!(response.get("errors").is_none(), "{response}");
}
