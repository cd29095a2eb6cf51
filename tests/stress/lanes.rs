//! Invalid tokens use a small part of the calls of a second and of a day, regardless of their number. Callers with accepted
//! tokens are served as if no invalid tokens existed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sends_end_to_end::{SandboxProcess, ServiceProcess};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::scale;

const HONEST: &str = "honest-callers-token";
const NEWCOMER: &str = "second-honest-callers-token";
const OPTIONS: [&str; 6] = [
    "--second-window",
    "sliding",
    "--access-token",
    HONEST,
    "--access-token",
    NEWCOMER,
];

fn service_on(sandbox: &SandboxProcess, options: &[&str]) -> Arc<ServiceProcess> {
    let url = sandbox.api_url();
    let ours = ["--upstream-url", &url, "--caller-tokens"];
    Arc::new(ServiceProcess::start(&[&ours, options].concat(), &[]))
}

async fn ask(service: &ServiceProcess, token: &str, activity: &str) -> Value {
    let query = format!(
        r#"{{ campaignActivity(id: "{activity}", maxAge: 0) {{ sendSummary {{ attemptCount }} }} }}"#
    );
    service.post_as(Some(token), &json!({ "query": query })).await.1
}

fn code(response: &Value) -> Option<&str> {
    response["errors"][0]["extensions"]["code"].as_str()
}

struct Flood {
    callers: JoinSet<()>,
    ended: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Flood {
    fn of(callers: usize, service: &Arc<ServiceProcess>, activity: &str) -> Self {
        let (ended, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut flood = JoinSet::new();
        for caller in 0..callers {
            let (service, activity) = (Arc::clone(service), activity.to_owned());
            let (ended, answered) = (Arc::clone(&ended), Arc::clone(&answered));
            flood.spawn(async move {
                for number in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                    let response = ask(&service, &format!("made-up-{caller}-{number}"), &activity).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                    let code = code(&response);
                    assert!(
                        matches!(
                            code,
                            Some("UNAUTHENTICATED" | "RATE_LIMITED" | "UPSTREAM_TIMEOUT")
                        ),
                        "{response}"
                    );
                    if code == Some("RATE_LIMITED") {
                        assert!(
                            response["errors"][0]["extensions"]["retryAfter"].is_u64(),
                            "{response}"
                        );
                        sleep(Duration::from_millis(20)).await;
                    }
                }
            });
        }
        Self {
            callers: flood,
            ended,
            answered,
        }
    }

    fn end(mut self) -> usize {
        self.ended.store(true, Ordering::Relaxed);
        // Callers whose calls are still queued are not awaited.
        while let Some(ended) = self.callers.try_join_next() {
            ended.unwrap();
        }
        self.callers.abort_all();
        self.answered.load(Ordering::Relaxed)
    }
}

/// Returns the total time in which an accepted caller receives fresh responses, one after the other.
async fn accepted_caller_time(service: &ServiceProcess, activities: &[String]) -> Duration {
    let started = Instant::now();
    for activity in activities {
        let response = ask(service, HONEST, activity).await;
        assert!(response.get("errors").is_none(), "{response}");
    }
    started.elapsed()
}

#[tokio::test]
async fn accepted_caller_is_unaffected_by_a_flood_of_invalid_tokens() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::start(&OPTIONS);
    let service = service_on(&sandbox, &["--request-timeout", "8"]);
    let activities = sandbox.activities(scale(13, 41)).await;
    accepted_caller_time(&service, &activities[..1]).await;
    sleep(Duration::from_secs(1)).await;
    let alone = accepted_caller_time(&service, &activities).await;

    let flood = Flood::of(scale(40, 300), &service, &activities[0]);
    sleep(Duration::from_millis(1_500)).await;
    let (requested, started) = (sandbox.requests().await.len(), Instant::now());
    let during = accepted_caller_time(&service, &activities).await;
    let invalid_calls = sandbox.requests().await.len() - requested - activities.len();
    eprintln!("alone {alone:?}, during the flood {during:?}, {invalid_calls} calls for invalid tokens");
    assert!(during < alone.mul_f64(1.5), "{during:?}, alone {alone:?}");
    // The limit is one of four calls a second, in addition to the call in flight.
    assert!(
        invalid_calls <= usize::try_from(started.elapsed().as_secs()).unwrap() + 3,
        "{invalid_calls} in {during:?}"
    );
    assert_eq!(sandbox.answered(429).await, 0);
    eprintln!("{} requests with invalid tokens received a response", flood.end());
}

#[tokio::test]
async fn new_caller_is_served_during_a_flood_of_invalid_tokens() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::start(&OPTIONS);
    let service = service_on(&sandbox, &[]);
    let activities = sandbox.activities(1).await;
    let callers = scale(6, 30);
    let flood = Flood::of(callers, &service, &activities[0]);
    sleep(Duration::from_millis(1_500)).await;
    let started = Instant::now();
    // Each slot is assigned to a random waiting caller. After many times their number of slots, the new caller has almost
    // certainly made its call.
    let deadline = started + Duration::from_secs(20) * u32::try_from(callers).unwrap();
    loop {
        let response = ask(&service, NEWCOMER, &activities[0]).await;
        if response.get("errors").is_none() {
            break;
        }
        assert!(Instant::now() < deadline, "{response}");
    }
    eprintln!("a new caller among {callers} waited {:?}", started.elapsed());
    // The token is accepted from here on, and takes precedence over waiting unknown tokens.
    let (requested, started) = (sandbox.requests().await.len(), Instant::now());
    let response = ask(&service, NEWCOMER, &activities[0]).await;
    assert!(response.get("errors").is_none(), "{response}");
    let between = sandbox.requests().await.len() - requested;
    eprintln!(
        "and the second time {:?}, one of {between} calls",
        started.elapsed()
    );
    assert!(between <= 3, "{between}");
    flood.end();
}

#[tokio::test]
async fn invalid_tokens_leave_the_daily_calls_to_accepted_callers() {
    let _alone = crate::alone().await;
    let sandbox = SandboxProcess::start(&[&OPTIONS[..], &["--rate-per-second", "0"]].concat());
    let limits = ["--rate-per-second", "0", "--rate-per-day", "100"];
    let service = service_on(&sandbox, &limits);
    let activities = sandbox.activities(60).await;
    accepted_caller_time(&service, &activities[..1]).await;
    let mut limited = 0;
    for number in 0..scale(300, 3_000) {
        let response = ask(&service, &format!("made-up-{number}"), &activities[0]).await;
        match code(&response) {
            Some("UNAUTHENTICATED") => {}
            Some("RATE_LIMITED") => limited += 1,
            _ => panic!("{response}"),
        }
    }
    let invalid_calls = sandbox.requests().await.len() - 1;
    eprintln!("{invalid_calls} of the day's 100 calls for invalid tokens, {limited} rejected");
    assert!(invalid_calls <= 6, "{invalid_calls}");
    accepted_caller_time(&service, &activities).await;
}
