//! Tests of the sandbox over TCP with a real HTTP client.

#![expect(
    clippy::unwrap_used,
    reason = "tests and their helper functions fail by panicking"
)]

mod control;
mod credentials;
mod faults;
mod limits;
mod oauth;
mod program;
mod resources;
mod send_history;
mod switches;
mod wild;

use reqwest::{Client, Response};
use sends_sandbox::{Config, Sandbox};
use serde_json::Value;

pub(crate) const UNKNOWN_ID: &str = "00000000-0000-4000-8000-000000000000";

pub(crate) struct Visit {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
}

impl Visit {
    pub(crate) async fn to(config: Config) -> Self {
        // The installation fails if a provider is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            // The tests check the bytes on the wire.
            .gzip(false)
            // The sandbox uses plain HTTP, and the machine may have no certificates.
            .tls_certs_only([])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            sandbox: Sandbox::start(config).await.unwrap(),
            client,
        }
    }

    /// Starts a sandbox with disabled rate limits and the odd records.
    pub(crate) async fn unlimited() -> Self {
        Self::to(Config::unlimited().with_odd_records()).await
    }

    pub(crate) fn asking(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/{path}", self.sandbox.base_url());
        self.client.get(url).bearer_auth(self.sandbox.access_token())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.asking(path).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn control(&self, path: &str) -> Value {
        let url = format!("{}/{path}", self.sandbox.control_url());
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn order(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.sandbox.control_url());
        let response = self.client.post(url).json(&body).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{path} {body}: {}",
            response.text().await.unwrap()
        );
        response.json().await.unwrap_or(Value::Null)
    }

    pub(crate) async fn configure(&self, settings: Value) {
        self.order("config", settings).await;
    }
}

pub(crate) fn history_of(activity_id: &str) -> String {
    format!("emails/activities/{activity_id}/send_history")
}

pub(crate) fn guide() -> String {
    history_of(sends_sandbox::GUIDE_ACTIVITY_ID)
}
