//! Compares the upstream calls that dashboards cause in one hour with a fixed and with an adaptive maximum age. The clock is
//! simulated.
//!
//! ```sh
//! cargo run -p sends-graphql --example calls_saved
//! ```

use std::{
    error::Error,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use jiff::{SignedDuration, Timestamp};
use sends_client::{AccessToken, Caller, Clock, UpstreamError};
use sends_core::{ActivityId, SendHistory};
use sends_graphql::sources::histories::{Freshness, Histories, HistorySource, RequestContext};
use sends_store::{MemoryStore, Owner};
use tokio::time::{Instant, sleep};

const ACTIVITIES: u64 = 200;
const DASHBOARDS: u64 = 3;
/// Minimum time since an activity's last send: five minutes. The times are distributed log-uniformly up to two years.
const MIN_AGE_S: f64 = 300.0;
const MAX_AGE_S: f64 = 2.0 * 365.0 * 86_400.0;

#[derive(Debug)]
struct SimulatedClock(Instant);

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).unwrap_or_default();
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 56) + passed
    }
}

/// Simulated account with the latency of a transatlantic call.
struct Account {
    histories: Vec<(ActivityId, SendHistory)>,
    calls: AtomicU64,
}

impl HistorySource for Account {
    fn send_history<'a>(
        &'a self,
        _: &'a Caller,
        activity: ActivityId,
    ) -> BoxFuture<'a, Result<SendHistory, UpstreamError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let history = self.histories.iter().find(|(id, _)| *id == activity);
        let history = history.map(|(_, history)| history.clone()).unwrap_or_default();
        async {
            sleep(Duration::from_millis(150)).await;
            Ok(history)
        }
        .boxed()
    }
}

#[expect(clippy::cast_precision_loss, reason = "200 activities fit into an f64")]
fn histories(now: Timestamp) -> Result<Vec<(ActivityId, SendHistory)>, Box<dyn Error>> {
    let activity = |number: u64| {
        let part = number as f64 / (ACTIVITIES - 1) as f64;
        let age = MIN_AGE_S * (MAX_AGE_S / MIN_AGE_S).powf(part);
        let run_date = now - SignedDuration::from_secs_f64(age);
        let json = format!(
            r#"[{{"send_id":1,"count":9,"run_date":"{run_date}","send_status":"COMPLETED","reason_code":0}}]"#
        );
        let id = format!("1ead98be-dfa0-4e04-81f7-{number:012x}").parse()?;
        Ok((id, SendHistory::from_json(json.as_bytes())?))
    };
    (0..ACTIVITIES).map(activity).collect()
}

/// Counts the calls of an hour in which every dashboard reads every activity once a minute.
async fn hour(freshness: Freshness) -> Result<u64, Box<dyn Error>> {
    let clock = Arc::new(SimulatedClock(Instant::now()));
    let account = Arc::new(Account {
        histories: histories(clock.now())?,
        calls: AtomicU64::new(0),
    });
    let histories = Histories::new(
        Arc::clone(&account) as Arc<dyn HistorySource>,
        Arc::new(MemoryStore::new(1 << 20)),
        Arc::clone(&clock) as Arc<dyn Clock>,
        freshness,
    );
    let token = Arc::new(AccessToken::new("token")?);
    for _ in 0..60 * DASHBOARDS {
        let context = RequestContext {
            owner: Owner::new([1; 16]),
            caller: Caller::new(
                Arc::clone(&token) as Arc<_>,
                Instant::now() + Duration::from_mins(1),
            ),
            asked_at: clock.now(),
            oldest: None,
            stale: Arc::default(),
            unwritten: Arc::default(),
        };
        let reads = account
            .histories
            .iter()
            .map(|(id, _)| histories.read(&context, *id, None));
        let next = sleep(Duration::from_secs(60 / DASHBOARDS));
        tokio::join!(next, async {
            for reading in futures_util::future::join_all(reads).await {
                assert!(reading.is_ok(), "the simulated upstream never fails");
            }
        });
    }
    Ok(account.calls.load(Ordering::Relaxed))
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand calls fit into an f64")]
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let minute = Duration::from_mins(1);
    let fixed = hour(Freshness::new(minute, minute)).await?;
    let adaptive = hour(Freshness::new(minute, 60 * minute)).await?;
    writeln!(
        io::stdout(),
        "{ACTIVITIES} activities, {DASHBOARDS} dashboards that read all of them once a minute, one hour:\n\
         {fixed:>6} calls with a fixed maximum age of 60 s\n\
         {adaptive:>6} calls with a maximum age that grows with the time since the last send, {:.0} % fewer",
        100.0 - 100.0 * adaptive as f64 / fixed as f64
    )?;
    Ok(())
}
