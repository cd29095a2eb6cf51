//! Runs the sandbox as a process, and sends control requests to it.

use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};

use crate::process::{Program, Running, origin_in};

const REQUEST_LIMIT: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct SandboxProcess {
    _running: Running,
    origin: String,
    http: Client,
}

impl SandboxProcess {
    /// Access token that every sandbox accepts.
    pub const ACCESS_TOKEN: &str = "sandbox-access-token";

    /// Starts a sandbox with these options. By default, the account has the odd records with fixed dates, and 500 generated
    /// activities.
    pub fn start(options: &[&str]) -> Self {
        Self::start_with(
            options,
            &[
                ("SENDS_SANDBOX_ODD_RECORDS", "true"),
                ("SENDS_SANDBOX_ACTIVITIES", "500"),
            ],
        )
    }

    pub fn with_default_data() -> Self {
        Self::start_with(&[], &[])
    }

    /// Starts a sandbox with disabled limits and the bookshop's campaigns, which include no malformed records.
    pub fn unlimited_shop(options: &[&str]) -> Self {
        let unlimited = ["--rate-per-second", "0", "--rate-per-day", "0"];
        Self::start_with(&[&unlimited, options].concat(), &[])
    }

    fn start_with(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Program::Sandbox.command();
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(options)
            .envs(environment.iter().copied());
        let (running, origin) = Running::start(command, origin_in);
        Self {
            _running: running,
            origin,
            http: crate::service::http_client(),
        }
    }

    pub fn unlimited(options: &[&str]) -> Self {
        Self::start(&[&["--rate-per-second", "0", "--rate-per-day", "0"], options].concat())
    }

    pub fn api_url(&self) -> String {
        format!("{}/v3", self.origin)
    }

    pub fn oauth_url(&self) -> String {
        format!("{}/oauth2/default/v1", self.origin)
    }

    pub async fn history_requests(&self) -> usize {
        let is_history = |request: &&Value| {
            request["path"]
                .as_str()
                .is_some_and(|path| path.ends_with("/send_history"))
        };
        self.requests().await.iter().filter(is_history).count()
    }

    pub async fn greatest_in_flight(&self) -> u64 {
        let counters = self.control("GET", "counters", &Value::Null).await;
        counters["greatest_in_flight"].as_u64().expect("a count")
    }

    pub async fn answered(&self, status: u16) -> u64 {
        let counters = self.control("GET", "counters", &Value::Null).await;
        counters["by_status"][status.to_string()].as_u64().unwrap_or(0)
    }

    pub async fn configure(&self, switches: &Value) {
        self.control("POST", "config", switches).await;
    }

    pub async fn activities(&self, count: usize) -> Vec<String> {
        self.activities_from(0, count).await
    }

    /// Returns the ids of `count` generated activities, which come after the predefined activities.
    pub async fn generated_activities(&self, count: usize) -> Vec<String> {
        self.activities_from(100, count).await
    }

    pub async fn history(&self, activity: &str) -> String {
        let url = format!("{}/emails/activities/{activity}/send_history", self.api_url());
        let response = self.http.get(url).bearer_auth(Self::ACCESS_TOKEN).send().await;
        let response = response.expect("the sandbox responds");
        assert_eq!(response.status(), 200, "{activity}");
        response.text().await.expect("the body is text")
    }

    async fn activities_from(&self, offset: usize, count: usize) -> Vec<String> {
        let path = format!("activities?offset={offset}&limit={count}");
        let response = self.control("GET", &path, &Value::Null).await;
        let listed = response["activities"]
            .as_array()
            .expect("activities is an array")
            .iter();
        let ids: Vec<String> = listed.map(|id| id.as_str().expect("an id").to_owned()).collect();
        assert_eq!(ids.len(), count, "{response}");
        ids
    }

    /// Adds a fault in the JSON format of the control request.
    pub async fn fault(&self, description: &Value) {
        self.control("POST", "faults", description).await;
    }

    pub async fn slow_down(&self, activity: &str, milliseconds: u64) {
        self.fault(&json!({ "kind": "latency", "delay_ms": milliseconds, "activity_id": activity }))
            .await;
    }

    /// Waits until the sandbox has received at least `count` requests. Returns their number.
    pub async fn requests_reach(&self, count: usize) -> usize {
        let deadline = Instant::now() + REQUEST_LIMIT;
        loop {
            let seen = self.requests().await.len();
            if seen >= count {
                return seen;
            }
            assert!(
                Instant::now() < deadline,
                "{seen} of {count} requests after {REQUEST_LIMIT:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn requests(&self) -> Vec<Value> {
        let response = self.control("GET", "requests", &Value::Null).await;
        response["requests"]
            .as_array()
            .expect("requests is an array")
            .clone()
    }

    pub async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let method = method.parse().expect("the method is valid");
        let request = self
            .http
            .request(method, format!("{}/_sandbox/{path}", self.origin));
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let response = request.send().await.expect("the sandbox responds");
        let status = response.status();
        let text = response.text().await.expect("the body is text");
        assert!(status.is_success(), "{path}: {status} {text}");
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect("JSON")
        }
    }
}
