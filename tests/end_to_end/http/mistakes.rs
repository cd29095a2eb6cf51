//! Mistakes in first curl requests. The response names the problem and the next step.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{QUERY, body, client, header, send, service};

const JSON: &str = "application/json";

async fn message(request: RequestBuilder) -> (u16, String) {
    let response = send(request).await;
    let status = response.status().as_u16();
    assert_eq!(
        header(&response, "content-type"),
        "application/json; charset=utf-8"
    );
    let response: Value = response.json().await.unwrap();
    assert!(response.get("data").is_none(), "{response}");
    let message = response["errors"][0]["message"].as_str().unwrap();
    (status, message.to_owned())
}

#[tokio::test]
async fn post_without_a_json_content_type_gets_the_header_to_send() {
    let service = service(&[]);
    let url = format!("{}/graphql", service.origin());
    let post = || client().post(&url).header("accept", "*/*");
    let json = body(QUERY).to_string();
    for (content_type, sent, problem) in [
        (None, "", "has no content-type header"),
        (None, &*json, "has no content-type header"),
        (
            Some("application/x-www-form-urlencoded"),
            &json,
            "curl's default for -d",
        ),
        (
            Some("application/x-www-form-urlencoded"),
            "query={a}",
            "curl's default for -d",
        ),
        (
            Some("multipart/form-data; boundary=x"),
            "--x--",
            "declared as multipart/form-data",
        ),
        (Some("text/plain"), &json, "declared as text/plain;"),
        (
            Some("application/graphql"),
            "{ __typename }",
            "declared as application/graphql;",
        ),
        (Some("application/json; charset=utf-16"), &json, "charset=utf-16;"),
        (Some("nonsense"), &json, "declared as nonsense;"),
    ] {
        let mut request = post().body(sent.to_owned());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let (status, output) = message(request).await;
        assert_eq!(status, 415, "{output}");
        assert!(output.contains(problem), "{output}");
        assert!(
            output.contains("with the header content-type: application/json, as in: curl -H"),
            "{output}"
        );
    }
    let long = format!("application/{}", "x".repeat(200));
    let (_, output) = message(post().header("content-type", long).body("{}")).await;
    assert!(
        output.starts_with("The content-type of the body cannot be read;"),
        "{output}"
    );
}

#[tokio::test]
async fn invalid_body_gets_an_example_of_a_request() {
    let service = service(&[]);
    let url = format!("{}/graphql", service.origin());
    for (sent, problem) in [
        ("", "The body is empty"),
        (
            "{ __typename }",
            "The body is not JSON: there is an error in line 1, column 3",
        ),
        (r#"{"query": "{ __typename }""#, "The body is not JSON"),
        (
            r#""{ __typename }""#,
            "The body is JSON, but a string and not an object",
        ),
        ("null", "The body is JSON, but null"),
        ("{}", "The request has no operation"),
    ] {
        let request = client().post(&url).header("content-type", JSON).body(sent);
        let (status, output) = message(request).await;
        assert_eq!(status, 400, "{sent}: {output}");
        assert!(output.starts_with(problem), "{sent}: {output}");
        assert!(
            output.contains(r#"{"query": "{ __typename }"}"#),
            "{sent}: {output}"
        );
    }
}

#[tokio::test]
async fn incomplete_get_request_gets_the_missing_part() {
    let service = service(&[]);
    let url = format!("{}/graphql", service.origin());
    let get = || client().get(&url).header("accept", "*/*");
    let (status, output) = message(get()).await;
    assert!(
        status == 400 && output.starts_with("The request has no operation; send one with POST, as in: curl"),
        "{output}"
    );
    let (status, output) = message(get().query(&[("query", QUERY)])).await;
    assert!(
        status == 403 && output.contains("add the header GraphQL-Require-Preflight: 1, as in: curl"),
        "{output}"
    );
}

#[tokio::test]
async fn wrong_path_gets_the_right_one() {
    let service = service(&[]);
    for (method, path, status, output) in [
        (
            Method::POST,
            "/",
            405,
            "/ does not support POST; send GraphQL operations to /graphql.",
        ),
        (
            Method::POST,
            "/graphiql",
            405,
            "/graphiql does not support POST; send",
        ),
        (
            Method::POST,
            "/health/live",
            405,
            "/health/live does not support POST; send",
        ),
        (
            Method::POST,
            "/graphql/",
            404,
            "The path /graphql/ does not exist; the GraphQL endpoint is /graphql, without a slash at the end.",
        ),
        (
            Method::GET,
            "/graphql/",
            404,
            "The path /graphql/ does not exist; the GraphQL endpoint",
        ),
        (
            Method::POST,
            "/api",
            404,
            "The path /api does not exist; the GraphQL endpoint is /graphql.",
        ),
    ] {
        let url = format!("{}{path}", service.origin());
        let request = client()
            .request(method, url)
            .header("accept", "*/*")
            .json(&body(QUERY));
        let (refused, message) = message(request).await;
        assert_eq!(refused, status, "{message}");
        assert!(message.starts_with(output), "{message}");
    }
    let long = format!("{}/{}", service.origin(), "a".repeat(1_000));
    let (_, output) = message(client().get(long)).await;
    assert!(output.len() < 200, "{output}");
}
