//! Runs the service as a process, and sends requests to it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use reqwest::{Client, ClientBuilder};
use rustls::crypto::CryptoProvider;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    CommandProcess,
    process::{Program, Running, origin_in},
    sandbox::SandboxProcess,
};

/// Timeout of a request, longer than the slowest expected response.
const REQUEST_LIMIT: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub struct ServiceProcess {
    running: Running,
    // The folder is removed after the process has ended.
    _state: TempDir,
    origin: String,
    http: Client,
}

impl ServiceProcess {
    /// Starts the service with these options and environment variables. The state folder is temporary unless the options name
    /// one.
    pub fn start(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Program::Service.command();
        let state = tempfile::tempdir().expect("a temporary folder can be created");
        command
            .env("SENDS_LISTEN", "127.0.0.1:0")
            .env("SENDS_STATE_DIR", state.path())
            .args(options)
            .envs(environment.iter().copied());
        let (running, origin) = Running::start(command, |line| {
            line.contains("listening on").then(|| origin_in(line))?
        });
        Self {
            running,
            _state: state,
            origin,
            http: http_client(),
        }
    }

    pub fn on(sandbox: &SandboxProcess, options: &[&str]) -> Self {
        let url = sandbox.api_url();
        Self::start(
            &[&["--upstream-url", &url], options].concat(),
            &[("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)],
        )
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn log(&self) -> String {
        self.running.log().join("\n")
    }

    /// Waits until `complete` accepts the log, and returns the log.
    pub async fn log_once(&self, complete: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let log = self.log();
            if complete(&log) {
                return log;
            }
            assert!(Instant::now() < deadline, "{log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn is_alive(&mut self) -> bool {
        self.running.is_alive()
    }

    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Sends SIGTERM and waits for the end. Returns the elapsed time, and whether the exit status is a success.
    pub fn terminate(&mut self) -> (Duration, bool) {
        let started = Instant::now();
        let sent = Command::new("kill").arg(self.id().to_string()).status();
        assert!(sent.expect("the kill command exists").success());
        let ended_well = self.running.wait();
        (started.elapsed(), ended_well)
    }

    /// Starts the service on this sandbox with its own rate limits disabled, for tests of other properties.
    pub fn unpaced_on(sandbox: &SandboxProcess, options: &[&str]) -> Self {
        Self::on(
            sandbox,
            &[&["--rate-per-second", "0", "--rate-per-day", "0"], options].concat(),
        )
    }

    /// Sends a signal. The name excludes the prefix `SIG`.
    pub fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    pub async fn exit_code_within(&mut self, limit: Duration) -> Option<i32> {
        self.running.ended_within(limit).await?.code()
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{path}", self.origin)).send().await;
        let response = response.expect("the service responds");
        (
            response.status().as_u16(),
            response.text().await.expect("the body is text"),
        )
    }

    pub async fn query(&self, query: &str) -> Value {
        self.post(&json!({ "query": query })).await.1
    }

    /// Queries the summaries of these activities' histories, at most `max_age` seconds old.
    pub async fn summaries(&self, activities: &[String], max_age: u32) -> Value {
        self.query(&format!(
            "{{ campaignActivities(ids: {}, maxAge: {max_age}) {{ sendSummary {{ attemptCount }} }} }}",
            json!(activities)
        ))
        .await
    }

    /// Queries whether and why the data of an activity is older than `max_age` seconds.
    pub async fn activity(&self, activity: &str, max_age: u32) -> Value {
        self.query(&format!(
            r#"{{ campaignActivity(id: "{activity}", maxAge: {max_age}) {{ isStale staleReason }} }}"#
        ))
        .await
    }

    pub async fn post(&self, body: &Value) -> (u16, Value) {
        self.post_as(None, body).await
    }

    /// Sends a request like [`post`](Self::post) with the token of a caller.
    pub async fn post_as(&self, token: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = self.http.post(format!("{}/graphql", self.origin)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("the service responds");
        (
            response.status().as_u16(),
            response.json().await.expect("the response is JSON"),
        )
    }
}

/// Returns the exit status and standard error of a service that must not start.
pub fn failed_start(options: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let state = tempfile::tempdir().expect("a temporary folder can be created");
    let folder = [("SENDS_STATE_DIR", state.path().to_str().expect("UTF-8"))];
    let environment = [&folder, environment].concat();
    let finished = CommandProcess::start(options, &environment).finish_within(Duration::from_mins(1));
    (finished.status, finished.errors)
}

pub fn http_client() -> Client {
    let client = http_client_builder().timeout(REQUEST_LIMIT);
    client.build().expect("a client")
}

/// Creates a client builder that ignores the machine's proxies and certificates.
pub fn http_client_builder() -> ClientBuilder {
    if CryptoProvider::get_default().is_none() {
        // The installation fails if another thread was faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder().no_proxy().tls_certs_only([])
}
