//! Memory of responses: many large concurrent responses, and responses that exceed their estimate.

use std::time::Duration;

use reqwest::Client;
use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use crate::{
    append, is_full, large, load,
    memory::{limit_growth, peak_megabytes, resident_megabytes},
    small, ten_times_ten, until_memory_is_released,
};

/// p99 latency limit of small responses during large responses. Measured: 3 ms on two idle cores.
const MAX_FOR_SMALL: Duration = Duration::from_millis(50);

/// Maximum memory growth in the short run, in megabytes: its budget, the buffers of connections, and the allocator's own memory.
const MAX_GROWTH: u64 = 72;

#[tokio::test]
async fn concurrent_large_responses_stay_within_the_budget_and_small_responses_are_served() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let activities = ten_times_ten(&sandbox).await;
    // If there were no budget, each large response would take 7 MB in the short run and 33 MB with the full counts.
    let (options, concurrency, ids): (&[&str], _, _) = if is_full() {
        (&[], 256, 500)
    } else {
        (&["--answer-budget", "16777216"], 32, 100)
    };
    // The response cache must not serve any of the responses.
    let options = [options, &["--answer-cache", "0"]].concat();
    let service = ServiceProcess::unpaced_on(&sandbox, &options);
    let (large, small) = (large(&activities, ids), small(&activities[0]));
    let (_, lone) = service.post(&large).await;
    assert!(lone.get("errors").is_none(), "{}", lone["errors"]);
    let whole = lone["data"].to_string().len();
    drop(lone);
    if is_full() {
        // The allocator has reserved a gigabyte by now. Without the budget, this load took five gigabytes.
        limit_growth(&service, 256);
    }

    let load = load::concurrent(&service, &small, concurrency, move |client, url| {
        let large = large.clone();
        async move { answer(&client, &url, &large, whole).await }
    })
    .await;
    let (refused, answered): (Vec<_>, Vec<_>) = load.answers.iter().partition(|(status, _)| *status != 200);
    for (status, refusal) in refused {
        assert_eq!((*status, refusal.as_str()), (503, "OVERLOADED after 1"));
    }
    eprintln!(
        "{concurrency} large responses: {} returned, the others rejected; {} MB before, {} MB at most; small responses: {}",
        answered.len(),
        load.before,
        load.peak,
        load.times
    );
    assert!(!answered.is_empty());
    if is_full() {
        assert!(load.times.percentile(99) < MAX_FOR_SMALL, "{}", load.times);
    }
    load.assert_memory(MAX_GROWTH);
    until_memory_is_released(&service).await;
}

/// Returns the status and, for a rejection, its code and the time to retry. A response with status 200 is read to its end and
/// must be at least as long as its data alone. The response is not stored, because many responses are read concurrently.
async fn answer(client: &Client, url: &str, body: &Value, whole: usize) -> (u16, String) {
    let mut answer = client.post(url).json(body).send().await.unwrap();
    let status = answer.status().as_u16();
    if status == 200 {
        let mut length = 0;
        while let Some(chunk) = answer.chunk().await.unwrap() {
            length += chunk.len();
        }
        assert!(
            length >= whole,
            "{length} bytes of a response with {whole} bytes of data"
        );
        return (status, String::new());
    }
    let after = answer
        .headers()
        .get("retry-after")
        .map(|after| after.to_str().unwrap().to_owned());
    let refusal: Value = answer.json().await.unwrap();
    let code = refusal["errors"][0]["extensions"]["code"].as_str().unwrap();
    (status, format!("{code} after {}", after.unwrap_or_default()))
}

#[tokio::test]
async fn sends_beyond_the_estimate_are_charged_before_they_are_returned() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let activity = sandbox.generated_activities(1).await.remove(0);
    append(&sandbox, &activity, 400).await;
    let service = ServiceProcess::unpaced_on(&sandbox, &["--answer-budget", "4194304"]);
    let fields: String = (0..60).map(|index| format!("a{index}:id ")).collect();
    let of = |arguments: &str| json!({ "query": format!(r#"{{ campaignActivity(id: "{activity}") {{ sendHistory{arguments} {{ {fields} }} }} }}"#) });
    let (_, refused) = service.post(&of("")).await;
    let error = &refused["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
    assert!(
        error["message"].as_str().unwrap().contains("answer-budget"),
        "{refused}"
    );
    let (_, answered) = service.post(&of("(first: 20)")).await;
    let sends = answered["data"]["campaignActivity"]["sendHistory"].as_array();
    assert_eq!(sends.unwrap().len(), 20);
    until_memory_is_released(&service).await;
}

#[tokio::test]
async fn errors_are_charged_like_values() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    // The estimate, which excludes the errors, takes most of the budget of large responses.
    let fields: String = (0..30)
        .map(|index| format!("a{index}:latestSend{{id}} "))
        .collect();
    let ids: Vec<_> = (0..500)
        .map(|index| format!("00000000-0000-4000-8000-{index:012}"))
        .collect();
    let query = format!("query($ids:[ID!]!){{campaignActivities(ids:$ids){{{fields}}}}}");
    let body = json!({ "query": query, "variables": { "ids": ids } });
    let before = resident_megabytes(&service);
    let (_, refused) = service.post(&body).await;
    assert_eq!(refused["errors"].as_array().unwrap().len(), 1);
    let error = &refused["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
    assert!(
        error["message"].as_str().unwrap().contains("answer-budget"),
        "{refused}"
    );
    // The operation was executed, not rejected by its estimate. Calls that were still waiting were cancelled.
    assert!(sandbox.history_requests().await > 0);
    let grown = peak_megabytes(&service).saturating_sub(before);
    eprintln!("15,000 errors: {grown} MB");
    assert!(grown < 100, "{grown} MB");
    until_memory_is_released(&service).await;
}
