//! HTTP behaviour for clients, browsers and attackers, with invented data.

mod addressing;
mod audits;
mod browsers;
mod connections;
mod documents;
mod keys;
mod mistakes;
mod protocol;
mod requests;
mod response_cache;

use reqwest::{Client, RequestBuilder, Response};
use sends_end_to_end::{GUIDE_ACTIVITY, ServiceProcess};
use serde_json::{Value, json};

const QUERY: &str = "{ reasonCodes { code description } }";

fn guide_query() -> String {
    format!(r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ sendHistory {{ sendId count }} }} }}"#)
}

fn service(options: &[&str]) -> ServiceProcess {
    ServiceProcess::start(&[&["--sandbox"], options].concat(), &[])
}

fn client() -> Client {
    // Automatic decompression is disabled, so that tests see the responses as sent.
    let client = sends_end_to_end::http_client_builder().no_gzip();
    client.build().unwrap()
}

fn post(service: &ServiceProcess) -> RequestBuilder {
    client().post(format!("{}/graphql", service.origin()))
}

/// Builds a GET query that no web page can cause.
fn get(service: &ServiceProcess, parameters: &[(&str, &str)]) -> RequestBuilder {
    client()
        .get(format!("{}/graphql", service.origin()))
        .query(parameters)
        .header("graphql-require-preflight", "1")
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

async fn rejection(request: RequestBuilder) -> (u16, String) {
    let response = send(request).await;
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert!(body.get("data").is_none(), "{body}");
    let code = body["errors"][0]["extensions"]["code"].as_str();
    (status, code.unwrap_or_default().to_owned())
}

fn header<'response>(response: &'response Response, name: &str) -> &'response str {
    let value = response.headers().get(name).map(|value| value.to_str().unwrap());
    value.unwrap_or_default()
}

fn body(query: &str) -> Value {
    json!({ "query": query })
}
