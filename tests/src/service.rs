//! The service as a process, and requests to it.

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

/// A running `sends-graphql`.
#[derive(Debug)]
pub struct ServiceProcess {
    running: Running,
    // Removed when the process has ended.
    _state: TempDir,
    origin: String,
    http: Client,
}

impl ServiceProcess {
    /// Starts the service with these options and environment variables, on a free port and with a state folder of its own
    /// unless one is named.
    pub fn start(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Program::Service.command();
        let state = tempfile::tempdir().expect("a folder");
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

    /// Starts the service on this sandbox.
    pub fn on(sandbox: &SandboxProcess, options: &[&str]) -> Self {
        let url = sandbox.api_url();
        Self::start(
            &[&["--upstream-url", &url], options].concat(),
            &[("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)],
        )
    }

    /// The origin of its URLs.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.running.log().join("\n")
    }

    /// Waits until the log is as expected.
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

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.running.is_alive()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Sends SIGTERM and waits for the end. Returns the time that it took and whether the exit status is a success.
    pub fn terminate(&mut self) -> (Duration, bool) {
        let started = Instant::now();
        let sent = Command::new("kill").arg(self.id().to_string()).status();
        assert!(sent.expect("there is a `kill`").success());
        let ended_well = self.running.wait();
        (started.elapsed(), ended_well)
    }

    /// Starts the service on this sandbox without limits of its own, for tests that are not about them.
    pub fn unpaced_on(sandbox: &SandboxProcess, options: &[&str]) -> Self {
        Self::on(
            sandbox,
            &[&["--rate-per-second", "0", "--rate-per-day", "0"], options].concat(),
        )
    }

    /// Sends the process a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// The exit code of the process if it ends within this time.
    pub async fn exit_code_within(&mut self, limit: Duration) -> Option<i32> {
        self.running.ended_within(limit).await?.code()
    }

    /// Status and body of the response to a GET request for this path.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.origin)).send().await;
        let answer = answer.expect("the service answers");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// The response to a query without variables.
    pub async fn query(&self, query: &str) -> Value {
        self.post(&json!({ "query": query })).await.1
    }

    /// The summaries of these activities' histories, at most `max_age` seconds old.
    pub async fn summaries(&self, activities: &[String], max_age: u32) -> Value {
        self.query(&format!(
            "{{ campaignActivities(ids: {}, maxAge: {max_age}) {{ sendSummary {{ attemptCount }} }} }}",
            json!(activities)
        ))
        .await
    }

    /// Whether and why the data of an activity is older than `max_age` seconds.
    pub async fn activity(&self, activity: &str, max_age: u32) -> Value {
        self.query(&format!(
            r#"{{ campaignActivity(id: "{activity}", maxAge: {max_age}) {{ isStale staleReason }} }}"#
        ))
        .await
    }

    /// Status and JSON body of the response to a POST request with this body.
    pub async fn post(&self, body: &Value) -> (u16, Value) {
        self.post_as(None, body).await
    }

    /// [`post`](Self::post) by a caller with this token.
    pub async fn post_as(&self, token: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = self.http.post(format!("{}/graphql", self.origin)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("the service answers");
        (
            answer.status().as_u16(),
            answer.json().await.expect("the answer is JSON"),
        )
    }
}

/// Exit status and standard error of a service that must not start.
pub fn refused_start(options: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let state = tempfile::tempdir().expect("a folder");
    let folder = [("SENDS_STATE_DIR", state.path().to_str().expect("UTF-8"))];
    let environment = [&folder, environment].concat();
    let finished = CommandProcess::start(options, &environment).finish_within(Duration::from_mins(1));
    (finished.status, finished.errors)
}

/// A client without proxies, and with a timeout.
pub fn http_client() -> Client {
    let client = http_client_builder().timeout(REQUEST_LIMIT);
    client.build().expect("a client")
}

/// A builder without proxies and without the certificates of the machine.
pub fn http_client_builder() -> ClientBuilder {
    if CryptoProvider::get_default().is_none() {
        // Fails if another thread has installed one in the meantime.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder().no_proxy().tls_certs_only([])
}
