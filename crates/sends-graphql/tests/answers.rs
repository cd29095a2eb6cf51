//! Tests that compare complete responses of the executor with responses of async-graphql alone.

mod support;

use async_graphql::{Request, Response, Variables};
use sends_graphql::execution::is_request_error;
use serde_json::{Value, json};
use support::{GUIDE, Service};

async fn both(service: &Service, query: &str, variables: Value) -> (Response, Response) {
    let request = || {
        let variables = Variables::from_json(variables.clone());
        Request::new(query).variables(variables).data(service.loader())
    };
    (
        service.executor.execute(request()).await,
        service.schema.execute(request()).await,
    )
}

async fn response_text(service: &Service, query: &str) -> String {
    let request = Request::new(query).data(service.loader());
    let response = service.executor.execute(request).await;
    serde_json::to_string(&response).expect("JSON")
}

#[tokio::test]
async fn response_equals_async_graphql_in_query_order() {
    let service = Service::start().await;
    let parts = [
        "id",
        "__typename",
        "x: id",
        "sendHistory { sendId count id }",
        "latestSend { outcome sendId reason { name code } }",
        "s: sendSummary { needsAttention attemptCount }",
        "isStale",
        "...F",
        "... on CampaignActivity { fetchedAt id }",
        "first: sendHistory(first: 1) { ...S }",
        "... @include(if: $yes) { staleReason }",
        "isStale @skip(if: $no)",
    ];
    let fragments = "fragment F on CampaignActivity { latestSend { ...S sendId } id } fragment S on Send { runDate sendStatus reason { code } }";
    let mut seed = 7_usize;
    for round in 0..60 {
        let mut chosen = String::new();
        for _ in 0..=round % 6 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            chosen.push_str(parts[(seed >> 33) % parts.len()]);
            chosen.push(' ');
        }
        let query = format!(
            "query($yes: Boolean!, $no: Boolean!) {{ one: campaignActivity(id: \"{GUIDE}\") {{ {chosen} ...F ...Y }} \
             many: campaignActivities(ids: [\"{GUIDE}\", \"{GUIDE}\"]) {{ {chosen} ...Y ...F }} \
             reasonCodes {{ name code }} }} \
             fragment Y on CampaignActivity {{ id @skip(if: $no) isStale @include(if: $yes) }} {fragments}"
        );
        // Executions after the first use the cached document.
        for _ in 0..3 {
            let (ours, theirs) = both(&service, &query, json!({ "yes": true, "no": false })).await;
            assert_eq!(ours.errors, [], "{query}");
            let value = |response: &Response| serde_json::to_value(&response.data).expect("JSON");
            let fetched = |mut value: Value| {
                remove_key(&mut value, "fetchedAt");
                value
            };
            assert_eq!(fetched(value(&ours)), fetched(value(&theirs)), "{query}");
            let text = serde_json::to_string(&ours.data).expect("JSON");
            let positions = ["\"one\"", "\"many\"", "\"reasonCodes\""].map(|key| text.find(key));
            assert!(positions.is_sorted(), "{text}");
        }
    }
}

fn remove_key(value: &mut Value, key: &str) {
    match value {
        Value::Object(object) => {
            object.remove(key);
            object.values_mut().for_each(|below| remove_key(below, key));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove_key(item, key)),
        _ => {}
    }
}

#[tokio::test]
async fn delayed_fields_keep_the_order_of_the_query() {
    let service = Service::start().await;
    let query = format!(
        "{{ campaignActivity(id: \"{GUIDE}\") {{ latestSend {{ sendId }} id sendSummary {{ attemptCount }} b: id }} reasonCodes {{ code @skip(if: true) }} }}"
    );
    let response = response_text(&service, &query).await;
    assert!(
        response.starts_with(&format!(
            r#"{{"data":{{"campaignActivity":{{"latestSend":{{"sendId":2}},"id":"{GUIDE}","sendSummary":{{"attemptCount":2}},"b":"{GUIDE}"}},"reasonCodes":[{{}},"#
        )),
        "{response}"
    );
}

