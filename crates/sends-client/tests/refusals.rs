//! 401 responses of a single path, and of a rejected token.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helper functions too"
)]

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

/// Token source with two tokens, of which the second is the renewed one.
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

    /// A caller with a deadline after this time.
    fn caller_for(&self, time: Duration) -> Caller {
        Caller::new(Arc::<Login>::clone(&self.login), Instant::now() + time)
    }

    async fn ask(&self, index: u64) -> Result<SendHistory, UpstreamError> {
        self.ask_within(Duration::from_secs(30), index).await
    }

    async fn ask_within(&self, time: Duration, index: u64) -> Result<SendHistory, UpstreamError> {
        self.client
            .send_history(&self.caller_for(time), self.activity(index))
            .await
    }

    /// Makes these activities answer 401.
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

    /// Number of requests, and of those other than for histories.
    fn requests(&self) -> (usize, usize) {
        let requests = self.sandbox.requests();
        let others = requests.iter().filter(|one| !one.path.ends_with("/send_history"));
        (requests.len(), others.count())
    }

    fn renewals(&self) -> usize {
        self.login.renewals.load(Ordering::Relaxed)
    }
}

fn assert_alone(outcome: Result<SendHistory, UpstreamError>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.class, FailureClass::Forbidden, "{error}");
    assert!(error.is_path_alone() && error.retry_after.is_some(), "{error:?}");
    assert!(
        error.detail.contains("the access token is accepted elsewhere"),
        "{error}"
    );
}

#[tokio::test]
async fn an_activity_that_alone_answers_401_costs_the_others_nothing() {
    for is_good_asked_before in [true, false] {
        let service = Service::new().await;
        service.refuse([0]);
        if is_good_asked_before {
            service.ask(1).await.unwrap();
        }
        for _ in 0..20 {
            assert_alone(service.ask(0).await);
            service.ask(1).await.unwrap();
        }
        let good = 20 + usize::from(is_good_asked_before);
        assert_eq!(service.requests().0, good + 2, "one refusal and one probe");
        assert_eq!(service.renewals(), 0);
        assert_eq!(service.login.refusals.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn twenty_activities_that_answer_401_cost_one_probe_and_no_renewal() {
    for is_together in [true, false] {
        let service = Service::new().await;
        service.refuse(0..20);
        service.client.user_privileges(&service.caller()).await.unwrap();
        let outcomes = if is_together {
            join_all((0..20).map(|index| service.ask(index))).await
        } else {
            let mut outcomes = Vec::new();
            for index in 0..20 {
                outcomes.push(service.ask(index).await);
            }
            outcomes
        };
        outcomes.into_iter().for_each(assert_alone);
        assert_eq!(service.requests(), (1 + 20 + 1, 1 + 1));
        assert_eq!(service.renewals(), 0);
        service.ask(21).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_that_is_refused_everywhere_is_renewed_once_however_many_calls_meet_it() {
    let service = Service::new().await;
    service.ask(1).await.unwrap();
    // The first token and its probe.
    service
        .sandbox
        .add_fault(Fault::status(401, BodyShape::Object).times(2));
    service.ask(2).await.unwrap();
    assert_eq!((service.requests().0, service.renewals()), (1 + 3, 1));
}

#[tokio::test]
async fn a_login_that_is_refused_everywhere_costs_a_handful_of_calls() {
    let service = Service::new().await;
    for index in 0..20 {
        service.ask(index).await.unwrap();
    }
    service.refuse_path("/v3/");
    let before = service.requests().0;
    for index in 0..97 {
        let error = service.ask(index % 40).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Unauthenticated, "{error}");
    }
    assert_eq!(service.requests().0 - before, 4, "each token and its probe");
    assert_eq!(service.renewals(), 1);
    assert_eq!(service.login.refusals.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_brought_token_that_was_never_accepted_is_refused_by_two_paths_without_a_probe() {
    let service = Service::new().await;
    service.refuse([0]);
    let caller = |token: &str| {
        let token = Arc::new(AccessToken::new(token).unwrap());
        Caller::new(token, Instant::now() + Duration::from_secs(30)).bringing_its_token()
    };
    let ask = async |token: &str, index| {
        let outcome = service
            .client
            .send_history(&caller(token), service.activity(index))
            .await;
        outcome.map_err(|error| error.class)
    };
    for index in 0..30 {
        assert_eq!(ask("made-up", index).await, Err(FailureClass::Unauthenticated));
    }
    assert_eq!(service.requests(), (2, 0));
    let good = "token-of-a-login";
    assert_eq!(ask(good, 0).await, Err(FailureClass::Unauthenticated));
    ask(good, 1).await.unwrap();
    assert_eq!(ask(good, 0).await, Err(FailureClass::Forbidden));
    assert_eq!(service.requests(), (4, 0));
}

#[tokio::test]
async fn a_probe_that_fails_leaves_the_other_paths_alone() {
    let service = Service::new().await;
    service.ask(1).await.unwrap();
    service.client.account_summary(&service.caller()).await.unwrap();
    service.refuse([0]);
    service
        .sandbox
        .add_fault(Fault::status(400, BodyShape::Object).on_path("/account/summary"));
    let error = service.ask(0).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Unauthenticated, "{error}");
    assert_eq!(service.login.refusals.load(Ordering::Relaxed), 0);
    service.ask(1).await.unwrap();
    assert_alone(service.ask(0).await);
}

/// Advances the time beyond the pauses of rejected tokens and paths.
async fn pass_pauses() {
    pause();
    advance(Duration::from_hours(2)).await;
    resume();
}

#[tokio::test]
async fn a_retry_after_a_pause_that_brings_no_outcome_is_sent_again_at_once() {
    for failure in [
        Fault::status(500, BodyShape::Object),
        Fault::new(FaultKind::Close),
    ] {
        let service = Service::new().await;
        service.ask(1).await.unwrap();
        // A single path, and then both tokens with their probes.
        for refused in [1, 4] {
            let refusal = Fault::status(401, BodyShape::Object);
            let path = format!("{}/send_history", service.activity(0));
            service.sandbox.add_fault(match refused {
                1 => refusal.on_path(&path).times(1),
                times => refusal.times(times),
            });
            service.ask(0).await.unwrap_err();
            pass_pauses().await;
            service.sandbox.add_fault(failure.clone().times(1));
            service.ask(0).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_call_waits_for_the_outcome_of_a_probe_no_longer_than_until_its_deadline() {
    let service = Service::new().await;
    service.ask(1).await.unwrap();
    service.refuse([0]);
    let probe = format!("{}/send_history", service.activity(1));
    service
        .sandbox
        .add_fault(Fault::new(FaultKind::Stall).on_path(&probe));
    let probing = service.ask_within(Duration::from_secs(2), 0);
    let waiting = async {
        while service.requests().0 < 3 {
            sleep(Duration::from_millis(1)).await;
        }
        service.ask_within(Duration::from_millis(100), 2).await
    };
    tokio::select! {
        biased;
        outcome = probing => panic!("the probe ended first: {outcome:?}"),
        outcome = waiting => {
            assert_eq!(outcome.unwrap_err().class, FailureClass::DeadlineExceeded);
        }
    }
}
