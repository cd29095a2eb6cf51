//! Allowed and rejected requests from web pages.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{QUERY, body, client, get, header, post, rejection, send, service};

#[tokio::test]
async fn request_that_browsers_send_without_preflight_is_rejected() {
    let service = service(&[]);
    let url = format!("{}/graphql", service.origin());
    let plain = || client().get(&url).query(&[("query", QUERY)]);
    let form = |content_type: &str| {
        let request = client().post(&url).header("content-type", content_type);
        request.body(body(QUERY).to_string())
    };
    for request in [plain(), plain().header("apollo-require-preflight", "")] {
        assert_eq!(rejection(request).await, (403, "REQUEST_REFUSED".into()));
    }
    for request in [
        form("text/plain"),
        form("multipart/form-data; boundary=x"),
        form("application/x-www-form-urlencoded"),
        form("application/x-www-form-urlencoded").header("apollo-require-preflight", "1"),
        client().post(&url).body(body(QUERY).to_string()),
    ] {
        assert_eq!(rejection(request).await, (415, "BAD_USER_INPUT".into()));
    }
    for (name, value) in [
        ("apollo-require-preflight", "1"),
        ("graphql-require-preflight", "1"),
        ("x-apollo-operation-name", "Q"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(send(plain().header(name, value)).await.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn foreign_host_name_for_this_address_is_rejected() {
    let service = service(&["--allowed-host", "sends.example.com,other.example.com"]);
    let page = client().get(format!("{}/graphiql", service.origin()));
    for request in [post(&service).json(&body(QUERY)), page] {
        let request = request.header("host", "attacker.example:8080");
        assert_eq!(rejection(request).await, (403, "REQUEST_REFUSED".into()));
    }
    for host in [
        "localhost",
        "127.0.0.1:1",
        "sends.example.com",
        "other.example.com:443",
    ] {
        let request = post(&service).header("host", host).json(&body(QUERY));
        assert_eq!(send(request).await.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn only_pages_of_allowed_origins_may_send_requests() {
    let service = service(&[
        "--allowed-origin",
        "https://app.example.com,http://localhost:3000",
    ]);
    let url = format!("{}/graphql", service.origin());
    let preflight = |origin: &str| -> RequestBuilder {
        client()
            .request(Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "content-type,x-api-key,authorization",
            )
    };
    for origin in ["https://app.example.com", "http://localhost:3000"] {
        let response = send(preflight(origin)).await;
        assert_eq!(header(&response, "access-control-allow-origin"), origin);
        assert!(header(&response, "access-control-allow-headers").contains("x-api-key"));
        assert_eq!(header(&response, "access-control-allow-credentials"), "");
        let response = send(post(&service).header("origin", origin).json(&body(QUERY))).await;
        assert_eq!(header(&response, "access-control-allow-origin"), origin);
        assert!(header(&response, "access-control-expose-headers").contains("x-request-id"));
        assert_eq!(response.status(), 200);
    }
    for origin in [
        "https://attacker.example",
        "null",
        "https://app.example.com.attacker.example",
    ] {
        let response = send(preflight(origin)).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "{origin}");
        let request = post(&service).header("origin", origin).json(&body(QUERY));
        assert_eq!(rejection(request).await.0, 403, "{origin}");
    }
    let own = post(&service)
        .header("origin", service.origin())
        .json(&body(QUERY));
    assert_eq!(send(own).await.status(), 200);
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let service = service(&[]);
    let refused = client().get(format!("{}/graphql", service.origin()));
    for request in [
        post(&service).json(&body(QUERY)),
        get(&service, &[("query", QUERY)]),
        refused,
    ] {
        let response = send(request).await;
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "x-frame-options"), "DENY");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert!(!header(&response, "content-security-policy").is_empty());
        assert!(!header(&response, "cache-control").is_empty());
        let _: Value = response.json().await.unwrap();
    }
}

#[tokio::test]
async fn http_1_0_probe_without_a_host_header_is_served() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let service = service(&[]);
    for (path, status) in [
        ("/health/live", "200"),
        ("/health/ready", "200"),
        ("/graphql?query={__typename}", "403"),
    ] {
        let address = service.origin().trim_start_matches("http://");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert_eq!(response.split(' ').nth(1), Some(status), "{path}: {response}");
    }
}
