//! Federation subgraph: queries of a gateway and their cost.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

const ENTITIES: &str = "query ($representations: [_Any!]!) {
    _entities(representations: $representations) { __typename ... on CampaignActivity { id latestSend { sendId } } }
}";

fn representation(id: &str) -> Value {
    json!({ "__typename": "CampaignActivity", "id": id })
}

async fn entities(service: &ServiceProcess, representations: &[Value]) -> Value {
    let variables = json!({ "representations": representations });
    service
        .post(&json!({ "query": ENTITIES, "variables": variables }))
        .await
        .1
}

#[tokio::test]
async fn representations_are_fetched_concurrently_with_one_call_per_activity() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--federation"]);
    let activities = sandbox.activities(40).await;
    sandbox
        .fault(&json!({ "kind": "latency", "delay_ms": 1_000 }))
        .await;
    let mut requested: Vec<Value> = activities.iter().map(|id| representation(id)).collect();
    requested.extend_from_within(..10);
    let response = entities(&service, &requested).await;
    let entities = response["data"]["_entities"].as_array().unwrap();
    assert_eq!(entities.len(), 50);
    for (entity, representation) in entities.iter().zip(&requested) {
        assert_eq!(entity["id"], representation["id"]);
    }
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(sandbox.requests().await.len(), 40);
    // Sequential calls would never be in flight at the same time.
    let in_flight = sandbox.greatest_in_flight().await;
    assert!(in_flight >= 20, "{in_flight} of 40 calls were concurrent");
}

#[tokio::test]
async fn invalid_representation_nulls_only_its_own_item() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--federation"]);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let requested = [
        representation(GUIDE_ACTIVITY),
        representation("x"),
        json!({ "__typename": "Send", "id": GUIDE_ACTIVITY }),
        json!({ "__typename": "CampaignActivity" }),
        json!(7),
        representation(unknown),
    ];
    let response = entities(&service, &requested).await;
    let entities = &response["data"]["_entities"];
    assert_eq!(entities[0]["latestSend"]["sendId"], 2);
    for place in 1..=4 {
        assert!(entities[place].is_null(), "{response}");
    }
    assert_eq!(entities[5]["latestSend"], Value::Null);
    let errors = response["errors"].as_array().unwrap();
    let error_at = |path: Value| errors.iter().find(|error| error["path"] == path).unwrap();
    for place in 1..=4 {
        let error = error_at(json!(["_entities", place]));
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
    }
    let error = error_at(json!(["_entities", 5, "latestSend"]));
    assert_eq!(error["extensions"]["code"], "NOT_FOUND");
    assert_eq!(errors.len(), 5);
}

#[tokio::test]
async fn excess_representations_are_rejected_before_any_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--federation"]);
    let response = entities(&service, &vec![representation(GUIDE_ACTIVITY); 501]).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{response}"
    );
    assert_eq!(sandbox.requests().await.len(), 0);
}

#[tokio::test]
async fn federation_entry_points_exist_only_if_enabled() {
    let query = "{ _service { sdl } reasonCodes { code } }";
    let subgraph = ServiceProcess::start(&["--sandbox"], &[("SENDS_FEDERATION", "true")]);
    let response = subgraph.query(query).await;
    let sdl = response["data"]["_service"]["sdl"].as_str().unwrap();
    assert!(sdl.contains(r#"@key(fields: "id")"#), "{sdl}");
    assert_eq!(response["data"]["reasonCodes"].as_array().unwrap().len(), 13);
    let plain = ServiceProcess::start(&["--sandbox"], &[]);
    let response = plain.query(query).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
        "{response}"
    );
}
