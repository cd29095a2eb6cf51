//! Readiness: whether the service should get traffic, and the reasons against it.
//!
//! Owns what makes it unready, which takes traffic away from it, and what only degrades it: kept answers are served while
//! the upstream is down or the day is used up, and another process of the service would be no better off. Nothing is asked
//! of the upstream, and the answer is good for a second, so that probing costs nothing. Must not know HTTP.
//!
//! A store whose file is gone makes the service unready: what it acknowledges from then on is lost, and a restart mends it. A
//! damaged one degrades it: what cannot be read of it is asked of the upstream, and a restart would find the same damage.

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

/// How long an answer is good for.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// A disk that takes longer to take a few bytes is as good as none.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// The credential, as far as it can need somebody to log in.
#[derive(Clone)]
pub enum Credential {
    /// It is none of the service's business: callers bring their own, or the sandbox has one.
    NotOurs,
    /// Somebody has logged in.
    Login(Login),
    /// The environment holds it.
    Environment(Arc<EnvironmentCredential>),
}

impl Credential {
    fn login_required(&self) -> Result<Option<LoginRequired>, StoreError> {
        match self {
            Self::NotOurs => Ok(None),
            Self::Login(login) => login.login_required(),
            Self::Environment(credential) => credential.login_required(),
        }
    }
}

/// Whether the service should get traffic.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It answers.
    Ready,
    /// It answers what it knows.
    Degraded,
    /// It should be left alone.
    Unready,
}

/// One thing that stands in the way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Reason {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// What a probe is told.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Report {
    /// The sum of it.
    pub status: Status,
    /// What stands in the way. Empty when nothing does.
    pub reasons: Vec<Reason>,
}

/// Finds out whether the service is ready. Cloning is cheap.
#[derive(Clone)]
pub struct Readiness(Arc<Watched>);

struct Watched {
    credential: Credential,
    keys: Option<Arc<ApiKeys>>,
    store: Arc<dyn Store>,
    client: ConstantContact,
    ending: CancellationToken,
    last: Mutex<Option<(Instant, Report)>>,
}

impl Readiness {
    /// Ready as long as `ending` is not cancelled, nobody has to log in, callers have valid keys and the store can be written.
    pub fn new(
        credential: Credential,
        keys: Option<Arc<ApiKeys>>,
        store: Arc<dyn Store>,
        client: ConstantContact,
        ending: CancellationToken,
    ) -> Self {
        Self(Arc::new(Watched {
            credential,
            keys,
            store,
            client,
            ending,
            last: Mutex::default(),
        }))
    }

    /// The present answer, or the one of less than a second ago.
    pub async fn report(&self) -> Report {
        let watched = &self.0;
        // The end is told at once, since everything after it waits for probes to notice.
        if watched.ending.is_cancelled() {
            return Report {
                status: Status::Unready,
                reasons: vec![reason("SHUTTING_DOWN", "the service is being stopped")],
            };
        }
        // Those who probe together wait for one check.
        let mut last = watched.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return report.clone();
        }
        let report = watched.check().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }
}

impl Watched {
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
        match timeout(WRITE_LIMIT, self.store.check_writable()).await {
            Ok(Ok(())) => {}
            Ok(Err(error @ sends_store::StoreError::Gone { .. })) => {
                blocking.push(reason("STORE_GONE", error.to_string()));
            }
            Ok(Err(error)) => blocking.push(reason("STORE_NOT_WRITABLE", error.to_string())),
            Err(_) => blocking.push(reason("STORE_NOT_WRITABLE", "the store takes too long to write")),
        }
        let mut degrading = store_reasons(&self.store.health());
        if let Some(wait) = self.client.left_alone_for() {
            let message = format!(
                "Constant Contact fails and is left alone for {} s",
                wait.as_secs() + 1
            );
            degrading.push(reason("UPSTREAM_DOWN", message));
        }
        if let Some(pause) = self.client.pacer().current_state().await.pause {
            let message = format!("no call to Constant Contact leaves before {}", pause.until);
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

/// What reads and writes of the store have met. Whether it can be written now is found out by writing.
fn store_reasons(health: &Health) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(damage) = &health.damage {
        let message = format!(
            "{damage} ({} reads and writes met damage since the start; stop the service and run \
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
    async fn whatever_only_a_person_can_mend_makes_it_unready() {
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
    fn damage_and_failures_of_the_store_are_reasons_with_a_next_step() {
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
    async fn the_end_is_told_at_once_and_the_rest_once_a_second() {
        let store = Arc::new(MemoryStore::new(1 << 10));
        let (readiness, ending) = readiness(Credential::NotOurs, store);
        assert_eq!(readiness.report().await.status, Status::Ready);
        ending.cancel();
        assert_eq!(codes(&readiness.report().await), ["SHUTTING_DOWN"]);
    }
}
