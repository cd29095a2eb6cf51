//! Tests of reading histories on a paused clock and without sockets. They check the upstream calls and the results.

#[path = "tests/batches.rs"]
mod batches;
#[path = "tests/freshness.rs"]
mod freshness;
#[path = "tests/isolation.rs"]
mod isolation;
#[path = "tests/sharing.rs"]
mod sharing;
#[path = "tests/staleness.rs"]
mod staleness;
#[path = "tests/storing.rs"]
mod storing;

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use futures_util::{FutureExt, future::BoxFuture};
use jiff::SignedDuration;
use sends_client::{AccessToken, TokenError, TokenSource, UpstreamError};
use sends_store::{MemoryStore, StoreError};
use tokio::time::{Instant, sleep};

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

/// Account, which the upstream would identify by the token.
#[derive(Debug)]
struct Account(
    #[expect(
        dead_code,
        reason = "`account_of` reads the number from the `Debug` output, because a caller exposes nothing else"
    )]
    u8,
);

impl TokenSource for Account {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        future::ready(Err(TokenError::NotRenewable)).boxed()
    }

    fn renew<'a>(&'a self, _: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        self.token()
    }
}

/// Wall clock that follows tokio's clock, with an adjustable offset.
#[derive(Debug)]
struct PausedClock {
    started: Instant,
    set_by_ms: AtomicI64,
}

impl PausedClock {
    fn set_by(&self, milliseconds: i64) {
        self.set_by_ms.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let noon: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap();
        noon + passed + SignedDuration::from_millis(self.set_by_ms.load(Ordering::SeqCst))
    }
}

type Scripted = (Duration, Result<SendHistory, FailureClass>);

/// Upstream with scripted results. If there is no script, it returns a history of an hour ago after 100 ms. The `count` of the
/// send identifies the account.
#[derive(Default)]
struct ScriptedUpstream {
    script: Mutex<VecDeque<Scripted>>,
    calls: AtomicUsize,
    given_up: AtomicUsize,
    /// Account and activity of each "not found" response.
    not_found: Mutex<Vec<(u8, ActivityId)>>,
}

impl ScriptedUpstream {
    fn will(&self, milliseconds: u64, answer: Result<SendHistory, FailureClass>) {
        let scripted = (Duration::from_millis(milliseconds), answer);
        self.script.lock().unwrap().push_back(scripted);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Counts a call that is dropped before its response.
struct Underway<'a>(&'a ScriptedUpstream, bool);

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(usize::from(!self.1), Ordering::SeqCst);
    }
}

impl HistorySource for ScriptedUpstream {
    fn send_history<'a>(
        &'a self,
        caller: &'a Caller,
        activity: ActivityId,
    ) -> BoxFuture<'a, Result<SendHistory, UpstreamError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let account = account_of(caller);
        let scripted = self.script.lock().unwrap().pop_front();
        let (delay, answer) = scripted.unwrap_or_else(|| {
            (
                Duration::from_millis(100),
                Ok(sent("2026-06-15T11:00:00Z", account)),
            )
        });
        async move {
            let mut underway = Underway(self, false);
            // As in the client, the call ends at the caller's deadline.
            let in_time = tokio::time::timeout_at(caller.deadline(), sleep(delay)).await;
            underway.1 = true;
            let class = match (in_time, answer) {
                (Ok(()), Ok(history)) => return Ok(history),
                (Ok(()), Err(class)) => class,
                (Err(_), _) => FailureClass::TimedOut,
            };
            if class == FailureClass::NotFound {
                self.not_found.lock().unwrap().push((account, activity));
            }
            // The pacer enforces the daily limit before a request is sent.
            let attempts = u32::from(class != FailureClass::QuotaExceeded);
            Err(UpstreamError {
                class,
                attempts,
                ..out_of_time(activity)
            })
        }
        .boxed()
    }
}

fn account_of(caller: &Caller) -> u8 {
    let shown = format!("{caller:?}");
    let digits = shown.split("Account(").nth(1).unwrap().split(')').next();
    digits.unwrap().parse().unwrap()
}

struct Service {
    histories: Histories,
    upstream: Arc<ScriptedUpstream>,
    clock: Arc<PausedClock>,
}

impl Service {
    /// Creates a service whose maximum age is one minute, and one hour if the last send is two days old.
    fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new(1 << 20)))
    }

    fn on(store: Arc<dyn Store>) -> Self {
        let upstream = Arc::<ScriptedUpstream>::default();
        let clock = Arc::new(PausedClock {
            started: Instant::now(),
            set_by_ms: AtomicI64::new(0),
        });
        let histories = Histories::new(
            Arc::clone(&upstream) as Arc<dyn HistorySource>,
            store,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Freshness::new(MINUTE, Duration::from_hours(1)),
        );
        Self {
            histories,
            upstream,
            clock,
        }
    }

    /// Starts an operation of account 1 with a timeout of one minute.
    fn operation(&self) -> RequestContext {
        self.operation_of(1, MINUTE)
    }

    fn operation_of(&self, account: u8, timeout: Duration) -> RequestContext {
        RequestContext {
            owner: Owner::new([account; 16]),
            caller: Caller::new(Arc::new(Account(account)), Instant::now() + timeout),
            asked_at: self.clock.now(),
            oldest: None,
            stale: Arc::default(),
            unwritten: Arc::default(),
        }
    }

    async fn read(&self, max_age: Option<Duration>) -> Result<Reading, ReadError> {
        self.histories.read(&self.operation(), activity(0), max_age).await
    }
}

fn activity(number: u8) -> ActivityId {
    format!("1ead98be-dfa0-4e04-81f7-5f1534d42e{number:02x}")
        .parse()
        .unwrap()
}

fn sent(run_date: &str, count: u8) -> SendHistory {
    let json = format!(
        r#"[{{"send_id":1,"count":{count},"run_date":"{run_date}","send_status":"COMPLETED","reason_code":0}}]"#
    );
    SendHistory::from_json(json.as_bytes()).unwrap()
}

fn class_of(read: Result<Reading, ReadError>) -> FailureClass {
    match read.unwrap_err() {
        ReadError::Upstream(error) => error.class,
        other => panic!("{other}"),
    }
}
