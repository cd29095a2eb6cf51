//! Properties of the GraphiQL page that need no browser.

use reqwest::Response;
use sends_end_to_end::ServiceProcess;
use serde_json::{Value, json};

use crate::shown::assert_shows_something;

async fn get(service: &ServiceProcess, path: &str) -> Response {
    let client = sends_end_to_end::http_client();
    let url = format!("{}{path}", service.origin());
    client.get(url).send().await.unwrap()
}

#[tokio::test]
async fn every_starter_query_returns_sandbox_data() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let page = get(&service, "/").await.text().await.unwrap();
    let (_, data) = page.split_once("id=\"starter-tabs\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    let tabs: Vec<Value> = serde_json::from_str(data).unwrap();
    assert_eq!(tabs.len(), 6);
    for tab in tabs {
        let variables = tab["variables"].as_str().unwrap_or("{}");
        let variables: Value = serde_json::from_str(variables).unwrap();
        let body = json!({ "query": tab["query"], "variables": variables });
        let (status, response) = service.post(&body).await;
        assert_eq!(status, 200, "{response}");
        assert_shows_something(tab["query"].as_str().unwrap(), &response);
    }
}

#[tokio::test]
async fn disabled_page_is_neither_served_nor_logged() {
    let service = ServiceProcess::start(&["--sandbox", "--graphiql", "false"], &[]);
    for path in ["/", "/graphiql", "/graphiql/start.js"] {
        assert_eq!(get(&service, path).await.status(), 404, "{path}");
    }
    let response = service.query("{ reasonCodes { code } }").await;
    assert_eq!(response["data"]["reasonCodes"][12]["code"], 12);
    assert!(!service.log().contains("graphiql"));
}