#[tokio::test]
async fn directive_uses_the_default_of_its_variable() {
    let service = Service::start().await;
    let query = "query($yes: Boolean = true) { a: reasonCodes @skip(if: $yes) { code } b: __typename }";
    assert_eq!(response_text(&service, query).await, r#"{"data":{"b":"Query"}}"#);
    let nothing = response_text(&service, "{ __typename @skip(if: true) }").await;
    assert_eq!(nothing, r#"{"data":{}}"#);
}

#[tokio::test]
async fn disabled_introspection_reveals_nothing_of_the_schema() {
    let service = Service::start().await;
    let executor = service.executor.clone().with_introspection(false);
    for query in [
        "{ __schema { types { name } } }",
        "{ ...F } fragment F on Query { t: __type(name: \"Query\") { name } }",
        "{ campaignActivit }",
        "{ campaignActivity(di: 1) { id } }",
    ] {
        let response = executor.execute(Request::new(query).data(service.loader())).await;
        assert!(is_request_error(&response), "{query}: {response:?}");
        for error in &response.errors {
            assert!(!error.message.contains("Did you mean"), "{query}: {response:?}");
        }
    }
    let response = executor.execute(Request::new("{ __typename }")).await;
    assert_eq!(
        serde_json::to_string(&response).expect("JSON"),
        r#"{"data":{"__typename":"Query"}}"#
    );
}

#[tokio::test]
async fn conflicting_fields_are_rejected_at_any_depth() {
    let service = Service::start().await;
    let activity = |inner: &str| format!("{{ campaignActivity(id: \"{GUIDE}\") {{ {inner} }} }}");
    let conflicts = [
        activity("x: id x: isStale"),
        activity("latestSend { x: sendId } latestSend { x: count }"),
        activity(
            "sendHistory(first: 1) { sendId } ... on CampaignActivity { sendHistory(first: 2) { sendId } }",
        ),
        activity("latestSend { reason { x: code } } ...F")
            + " fragment F on CampaignActivity { latestSend { ...G } } fragment G on Send { reason { x: name } }",
        format!("{{ campaignActivity(id: \"{GUIDE}\") {{ id }} campaignActivity(id: \"other\") {{ id }} }}"),
        "{ nodes(ids: [1]) { id } nodes(ids: [1, 2]) { id } }".to_owned(),
        format!(
            "query($a: ID = \"{GUIDE}\") {{ campaignActivity(id: \"{GUIDE}\") {{ id }} campaignActivity(id: $a) {{ id }} }}"
        ),
    ];
    for query in conflicts {
        let response = service
            .executor
            .execute(Request::new(&query).data(service.loader()))
            .await;
        assert!(is_request_error(&response), "{query}: {response:?}");
        let message = &response.errors[0].message;
        assert!(
            message.contains("same name") || message.contains("same alias"),
            "{message}"
        );
    }
    let fine = activity("x: id x: id latestSend { sendId } latestSend { sendId count } ...F")
        + " fragment F on CampaignActivity { latestSend { count } }";
    assert!(!response_text(&service, &fine).await.contains("errors"));
}

#[tokio::test]
async fn request_errors_are_distinguished_from_field_errors() {
    let service = Service::start().await;
    for (query, is_request) in [
        ("{ nothing }", true),
        ("{", true),
        ("query($id: ID!) { campaignActivity(id: $id) { id } }", true),
        ("{ campaignActivity(id: \"x\") { id } }", false),
        ("{ campaignActivities(ids: [\"x\"], maxAge: -1) { id } }", false),
    ] {
        let response = service
            .executor
            .execute(Request::new(query).data(service.loader()))
            .await;
        assert_eq!(is_request_error(&response), is_request, "{query}: {response:?}");
        assert!(!response.errors.is_empty());
    }
}

fn unknown_fields(count: usize) -> String {
    let names: Vec<String> = (0..count)
        .map(|index| format!("campaignActivit{index}"))
        .collect();
    names.join(" ")
}

#[tokio::test]
async fn number_of_reported_errors_is_limited() {
    let service = Service::start().await;
    let fields = unknown_fields(400);
    let response = service
        .executor
        .execute(Request::new(format!("{{ {fields} }}")).data(service.loader()))
        .await;
    assert_eq!(response.errors.len(), 21);
    assert_eq!(response.errors[20].message, "380 further errors are not shown.");
}

#[tokio::test]
async fn panic_of_a_resolver_fails_only_its_operation() {
    let service = Service::start().await;
    // The resolver panics if the context has no loader.
    let query = format!("{{ campaignActivity(id: \"{GUIDE}\") {{ isStale }} }}");
    let response = service.executor.execute(Request::new(query)).await;
    insta::assert_json_snapshot!(response, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "The service failed to answer.",
          "extensions": {
            "code": "INTERNAL"
          }
        }
      ]
    }
    "#);
    assert!(!is_request_error(&response));
    assert_eq!(
        response_text(&service, "{ __typename }").await,
        r#"{"data":{"__typename":"Query"}}"#
    );
}

#[tokio::test]
async fn variable_of_an_unknown_type_is_a_user_error() {
    let service = Service::start().await;
    for (variable, unknown) in [
        ("$ids: [I] = 1", "I"),
        ("$ids: Nothing", "Nothing"),
        ("$a: [[X!]!]! = []", "X"),
    ] {
        let response = response_text(
            &service,
            &format!("query Q({variable}) {{ reasonCodes {{ code }} }}"),
        )
        .await;
        assert!(response.contains(&format!("`{unknown}`")), "{response}");
        assert!(response.contains("BAD_USER_INPUT"), "{response}");
    }
}
