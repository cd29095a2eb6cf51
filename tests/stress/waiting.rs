//! Responses from cached histories during operations that wait for the upstream, and the memory of the waiting operations.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use sends_end_to_end::{SandboxProcess, ServiceProcess, http_client};
use serde_json::{Value, json};

use super::{is_full, load, memory::peak_megabytes, metric, scale, until_memory_is_released};

/// Delay of the slow activities, longer than the whole test.
const SLOW_MS: u64 = 20_000;

const WORKING: usize = 256;

const STALLED: Duration = Duration::from_secs(6);

/// p99 latency limit of responses from cached histories under this load.
const MAX_FOR_CACHED: Duration = Duration::from_millis(50);

const MAX_MEGABYTES: u64 = 256;

fn history(activity: &str) -> Value {
    json!({ "query": format!("{{ campaignActivity(id: \"{activity}\") {{ sendHistory {{ sendId count }} }} }}") })
}

/// Asserts that a history was returned. The status is not sufficient, because a rejected document also has status 200.
fn assert_answered(response: &Value) {
    assert!(response.get("errors").is_none(), "{response}");
    let history = &response["data"]["campaignActivity"]["sendHistory"];
    assert!(history.is_array(), "{response}");
}

/// Requests these slow activities in tasks, which the test aborts later. Waits until all calls have reached the upstream.
async fn requests_without_response(
    sandbox: &SandboxProcess,
    service: &ServiceProcess,
    activities: &[String],
) -> Vec<tokio::task::JoinHandle<()>> {
    let before = sandbox.requests().await.len();
    let asking = activities.iter().map(|activity| {
        let request = sends_end_to_end::http_client()
            .post(format!("{}/graphql", service.origin()))
            .json(&history(activity));
        tokio::spawn(async move { drop(request.send().await) })
    });
    let asking = asking.collect();
    sandbox.requests_reach(before + activities.len()).await;
    asking
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cached_histories_are_served_while_other_operations_wait_for_the_upstream() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let working = scale(8, WORKING);
    let places = working.to_string();
    let service = ServiceProcess::unpaced_on(
        &sandbox,
        &[
            "--max-operations",
            &places,
            "--operation-wait",
            "1",
            "--request-timeout",
            "20",
        ],
    );
    let activities = sandbox.generated_activities(40 + working).await;
    let (known, cold) = activities.split_at(40);
    for activity in known {
        assert_answered(&service.post(&history(activity)).await.1);
    }
    for activity in cold {
        sandbox.slow_down(activity, SLOW_MS).await;
    }
    let waiting = requests_without_response(&sandbox, &service, cold).await;
    // The requests differ from the earlier requests, so that no cached response is returned.
    let again = known.iter().map(|activity| {
        let mut body = history(activity);
        body["operationName"] = Value::Null;
        let service = &service;
        async move { service.post(&body).await }
    });
    let answers = join_all(again).await;
    let refused = answers.iter().filter(|(status, _)| *status == 503).count();
    eprintln!(
        "{} operations wait; of {} queries for cached histories, {refused} were rejected",
        cold.len(),
        known.len()
    );
    let metrics = service.get("/metrics").await.1;
    for task in &waiting {
        task.abort();
    }
    for (status, response) in &answers {
        assert_eq!(*status, 200, "{response}");
        assert_answered(response);
    }
    let taken = format!("sends_bulkhead_in_use{{name=\"waiting_operations\"}} {working}");
    assert!(metrics.contains(&taken), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operation_without_a_waiting_permit_reports_it_and_returns_cached_data() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(
        &sandbox,
        &["--max-waiting-operations", "2", "--request-timeout", "20"],
    );
    let activities = sandbox.generated_activities(4).await;
    let (known, cold) = activities.split_at(1);
    assert_answered(&service.post(&history(&known[0])).await.1);
    for activity in cold {
        sandbox.slow_down(activity, SLOW_MS).await;
    }
    let waiting = requests_without_response(&sandbox, &service, &cold[..2]).await;
    let query = format!(
        "{{ known: campaignActivity(id: \"{}\") {{ sendHistory {{ count }} }} cold: campaignActivity(id: \"{}\") {{ sendHistory {{ count }} }} }}",
        known[0], cold[2]
    );
    let (_, response) = service.post(&json!({ "query": query })).await;
    let metrics = service.get("/metrics").await.1;
    for task in &waiting {
        task.abort();
    }
    assert!(response["data"]["known"]["sendHistory"].is_array(), "{response}");
    let error = &response["errors"][0];
    assert_eq!(error["extensions"]["code"], "OVERLOADED", "{response}");
    assert_eq!(error["path"][0], "cold", "{response}");
    assert!(
        metrics.contains("sends_bulkhead_refused_total{name=\"waiting_operations\"} 1"),
        "{metrics}"
    );
}

/// Sends these operations concurrently, each over its own connection, and cancels them after [`STALLED`]. Returns the statuses of
/// the responses, and the number of operations that waited after half of that time.
async fn stalled(origin: String, operations: Vec<Value>) -> (Vec<u16>, u64) {
    let (client, url) = (http_client(), format!("{origin}/graphql"));
    let requested = operations.iter().map(|operation| {
        let response = client.post(&url).json(operation).send();
        async move {
            let response = tokio::time::timeout(STALLED, response).await.ok()?;
            Some(response.unwrap().status().as_u16())
        }
    });
    let waiting = async {
        tokio::time::sleep(STALLED / 2).await;
        waiting(&client, &origin).await
    };
    let (statuses, waiting) = futures_util::future::join(join_all(requested), waiting).await;
    (statuses.into_iter().flatten().collect(), waiting)
}

async fn waiting(client: &Client, origin: &str) -> u64 {
    let metrics = client.get(format!("{origin}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let name = "sends_bulkhead_in_use{name=\"waiting_operations\"} ";
    let value = metrics.lines().find_map(|line| line.strip_prefix(name));
    value.unwrap().parse().unwrap()
}

/// Function that builds an operation about an activity, distinct for each number.
type Operation<'o> = &'o dyn Fn(&str, usize) -> Value;

async fn stall_histories(sandbox: &SandboxProcess) {
    sandbox
        .fault(&json!({ "kind": "stall", "path_contains": "/send_history" }))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cached_histories_are_served_while_dashboards_wait() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    // The dashboards of either run need more than the budget of small responses.
    let (options, dashboards): (&[&str], _) = if is_full() {
        (&[], 40)
    } else {
        (&["--answer-budget", "33554432"], 8)
    };
    let options = [options, &["--answer-cache", "0", "--request-timeout", "20"]].concat();
    let service = ServiceProcess::unpaced_on(&sandbox, &options);
    let activities = sandbox.generated_activities(340).await;
    let (known, cold) = activities.split_at(40);
    for activity in known {
        assert_answered(&service.post(&history(activity)).await.1);
    }
    stall_histories(&sandbox).await;
    let query = "query($ids:[ID!]!){campaignActivities(ids:$ids){id latestSend{id outcome}}}";
    let operations = (0..dashboards).map(|number| {
        let ids: Vec<_> = cold.iter().cycle().skip(7 * number).take(40).collect();
        json!({ "query": query, "variables": { "ids": ids } })
    });
    let load = load::on_a_thread(stalled(service.origin().to_owned(), operations.collect()));
    let ((answered, waited), times) = load::times_during(load, async || {
        let (status, response) = service.post(&history(&known[0])).await;
        assert_eq!(status, 200, "{response}");
        assert_answered(&response);
    })
    .await;
    let refused = metric(&service, "sends_bulkhead_refused_total{name=\"small_answers\"}").await;
    eprintln!("{waited} dashboards wait; known histories: {times}");
    assert_eq!((answered, waited), (Vec::new(), dashboards as u64));
    assert_eq!(refused, 0);
    if is_full() {
        assert!(times.percentile(99) < MAX_FOR_CACHED, "{times}");
    }
    until_memory_is_released(&service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_of_waiting_operations_is_bounded() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::unlimited(&[]);
    let activities = sandbox.generated_activities(64).await;
    stall_histories(&sandbox).await;
    let long_text = |activity: &str, number: usize| {
        let comment = "c".repeat(99_800);
        json!({ "query": format!(r#"{{campaignActivity(id:"{activity}"){{latestSend{{id}}}}}}#{number:05}{comment}"#) })
    };
    let many_fields = |activity: &str, number: usize| {
        let fields: String = (0..450)
            .map(|field| {
                format!(
                    "a{field}_{number}:sendHistory(first:1){{id sendId count outcome runDate sendStatus}}"
                )
            })
            .collect();
        json!({ "query": format!(r#"{{campaignActivity(id:"{activity}"){{{fields}}}}}"#) })
    };
    let many_variables = |activity: &str, number: usize| {
        let values: Vec<Vec<String>> = vec![vec!["v".repeat(20); 490]; 10];
        json!({
            "query": format!(r#"{{campaignActivity(id:"{activity}"){{latestSend{{id}}}}}}#{number}"#),
            "variables": { "values": values },
        })
    };
    let kinds: [(&str, Operation<'_>); 3] = [
        ("long texts", &long_text),
        ("many fields", &many_fields),
        ("many variables", &many_variables),
    ];
    let count = scale(48, 256);
    for (name, operation) in kinds {
        let service = ServiceProcess::unpaced_on(&sandbox, &["--request-timeout", "20"]);
        let activities = activities.iter().cycle().enumerate().take(count);
        let operations = activities.map(|(number, activity)| operation(activity, number));
        let load = load::on_a_thread(stalled(service.origin().to_owned(), operations.collect()));
        let load = tokio::task::spawn_blocking(|| load.join().unwrap());
        let (answered, waited) = load.await.unwrap();
        let (peak, refused) = (peak_megabytes(&service), answered.len());
        eprintln!("{count} operations with {name}: {waited} wait, {refused} rejected, {peak} MB");
        assert!(
            waited > 0 && answered.iter().all(|status| *status == 503),
            "{answered:?}"
        );
        assert!(peak <= MAX_MEGABYTES, "{peak} MB");
        until_memory_is_released(&service).await;
    }
}
