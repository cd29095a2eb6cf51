//! 401 responses that concern a single path or a rejected token.

#![expect(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, join_all, ready};
use sends_client::{
    AccessToken, Caller, ConstantContact, FailureClass, Pacer, TokenError, TokenSource, UpstreamError,
    pacing::Limits,
};
use sends_core::{ActivityId, SendHistory};
use sends_sandbox::{
    BodyShape, Config, Fault, FaultKind, Sandbox,
    config::{AccessTokenConfig, DEFAULT_ACCOUNT},
};
use tokio::time::{Instant, advance, pause, resume, sleep};

struct Service {
    sandbox: Sandbox,
    client: ConstantContact,
    login: Arc<Login>,
}

/// Token source with two tokens, of which the second is the renewed token.
#[derive(Debug)]
struct Login {
    tokens: [AccessToken; 2],
    renewals: AtomicUsize,
    refusals: AtomicUsize,
}

impl TokenSource for Login {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        let present = self.renewals.load(Ordering::Relaxed).min(1);
        Box::pin(ready(Ok(self.tokens[present].clone())))
    }

    fn renew<'a>(&'a self, rejected: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        if *rejected == self.tokens[0] {
            self.renewals.fetch_max(1, Ordering::Relaxed);
            return self.token();
        }
        self.renewals.fetch_add(1, Ordering::Relaxed);
        Box::pin(ready(Err(TokenError::LoginRequired)))
    }

    fn refused(&self, _: &AccessToken, _: Duration) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }
}

impl Service {
    async fn new() -> Self {
        let mut config = Config::unlimited().with_activities(50);
        let tokens = ["token-of-a-login", "token-that-was-renewed"];
        for token in tokens {
            config
                .access_tokens
                .push(AccessTokenConfig::new(token, DEFAULT_ACCOUNT));
        }
        let sandbox = Sandbox::start(config).await.unwrap();
        let settings = sends_client::Settings::new(sandbox.base_url().parse().unwrap());
        let client = ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap();
        let login = Login {
            tokens: tokens.map(|token| AccessToken::new(token).unwrap()),
            renewals: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
        };
        Self {
            sandbox,
            client,
            login: Arc::new(login),
        }
    }

    fn activity(&self, index: u64) -> ActivityId {
        self.sandbox.activity_id(index).unwrap().parse().unwrap()
    }

    fn caller(&self) -> Caller {
        self.caller_for(Duration::from_secs(30))
    }

    fn caller_for(&self, time: Duration) -> Caller {
        Caller::new(Arc::<Login>::clone(&self.login), Instant::now() + time)
    }

    async fn fetch(&self, index: u64) -> Result<SendHistory, UpstreamError> {
        self.fetch_within(Duration::from_secs(30), index).await
    }

    async fn fetch_within(&self, time: Duration, index: u64) -> Result<SendHistory, UpstreamError> {
        self.client
            .send_history(&self.caller_for(time), self.activity(index))
            .await
    }

    /// Makes these activities respond with 401.
    fn refuse(&self, indexes: impl IntoIterator<Item = u64>) {
        for index in indexes {
            let path = format!("{}/send_history", self.activity(index));
            self.refuse_path(&path);
        }
    }

    fn refuse_path(&self, path: &str) {
        self.sandbox
            .add_fault(Fault::status(401, BodyShape::Object).on_path(path));
    }

    /// Returns the number of all requests, and the number of requests for anything other than a history.
    fn requests(&self) -> (usize, usize) {
        let requests = self.sandbox.requests();
        let others = requests.iter().filter(|one| !one.path.ends_with("/send_history"));
        (requests.len(), others.count())
    }

    fn renewals(&self) -> usize {
        self.login.renewals.load(Ordering::Relaxed)
    }
}

fn assert_only_path_rejects(outcome: Result<SendHistory, UpstreamError>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.class, FailureClass::Forbidden, "{error}");
    assert!(error.is_path_alone() && error.retry_after.is_some(), "{error:?}");
    assert!(
        error.detail.contains("other paths accept the access token"),
        "{error}"
    );
}

