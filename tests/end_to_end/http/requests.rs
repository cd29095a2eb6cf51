//! GraphQL over HTTP: media types, status codes, methods, and invalid requests.

use reqwest::Method;
use serde_json::{Value, json};

use super::{QUERY, body, client, get, guide_query, header, post, rejection, send, service};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

#[tokio::test]
async fn request_error_is_400_in_the_graphql_media_type_and_200_in_json() {
    let service = service(&[]);
    let missing = json!({ "query": "query ($id: ID!) { campaignActivity(id: $id) { id } }" });
    for request in [body("{"), body("{ nothing }"), missing] {
        for (accept, expected) in [(GRAPHQL_RESPONSE, 400), ("application/json", 200), ("*/*", 200)] {
            let response = send(post(&service).header("accept", accept).json(&request)).await;
            assert_eq!(response.status(), expected, "{accept} {request}");
            let is_own = header(&response, "content-type").starts_with(GRAPHQL_RESPONSE);
            assert_eq!(is_own, accept == GRAPHQL_RESPONSE);
            let message: Value = response.json().await.unwrap();
            assert!(
                message.get("data").is_none() && !message["errors"][0]["message"].is_null(),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn invalid_graphql_request_is_rejected_with_a_specific_status() {
    let service = service(&["--body-limit", "2000"]);
    let post = || post(&service);
    let json = || post().header("content-type", "application/json");
    let cases = [
        (post().body("{}"), 415),
        (post().header("content-type", "text/plain").body("{}"), 415),
        (
            post()
                .header("content-type", "application/x-www-form-urlencoded")
                .body("query={a}"),
            415,
        ),
        (
            post().header("content-type", "application/graphql").body("{a}"),
            415,
        ),
        (
            post()
                .header("content-type", "application/json; charset=utf-16")
                .body("{}"),
            415,
        ),
        (json().header("content-encoding", "gzip").body("{}"), 415),
        (json().header("accept", "text/html").body("{}"), 406),
        (json().body(""), 400),
        (json().body("{\"query\""), 400),
        (json().body("\u{fffd}"), 400),
        (json().body("{}"), 400),
        (json().body(r#"{"query":1}"#), 400),
        (json().body(r#"{"query":"{a}","variables":[]}"#), 400),
        (json().body(r#"{"query":"{a}","operationName":1}"#), 400),
        (json().body(r#"[{"query":"{a}"}]"#), 400),
        (json().body(format!(r#"{{"query":"{}"}}"#, "a".repeat(2000))), 413),
    ];
    for (request, expected) in cases {
        let described = format!("{request:?}");
        assert_eq!(rejection(request).await.0, expected, "{described}");
    }
}

#[tokio::test]
async fn unsupported_method_is_rejected_with_the_allowed_methods() {
    let service = service(&[]);
    let url = format!("{}/graphql", service.origin());
    for (method, expected) in [(Method::PUT, 405), (Method::DELETE, 405), (Method::OPTIONS, 204)] {
        let response = send(client().request(method.clone(), &url)).await;
        assert_eq!(response.status(), expected, "{method}");
        assert_eq!(header(&response, "allow"), "GET, HEAD, POST, OPTIONS");
    }
    let response = send(get(&service, &[("query", "mutation { a }")])).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "allow")),
        (405, "POST")
    );
    let head = client()
        .head(&url)
        .query(&[("query", QUERY)])
        .header("graphql-require-preflight", "1");
    let response = send(head).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn get_with_a_matching_etag_returns_304() {
    let service = service(&[]);
    let query = guide_query();
    let get = || get(&service, &[("query", &query)]);
    let first = send(get()).await;
    assert_eq!(header(&first, "cache-control"), "private, no-cache");
    assert!(header(&first, "vary").contains("accept"));
    let tag = header(&first, "etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    // The second response costs no call, but is otherwise the same.
    for known in [tag.clone(), format!("\"other\", {tag}")] {
        let again = send(get().header("if-none-match", known)).await;
        assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, &*tag));
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }
    let other = send(get().header("if-none-match", "W/\"other\"")).await;
    assert_eq!(other.status(), 200);
    let failed = super::get(&service, &[("query", "{ campaignActivity(id: \"x\") { id } }")]);
    assert_eq!(header(&send(failed).await, "etag"), "");
}

#[tokio::test]
async fn names_in_batch_responses_follow_the_order_of_the_query() {
    let service = service(&["--batch-limit", "2"]);
    let batch = json!([body("{ b: __typename a: __typename }")]);
    let response = send(post(&service).json(&batch)).await.text().await.unwrap();
    assert!(
        response.starts_with(r#"[{"data":{"b":"Query","a":"Query"}"#),
        "{response}"
    );
}

#[tokio::test]
async fn batch_responses_are_in_order_where_batches_are_allowed() {
    let service = service(&["--batch-limit", "3"]);
    let batch = json!([body(QUERY), body("{"), body("{ __typename }")]);
    let response: Value = send(post(&service).json(&batch)).await.json().await.unwrap();
    assert!(response[0]["data"]["reasonCodes"].is_array(), "{response}");
    assert!(
        response[1].get("data").is_none() && response[1]["errors"].is_array(),
        "{response}"
    );
    assert_eq!(response[2]["data"]["__typename"], "Query");
    let too_many = json!(vec![body(QUERY); 4]);
    assert_eq!(rejection(post(&service).json(&too_many)).await.0, 400);
}

#[tokio::test]
async fn schema_is_hidden_if_introspection_is_disabled() {
    let service = service(&["--introspection=false"]);
    for query in [
        "{ __schema { queryType { name } } }",
        "{ ... on Query { __type(name: \"Query\") { name } } }",
        "query { ...F } fragment F on Query { a: __schema { description } }",
    ] {
        let request = post(&service)
            .header("accept", GRAPHQL_RESPONSE)
            .json(&body(query));
        assert_eq!(
            rejection(request).await,
            (400, "BAD_USER_INPUT".into()),
            "{query}"
        );
    }
    let response = service.query("{ reasonCode { code } }").await;
    assert!(!response.to_string().contains("reasonCodes"), "{response}");
    assert_eq!(
        service.query("{ __typename }").await["data"]["__typename"],
        "Query"
    );
}
