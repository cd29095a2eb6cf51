//! Running sandbox with a state folder and an adjustable clock.

use std::{
    fmt::Debug,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sends_client::{AccessToken, Clock};
use sends_credentials::{Application, CodeLogin, Endpoints, Grant, Login, LoginRequest, Settings, StateDir};
use sends_sandbox::{Config, Fault, Sandbox, config};
use serde_json::{Value, json};
use tempfile::TempDir;

#[derive(Debug, Default)]
pub(crate) struct MovedClock(AtomicI64);

impl MovedClock {
    pub(crate) fn advance(&self, duration: SignedDuration) {
        self.0.fetch_add(duration.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) struct Upstream {
    sandbox: Sandbox,
    folder: TempDir,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) http: reqwest::Client,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::unlimited()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        sends_client::install_crypto_provider();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self {
            sandbox: Sandbox::start(config).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::default(),
            http,
        }
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        Endpoints::from_base(&self.sandbox.oauth_base_url()).unwrap()
    }

    pub(crate) fn dir(&self) -> StateDir {
        StateDir::open(self.folder.path()).unwrap()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("credential.json")
    }

    pub(crate) fn stored(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).unwrap()).unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            call_spacing: Duration::ZERO,
            clock: self.clock.clone(),
            ..Settings::default()
        }
    }

    pub(crate) fn login(&self) -> Login {
        Login::new(&self.dir(), self.settings())
    }

    pub(crate) fn request(&self) -> LoginRequest {
        LoginRequest {
            endpoints: self.endpoints(),
            ..LoginRequest::new(Application::public(config::DEFAULT_PUBLIC_CLIENT_ID))
        }
    }

    pub(crate) async fn granted(&self) -> Grant {
        let waiting = CodeLogin::start(self.request(), None, &self.dir(), &self.settings())
            .await
            .unwrap();
        let url = waiting.url().clone();
        let browser = self.http.clone();
        let visit = tokio::spawn(async move { browser.get(url).send().await.unwrap().status() });
        let grant = waiting.finish().await.unwrap();
        assert_eq!(visit.await.unwrap(), 200);
        grant
    }

    pub(crate) async fn logged_in(&self) -> Login {
        let login = self.login();
        login.save(self.granted().await).await.unwrap();
        login
    }

    pub(crate) fn expire(&self) {
        self.clock.advance(SignedDuration::from_hours(24));
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.sandbox.control_url());
        let response = self.http.post(url).json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        let text = response.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn fault(&self, fault: Fault) {
        self.control("faults", json!([fault])).await;
    }

    pub(crate) async fn revoke(&self, kind: &str) {
        self.control("tokens/revoke", json!({ "kind": kind })).await;
    }

    pub(crate) async fn requests(&self) -> Vec<Value> {
        let url = format!("{}/requests", self.sandbox.control_url());
        let mut log: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        serde_json::from_value(log["requests"].take()).unwrap()
    }

    pub(crate) async fn token_calls(&self) -> usize {
        let is_token = |request: &&Value| request["path"].as_str().unwrap().ends_with("/token");
        self.requests().await.iter().filter(is_token).count()
    }

    /// Returns whether the API accepts the token. The secret is read from disk, because `AccessToken` does not reveal it.
    pub(crate) async fn accepts(&self, token: &AccessToken) -> bool {
        let secret = self.stored_access_tokens().into_iter().find(|secret| {
            let stored = AccessToken::new(secret).unwrap();
            stored == *token
        });
        let id = sends_sandbox::GUIDE_ACTIVITY_ID;
        let url = format!("{}/emails/activities/{id}/send_history", self.sandbox.base_url());
        let secret = secret.expect("the token is on disk");
        let response = self.http.get(url).bearer_auth(secret).send().await.unwrap();
        response.status() == 200
    }

    fn stored_access_tokens(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|path| {
                let stored: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
                Some(stored["access_token"]["secret"].as_str()?.to_owned())
            })
            .collect()
    }
}

#[track_caller]
pub(crate) fn assert_hides(secret: &str, shown: &(impl Debug + ?Sized)) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains(secret), "{shown}");
}