#[tokio::test]
async fn activity_that_alone_responds_with_401_does_not_affect_others() {
    for is_good_requested_before in [true, false] {
        let service = Service::new().await;
        service.refuse([0]);
        if is_good_requested_before {
            service.fetch(1).await.unwrap();
        }
        for _ in 0..20 {
            assert_only_path_rejects(service.fetch(0).await);
            service.fetch(1).await.unwrap();
        }
        let good = 20 + usize::from(is_good_requested_before);
        assert_eq!(service.requests().0, good + 2, "one rejection and one probe");
        assert_eq!(service.renewals(), 0);
        assert_eq!(service.login.refusals.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn twenty_activities_with_401_cause_one_probe_and_no_renewal() {
    for is_concurrent in [true, false] {
        let service = Service::new().await;
        service.refuse(0..20);
        service.client.user_privileges(&service.caller()).await.unwrap();
        let outcomes = if is_concurrent {
            join_all((0..20).map(|index| service.fetch(index))).await
        } else {
            let mut outcomes = Vec::new();
            for index in 0..20 {
                outcomes.push(service.fetch(index).await);
            }
            outcomes
        };
        outcomes.into_iter().for_each(assert_only_path_rejects);
        assert_eq!(service.requests(), (1 + 20 + 1, 1 + 1));
        assert_eq!(service.renewals(), 0);
        service.fetch(21).await.unwrap();
    }
}

#[tokio::test]
async fn token_rejected_on_all_paths_is_renewed_once() {
    let service = Service::new().await;
    service.fetch(1).await.unwrap();
    // The first token and its probe are rejected.
    service
        .sandbox
        .add_fault(Fault::status(401, BodyShape::Object).times(2));
    service.fetch(2).await.unwrap();
    assert_eq!((service.requests().0, service.renewals()), (1 + 3, 1));
}

#[tokio::test]
async fn credential_rejected_on_all_paths_causes_few_calls() {
    let service = Service::new().await;
    for index in 0..20 {
        service.fetch(index).await.unwrap();
    }
    service.refuse_path("/v3/");
    let before = service.requests().0;
    for index in 0..97 {
        let error = service.fetch(index % 40).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Unauthenticated, "{error}");
    }
    assert_eq!(service.requests().0 - before, 4, "each token and its probe");
    assert_eq!(service.renewals(), 1);
    assert_eq!(service.login.refusals.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn unverified_token_is_rejected_after_two_paths_without_a_probe() {
    let service = Service::new().await;
    service.refuse([0]);
    let caller = |token: &str| {
        let token = Arc::new(AccessToken::new(token).unwrap());
        Caller::new(token, Instant::now() + Duration::from_secs(30)).bringing_its_token()
    };
    let fetch = async |token: &str, index| {
        let outcome = service
            .client
            .send_history(&caller(token), service.activity(index))
            .await;
        outcome.map_err(|error| error.class)
    };
    for index in 0..30 {
        assert_eq!(fetch("made-up", index).await, Err(FailureClass::Unauthenticated));
    }
    assert_eq!(service.requests(), (2, 0));
    let good = "token-of-a-login";
    assert_eq!(fetch(good, 0).await, Err(FailureClass::Unauthenticated));
    fetch(good, 1).await.unwrap();
    assert_eq!(fetch(good, 0).await, Err(FailureClass::Forbidden));
    assert_eq!(service.requests(), (4, 0));
}

#[tokio::test]
async fn failed_probe_does_not_suspend_other_paths() {
    let service = Service::new().await;
    service.fetch(1).await.unwrap();
    service.client.account_summary(&service.caller()).await.unwrap();
    service.refuse([0]);
    service
        .sandbox
        .add_fault(Fault::status(400, BodyShape::Object).on_path("/account/summary"));
    let error = service.fetch(0).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Unauthenticated, "{error}");
    assert_eq!(service.login.refusals.load(Ordering::Relaxed), 0);
    service.fetch(1).await.unwrap();
    assert_only_path_rejects(service.fetch(0).await);
}

async fn pass_pauses() {
    pause();
    advance(Duration::from_hours(2)).await;
    resume();
}

#[tokio::test]
async fn attempt_without_an_outcome_after_a_pause_is_repeated_immediately() {
    for failure in [
        Fault::status(500, BodyShape::Object),
        Fault::new(FaultKind::Close),
    ] {
        let service = Service::new().await;
        service.fetch(1).await.unwrap();
        // First a single path is rejected, then both tokens and their probes.
        for refused in [1, 4] {
            let refusal = Fault::status(401, BodyShape::Object);
            let path = format!("{}/send_history", service.activity(0));
            service.sandbox.add_fault(match refused {
                1 => refusal.on_path(&path).times(1),
                times => refusal.times(times),
            });
            service.fetch(0).await.unwrap_err();
            pass_pauses().await;
            service.sandbox.add_fault(failure.clone().times(1));
            service.fetch(0).await.unwrap();
        }
    }
}

#[tokio::test]
async fn wait_for_the_outcome_of_a_probe_ends_at_the_deadline() {
    let service = Service::new().await;
    service.fetch(1).await.unwrap();
    service.refuse([0]);
    let probe = format!("{}/send_history", service.activity(1));
    service
        .sandbox
        .add_fault(Fault::new(FaultKind::Stall).on_path(&probe));
    let probing = service.fetch_within(Duration::from_secs(2), 0);
    let waiting = async {
        while service.requests().0 < 3 {
            sleep(Duration::from_millis(1)).await;
        }
        service.fetch_within(Duration::from_millis(100), 2).await
    };
    tokio::select! {
        biased;
        outcome = probing => panic!("the probe ended first: {outcome:?}"),
        outcome = waiting => {
            assert_eq!(outcome.unwrap_err().class, FailureClass::DeadlineExceeded);
        }
    }
}
