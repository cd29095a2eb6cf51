//! Property test that no response reaches another owner, under any mix of reads, failures, cancellations and expiry.

use http::{HeaderMap, header};
use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::sources::access::{Access, CallersTokens};

const ACCOUNTS: u8 = 3;

#[derive(Clone, Debug)]
struct Step {
    account: u8,
    activity: u8,
    starts_ms: u64,
    timeout_ms: u64,
    /// Delay until the client disconnects. `None` if the client stays connected.
    disconnects_after_ms: Option<u64>,
    max_age_s: Option<u64>,
}

fn step() -> impl Strategy<Value = Step> {
    let max_age = prop_oneof![Just(None), Just(Some(0)), Just(Some(5)), Just(Some(1_000_000))];
    (
        0..ACCOUNTS,
        0..3_u8,
        0..120_000_u64,
        1..5_000_u64,
        option::weighted(0.2, 0..2_000_u64),
        max_age,
    )
        .prop_map(
            |(account, activity, starts_ms, timeout_ms, disconnects_after_ms, max_age_s)| Step {
                account,
                activity,
                // Most operations start concurrently with other operations.
                starts_ms: starts_ms / 10_000 * 10_000 + starts_ms % 7,
                timeout_ms,
                disconnects_after_ms,
                max_age_s,
            },
        )
}

/// Delay of a call, and its failure if any. The classes differ in whether a stale response may replace them.
fn outcome() -> impl Strategy<Value = (u64, Option<FailureClass>)> {
    let class = prop_oneof![
        Just(FailureClass::NotFound),
        Just(FailureClass::Unauthenticated),
        Just(FailureClass::ServerFailure),
        Just(FailureClass::Throttled),
        Just(FailureClass::DeadlineExceeded),
    ];
    (0..3_000_u64, option::weighted(0.4, class))
}

/// Builds request contexts from callers' tokens, as for HTTP requests.
struct Callers(Access);

impl Callers {
    fn context(&self, service: &Service, step: &Step) -> RequestContext {
        let mut headers = HeaderMap::new();
        let token = format!("Bearer token-of-{}", step.account);
        headers.insert(header::AUTHORIZATION, token.parse().unwrap());
        let deadline = Instant::now() + Duration::from_millis(step.timeout_ms);
        let context = self.0.context(&headers, service.clock.now(), deadline).unwrap();
        RequestContext {
            caller: Caller::new(Arc::new(Account(step.account)), deadline),
            ..context
        }
    }
}

async fn run(steps: Vec<Step>, outcomes: Vec<(u64, Option<FailureClass>)>) -> Result<(), TestCaseError> {
    let service = Arc::new(Service::new());
    let callers = Arc::new(Callers(Access::CallersTokens(
        CallersTokens::new(MINUTE).unwrap(),
    )));
    let calls = steps.len();
    let upstream = Arc::new(ByAccount {
        scripted: ScriptedUpstream::default(),
        outcomes: Mutex::new(outcomes.into_iter().cycle().take(calls).collect()),
    });
    let histories = Histories::new(
        Arc::clone(&upstream) as Arc<dyn HistorySource>,
        Arc::new(MemoryStore::new(1 << 20)),
        Arc::clone(&service.clock) as Arc<dyn Clock>,
        Freshness::new(Duration::from_secs(10), MINUTE),
    );
    let tasks = steps.into_iter().map(|step| {
        let (service, callers, histories) = (Arc::clone(&service), Arc::clone(&callers), histories.clone());
        tokio::spawn(async move {
            sleep(Duration::from_millis(step.starts_ms)).await;
            let context = callers.context(&service, &step);
            let max_age = step.max_age_s.map(Duration::from_secs);
            let read = histories.read(&context, activity(step.activity), max_age);
            let patience = Duration::from_millis(step.disconnects_after_ms.unwrap_or(u64::MAX / 4));
            let read = tokio::time::timeout(patience, read).await.ok();
            (step, read, service.clock.now())
        })
    });
    for task in futures_util::future::join_all(tasks).await {
        let (step, read, now) = task.unwrap();
        match read {
            Some(Ok(reading)) => {
                let count = reading.history.latest().unwrap().count;
                let theirs = i64::from(step.account) * 10 + i64::from(step.activity);
                prop_assert_eq!(count, Some(theirs), "{:?}", step);
                prop_assert!(now.duration_since(reading.fetched_at) <= SignedDuration::from_secs(60));
            }
            Some(Err(ReadError::NotFound)) => {
                let not_found = upstream.scripted.not_found.lock().unwrap();
                prop_assert!(
                    not_found.contains(&(step.account, activity(step.activity))),
                    "{:?}",
                    step
                );
            }
            Some(Err(ReadError::Lost | ReadError::Overloaded | ReadError::ShuttingDown)) => {
                prop_assert!(false, "lost: {:?}", step);
            }
            Some(Err(ReadError::Upstream(_))) | None => {}
        }
    }
    Ok(())
}

/// Scripted upstream with histories that identify their account and activity.
struct ByAccount {
    scripted: ScriptedUpstream,
    outcomes: Mutex<VecDeque<(u64, Option<FailureClass>)>>,
}

impl HistorySource for ByAccount {
    fn send_history<'a>(
        &'a self,
        caller: &'a Caller,
        requested: ActivityId,
    ) -> BoxFuture<'a, Result<SendHistory, UpstreamError>> {
        let number = (0..3).find(|&number| activity(number) == requested).unwrap();
        let (delay, class) = self.outcomes.lock().unwrap().pop_front().unwrap_or((100, None));
        let history = sent("2020-01-01T00:00:00Z", account_of(caller) * 10 + number);
        self.scripted.will(delay, class.map_or(Ok(history), Err));
        self.scripted.send_history(caller, requested)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn responses_never_reach_another_callers_token(
        steps in vec(step(), 2..60),
        outcomes in vec(outcome(), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(steps, outcomes))?;
    }
}
