//! Upstream calls of one operation, according to the sandbox's log.

use std::{collections::HashMap, fmt::Write, time::Duration};

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::json;

#[tokio::test]
async fn hundred_aliases_over_forty_activities_cost_forty_calls() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = sandbox.activities(40).await;

    let mut query = String::from("query { ");
    for alias in 0..100 {
        write!(
            query,
            r#"a{alias}: campaignActivity(id: "{}") {{ ...Sends }} "#,
            activities[alias * 7 % 40]
        )
        .unwrap();
    }
    write!(
        query,
        "all: campaignActivities(ids: {}) {{ latestSend {{ sendId }} sendSummary {{ attemptCount }} }} }}",
        json!(activities)
    )
    .unwrap();
    query.push_str(
        " fragment Sends on CampaignActivity { sendHistory { sendId count } latestSend { sendId } }",
    );
    let response = service.query(&query).await;

    assert!(response.get("errors").is_none(), "{}", response["errors"]);
    for alias in 0..100 {
        let one = &response["data"][format!("a{alias}")]["latestSend"];
        assert_eq!(
            one,
            &response["data"]["all"][alias * 7 % 40]["latestSend"],
            "alias {alias}"
        );
    }
    let mut requested: HashMap<String, usize> = HashMap::new();
    for request in sandbox.requests().await {
        assert_eq!(
            (request["method"].as_str(), request["status"].as_u64()),
            (Some("GET"), Some(200))
        );
        *requested
            .entry(request["path"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    let expected = activities
        .iter()
        .map(|id| (format!("/v3/emails/activities/{id}/send_history"), 1))
        .collect();
    assert_eq!(requested, expected);
}

#[tokio::test]
async fn calls_of_one_operation_are_concurrent() {
    let sandbox = SandboxProcess::unlimited(&["--latency-ms", "2000"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = sandbox.activities(40).await;
    let query = format!(
        "{{ campaignActivities(ids: {}) {{ sendHistory {{ sendId }} }} }}",
        json!(activities)
    );
    assert!(service.query(&query).await.get("errors").is_none());
    // Sequential calls would never be in flight at the same time.
    let in_flight = sandbox.greatest_in_flight().await;
    assert!(in_flight >= 20, "{in_flight} of 40 calls were concurrent");
}

#[tokio::test]
async fn slow_activity_delays_neither_calls_nor_responses_of_others() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = sandbox.activities(3).await;
    sandbox.slow_down(&activities[0], 10_000).await;
    let slow_and_fast = format!(
        "{{ campaignActivities(ids: {}) {{ latestSend {{ sendId }} }} }}",
        json!(activities)
    );
    let fast = format!(
        r#"{{ campaignActivity(id: "{}") {{ latestSend {{ sendId }} }} }}"#,
        activities[1]
    );

    let slow = service.query(&slow_and_fast);
    let others = async {
        service.query(&fast).await;
        // The three calls of the first operation reach the upstream together, although one of them takes ten seconds.
        while sandbox.history_requests().await < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        response = slow => panic!("the slow response arrived first: {response}"),
        () = others => {}
    }
}
