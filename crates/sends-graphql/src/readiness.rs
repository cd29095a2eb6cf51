//! Readiness of the service, with the reasons for a degraded or unready state.
//!
//! The service is unready if another instance could serve the traffic, and degraded if another instance would have the same
//! problem. A degraded service responds from stored data, for example while the upstream fails or the daily limit is reached. A
//! report makes no upstream call and is cached for a second.
//!
//! A deleted store makes the service unready, because writes are lost and a restart repairs it. A damaged store only degrades the
//! service, because unreadable data is fetched again and a restart would find the same damage.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sends_client::ConstantContact;
use sends_credentials::{EnvironmentCredential, Login, LoginRequired, StoreError};
use sends_store::{Health, Store};
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::api_keys::ApiKeys;

const REPORT_VALIDITY: Duration = Duration::from_secs(1);
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// Source of the credential, which can require a new login.
#[derive(Clone)]
pub enum Credential {
    /// Credentials of the callers or the sandbox.
    External,
    Login(Login),
    Environment(Arc<EnvironmentCredential>),
}

impl Credential {
    fn login_required(&self) -> Result<Option<LoginRequired>, StoreError> {
        match self {
            Self::External => Ok(None),
            Self::Login(login) => login.login_required(),
            Self::Environment(credential) => credential.login_required(),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ready,
    /// Only stored data or only part of the data is available.
    Degraded,
    /// Load balancers should divert traffic.
    Unready,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Reason {
    pub code: &'static str,
    pub message: String,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    pub status: Status,
    pub reasons: Vec<Reason>,
}

#[derive(Clone)]
pub struct Readiness(Arc<Checks>);

struct Checks {
    credential: Credential,
    keys: Option<Arc<ApiKeys>>,
    store: Arc<dyn Store>,
    client: ConstantContact,
    ending: CancellationToken,
    last: Mutex<Option<(Instant, Report)>>,
}

impl Readiness {
    /// Creates checks that report an unready service after `ending` is cancelled.
    pub fn new(
        credential: Credential,
        keys: Option<Arc<ApiKeys>>,
        store: Arc<dyn Store>,
        client: ConstantContact,
        ending: CancellationToken,
    ) -> Self {
        Self(Arc::new(Checks {
            credential,
            keys,
            store,
            client,
            ending,
            last: Mutex::default(),
        }))
    }

    pub async fn report(&self) -> Report {
        let checks = &self.0;
        // This state is not cached, so that probes detect the shutdown immediately.
        if checks.ending.is_cancelled() {
            return Report {
                status: Status::Unready,
                reasons: vec![reason("SHUTTING_DOWN", "the service is shutting down")],
            };
        }
        // Concurrent probes share one check.
        let mut last = checks.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < REPORT_VALIDITY
        {
            return report.clone();
        }
        let report = checks.check().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }
}

impl Checks {
    async fn check(&self) -> Report {
        let mut blocking = Vec::new();
        match self.credential.login_required() {
            Ok(None) => {}
            Ok(Some(required)) => blocking.push(reason("LOGIN_REQUIRED", required.to_string())),
            Err(error) => blocking.push(reason("LOGIN_UNREADABLE", error.to_string())),
        }
        if let Some(problem) = self.keys.as_ref().and_then(|keys| keys.problem()) {
            let message = format!("no API key is valid, since {problem}");
            blocking.push(reason("API_KEYS_UNREADABLE", message));
        }
        match timeout(WRITE_TIMEOUT, self.store.check_writable()).await {
            Ok(Ok(())) => {}
            Ok(Err(error @ sends_store::StoreError::Gone { .. })) => {
                blocking.push(reason("STORE_GONE", error.to_string()));
            }
            Ok(Err(error)) => blocking.push(reason("STORE_NOT_WRITABLE", error.to_string())),
            Err(_) => blocking.push(reason(
                "STORE_NOT_WRITABLE",
                "writing to the store takes too long",
            )),
        }
        let mut degrading = store_reasons(&self.store.health());
        if self.client.is_failing() {
            let message = match self.client.left_alone_for() {
                Some(wait) => format!(
                    "Constant Contact fails; no call is sent for {} s",
                    wait.as_secs() + 1
                ),
                None => "the last calls to Constant Contact failed, and none has succeeded since".to_owned(),
            };
            degrading.push(reason("UPSTREAM_DOWN", message));
        }
        if let Some(pause) = self.client.pacer().current_state().await.pause {
            let message = format!("no call to Constant Contact is sent before {}", pause.until);
            degrading.push(reason("UPSTREAM_PAUSED", message));
        }
        let status = match (blocking.is_empty(), degrading.is_empty()) {
            (false, _) => Status::Unready,
            (true, false) => Status::Degraded,
            (true, true) => Status::Ready,
        };
        blocking.append(&mut degrading);
        Report {
            status,
            reasons: blocking,
        }
    }
}

fn store_reasons(health: &Health) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(damage) = &health.damage {
        let message = format!(
            "{damage} ({} reads and writes failed due to damage since the start; stop the service and run \
             `sends-graphql rebuild-store`)",
            health.damaged
        );
        reasons.push(reason("STORE_DAMAGED", message));
    }
    for failure in [&health.read_failure, &health.write_failure]
        .into_iter()
        .flatten()
    {
        reasons.push(reason("STORE_FAILING", failure.to_string()));
    }
    reasons
}

fn reason(code: &'static str, message: impl Into<String>) -> Reason {
    Reason {
        code,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use sends_client::{Pacer, Settings, pacing::Limits};
    use sends_credentials::StateDir;
    use sends_store::{MemoryStore, SqliteStore};

    use super::*;

    fn readiness(credential: Credential, store: Arc<dyn Store>) -> (Readiness, CancellationToken) {
        let settings = Settings::new("http://127.0.0.1:9/v3".parse().unwrap());
        let client = ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap();
        let ending = CancellationToken::new();
        (
            Readiness::new(credential, None, store, client, ending.clone()),
            ending,
        )
    }

    fn codes(report: &Report) -> Vec<&'static str> {
        report.reasons.iter().map(|reason| reason.code).collect()
    }

    #[tokio::test]
    async fn missing_login_and_closed_store_make_the_service_unready() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        store.close().await.unwrap();
        let login = Credential::Login(Login::new(&state, sends_credentials::Settings::default()));
        let (readiness, _) = readiness(login, Arc::new(store));
        let report = readiness.report().await;
        assert_eq!(report.status, Status::Unready);
        assert_eq!(codes(&report), ["LOGIN_REQUIRED", "STORE_NOT_WRITABLE"]);
    }

    #[test]
    fn store_damage_and_failures_name_the_next_step() {
        let file = std::path::PathBuf::from("sends.db");
        let health = Health {
            damage: Some(sends_store::StoreError::NotADatabase { file: file.clone() }),
            write_failure: Some(sends_store::StoreError::DiskFull { file }),
            damaged: 3,
            ..Health::default()
        };
        let reasons = store_reasons(&health);
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, ["STORE_DAMAGED", "STORE_FAILING"]);
        assert!(
            reasons[0].message.contains("`sends-graphql rebuild-store`"),
            "{reasons:?}"
        );
        assert!(reasons[1].message.contains("free some space"), "{reasons:?}");
        assert_eq!(store_reasons(&Health::default()), []);
    }

    #[tokio::test]
    async fn shutdown_is_reported_immediately() {
        let store = Arc::new(MemoryStore::new(1 << 10));
        let (readiness, ending) = readiness(Credential::External, store);
        assert_eq!(readiness.report().await.status, Status::Ready);
        ending.cancel();
        assert_eq!(codes(&readiness.report().await), ["SHUTTING_DOWN"]);
    }
}
