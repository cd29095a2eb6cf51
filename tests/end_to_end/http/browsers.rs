//! Requests from browsers to the service's addresses.

use reqwest::{Client, Response, redirect::Policy};
use sends_end_to_end::ServiceProcess;
use serde_json::Value;

use super::{QUERY, get, header, send, service};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";

async fn open(service: &ServiceProcess, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = Client::builder().no_proxy().tls_certs_only([]);
    let client = client.redirect(Policy::none()).build().unwrap();
    let mut request = client.get(format!("{}{path}", service.origin()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request).await
}

#[tokio::test]
async fn browser_is_redirected_to_the_page_with_its_query() {
    let service = service(&[]);
    let query = "?query=%7B__typename%7D&variables=%7B%7D";
    for (path, location) in [
        ("/".to_owned(), "./graphiql".to_owned()),
        (format!("/{query}"), format!("./graphiql{query}")),
        ("/graphql".to_owned(), "./graphiql".to_owned()),
        (format!("/graphql{query}"), format!("./graphiql{query}")),
        (format!("/graphql/{query}"), format!("../graphiql{query}")),
        ("/graphiql/".to_owned(), "../graphiql".to_owned()),
    ] {
        for mode in [None, Some(("sec-fetch-mode", "navigate"))] {
            let headers: Vec<_> = [Some(("accept", BROWSER)), mode].into_iter().flatten().collect();
            let response = open(&service, &path, &headers).await;
            // The location is relative, so that the redirect stays below the path prefix of a proxy.
            assert_eq!(
                (response.status().as_u16(), header(&response, "location")),
                (307, &*location)
            );
            assert_eq!(header(&response, "cache-control"), "no-store");
        }
    }
    let page = open(&service, &format!("/graphiql{query}"), &[("accept", BROWSER)]).await;
    assert!(header(&page, "content-type").starts_with("text/html"));
}

#[tokio::test]
async fn api_client_is_not_redirected() {
    let service = service(&[]);
    let path = "/graphql?query=%7B__typename%7D";
    let clients: [&[(&str, &str)]; 5] = [
        &[],
        &[("accept", "*/*")],
        &[("accept", "application/json")],
        &[("accept", "application/json, text/html")],
        &[("accept", BROWSER), ("sec-fetch-mode", "cors")],
    ];
    for headers in clients {
        assert_eq!(open(&service, path, headers).await.status(), 403, "{headers:?}");
    }
    // The service served this request before the redirect was introduced.
    let response = send(get(&service, &[("query", QUERY)]).header("accept", BROWSER)).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn browser_gets_an_explanation_if_the_page_is_disabled() {
    let service = service(&["--graphiql", "false"]);
    for path in [
        "/",
        "/graphql",
        "/graphql?query=%7B__typename%7D",
        "/graphiql",
        "/graphiql/start.js",
    ] {
        let response = open(&service, path, &[("accept", BROWSER)]).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "location")),
            (404, ""),
            "{path}"
        );
        let output: Value = response.json().await.unwrap();
        let message = output["errors"][0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("GraphiQL is disabled (--graphiql false)"),
            "{message}"
        );
    }
}
