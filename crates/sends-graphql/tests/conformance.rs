//! Tests of operations that graphql-js and async-graphql execute differently. `tests/graphql_conformance` compares random
//! operations with graphql-js itself.

mod support;

use async_graphql::Variables;
use sends_graphql::execution::is_request_error;
use serde_json::{Value, json};
use support::{GUIDE, Service};

struct Executed {
    /// Serialized data, with fields in response order.
    data: String,
    errors: Vec<Value>,
    is_rejected: bool,
}

async fn execute(service: &Service, query: &str, variables: Value) -> Executed {
    let request = service.request(query).variables(Variables::from_json(variables));
    let response = service.executor.execute(request).await;
    Executed {
        data: serde_json::to_string(&response.data).expect("JSON"),
        is_rejected: is_request_error(&response),
        errors: response.errors.iter().map(|error| json!(error.path)).collect(),
    }
}

async fn data(service: &Service, query: &str, variables: Value) -> String {
    let executed = execute(service, query, variables).await;
    assert_eq!(executed.errors, [] as [Value; 0], "{query}");
    executed.data
}

#[tokio::test]
async fn fragments_on_other_types_do_not_affect_values() {
    let service = Service::start().await;
    let send = format!("{GUIDE}:1");
    let campaign = "{ campaign { id name } }";
    let plain = format!("{{ campaignActivity(id: \"{GUIDE}\") {campaign} }}");
    let plain = data(&service, &plain, json!({})).await;
    let activity = plain
        .strip_prefix(r#"{"campaignActivity":"#)
        .and_then(|rest| rest.strip_suffix('}'))
        .expect("an activity");
    let name = serde_json::from_str::<Value>(activity).expect("JSON")["campaign"]["name"].clone();
    let id = serde_json::from_str::<Value>(activity).expect("JSON")["campaign"]["id"].clone();
    let nodes = format!(
        "{{ nodes(ids: [\"{GUIDE}\", \"{send}\"]) {{ ... on CampaignActivity {{ campaign {{ name }} }} \
         ... on Send {{ campaign {{ id }} }} }} }}"
    );
    assert_eq!(
        data(&service, &nodes, json!({})).await,
        format!(r#"{{"nodes":[{{"campaign":{{"name":{name}}}}},{{"campaign":{{"id":{id}}}}}]}}"#)
    );
    let concrete = format!(
        "{{ campaignActivity(id: \"{GUIDE}\") {{ ... on Node {{ ... on Send {{ campaign {{ id }} }} \
         ... on CampaignActivity {{ campaign {{ name }} }} }} }} }}"
    );
    assert_eq!(
        data(&service, &concrete, json!({})).await,
        format!(r#"{{"campaignActivity":{{"campaign":{{"name":{name}}}}}}}"#)
    );
}

#[tokio::test]
async fn omitted_variable_uses_the_default_and_null_fails_the_field() {
    let service = Service::start().await;
    let query = format!(
        "query($o: SendOrder) {{ campaignActivity(id: \"{GUIDE}\") {{ sendHistory(orderBy: $o) {{ sendId }} }} }}"
    );
    for (variables, sends) in [
        (json!({}), r#"[{"sendId":1},{"sendId":2}]"#),
        (json!({ "o": "NEWEST_FIRST" }), r#"[{"sendId":2},{"sendId":1}]"#),
    ] {
        assert_eq!(
            data(&service, &query, variables).await,
            format!(r#"{{"campaignActivity":{{"sendHistory":{sends}}}}}"#)
        );
    }
    let executed = execute(&service, &query, json!({ "o": null })).await;
    assert_eq!(executed.data, r#"{"campaignActivity":{"sendHistory":null}}"#);
    assert_eq!(executed.errors, [json!(["campaignActivity", "sendHistory"])]);
}

#[tokio::test]
async fn null_directive_argument_fails_the_enclosing_field() {
    let service = Service::start().await;
    let query = format!(
        "query($v: Boolean = false) {{ campaignActivity(id: \"{GUIDE}\") {{ id @skip(if: $v) }} reasonCodes {{ code }} }}"
    );
    let executed = execute(&service, &query, json!({ "v": null })).await;
    assert!(
        executed
            .data
            .starts_with(r#"{"campaignActivity":null,"reasonCodes":[{"code":0}"#),
        "{}",
        executed.data
    );
    assert_eq!(executed.errors, [json!(["campaignActivity"])]);
}

#[tokio::test]
async fn valid_operations_are_executed() {
    let service = Service::start().await;
    let activity = format!("campaignActivity(id: \"{GUIDE}\")");
    for (query, variables, expected) in [
        (
            "query($v: Boolean!) { __typename @include(if: $v) }".to_owned(),
            json!({ "v": true }),
            r#"{"__typename":"Query"}"#.to_owned(),
        ),
        (
            format!(
                "{{ node(id: \"{GUIDE}:1\") {{ ... on Send {{ at: runDate }} ... on Campaign {{ at: createdAt }} ... on Segment {{ at: updatedAt }} }} }}"
            ),
            json!({}),
            r#"{"node":{"at":"2019-04-18T20:03:08.000Z"}}"#.to_owned(),
        ),
        (
            format!("{{ {activity} {{ sendHistory(first: -0) {{ id }} }} }}"),
            json!({}),
            r#"{"campaignActivity":{"sendHistory":[]}}"#.to_owned(),
        ),
        (
            r#"{ sends(filter: { campaignName: """no \""" such""" }) { nodes { id } } }"#.to_owned(),
            json!({}),
            r#"{"sends":{"nodes":[]}}"#.to_owned(),
        ),
        (
            r#"{ sends(filter: { campaignName: "\ud83d\ude00\u{1F600}" }) { nodes { id } } }"#.to_owned(),
            json!({}),
            r#"{"sends":{"nodes":[]}}"#.to_owned(),
        ),
        (
            r#"{ __type(name: "Node") { interfaces { name } } }"#.to_owned(),
            json!({}),
            r#"{"__type":{"interfaces":[]}}"#.to_owned(),
        ),
        (
            format!(
                "{{ nodes(ids: [\"{GUIDE}\"]) {{ ... on Send {{ count }} b: id ... on CampaignActivity {{ a: id }} c: __typename }} }}"
            ),
            json!({}),
            format!(r#"{{"nodes":[{{"b":"{GUIDE}","a":"{GUIDE}","c":"CampaignActivity"}}]}}"#),
        ),
        (
            format!("{{ ...,on Query {{ {activity} {{ id }} }} }}"),
            json!({}),
            format!(r#"{{"campaignActivity":{{"id":"{GUIDE}"}}}}"#),
        ),
    ] {
        let executed = execute(&service, &query, variables).await;
        assert_eq!(executed.data, expected, "{query}");
        assert_eq!(executed.errors, [] as [Value; 0], "{query}");
    }
}

#[tokio::test]
async fn invalid_operations_are_rejected() {
    let service = Service::start().await;
    let history = |declared: &str, arguments: &str| {
        format!(
            "query {declared} {{ campaignActivity(id: \"{GUIDE}\") {{ sendHistory({arguments}) {{ id }} }} }}"
        )
    };
    for query in [
        history("($v: String)", "first: $v"),
        history("($v: Int!)", "filter: { reasonCodes: [$v], statuses: $v }"),
        history("($v: Int)", "filter: { reasonCodes: [$v] }"),
        history("($v: String)", "filter: { from: $v }"),
        "query($v: ID) { campaignActivity(id: $v) { id } }".to_owned(),
        "query($v: ID!) { nodes(ids: $v) { id } }".to_owned(),
        "query($v: ID) { nodes(ids: [$v]) { id } }".to_owned(),
        "query($v: Boolean = null) { __typename @skip(if: $v) }".to_owned(),
        history("", "orderBy: \"NEWEST_FIRST\""),
        history("", "filter: { reasonCodes: [1], reasonCodes: [2] }"),
        history("", "filter: { from: \"yesterday\" }"),
        history("($v: Int @skip(if: true))", "first: $v"),
        "{ __typename(a: 1) }".to_owned(),
        "{ __typename { id } }".to_owned(),
        "{ __typename @nothing }".to_owned(),
        "{ __typename @skip }".to_owned(),
        "{ __typename @skip(if if: true) }".to_owned(),
        "{ nodes(ids: [1]) { id } nodes(ids: [1, 2]) { id } }".to_owned(),
    ] {
        let executed = execute(&service, &query, json!({ "v": 1 })).await;
        assert!(executed.is_rejected, "{query}: {}", executed.data);
    }
}

#[tokio::test]
async fn failed_non_null_field_nulls_the_data_with_introspection() {
    let service = Service::start().await;
    let query =
        "query($ids: [ID!] = []) { __type(name: \"Node\") { kind } campaignActivities(ids: $ids) { id } }";
    let executed = execute(&service, query, json!({ "ids": null })).await;
    assert_eq!(executed.data, "null");
    assert_eq!(executed.errors, [json!(["campaignActivities"])]);
}
