//! Several processes with one state folder share the limits of one API key. The total calls a second and a day are at most those
//! of a single process, and each process receives a share.
//!
//! The sandbox enforces 4 calls a second in a sliding window, and rejects the fifth call with 429.

use std::{
    collections::HashSet,
    fs,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all, join3};
use sends_end_to_end::{CommandProcess, GUIDE_ACTIVITY, SandboxProcess, ServiceProcess, http_client};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{is_full, scale};

const SLIDING: [&str; 2] = ["--second-window", "sliding"];

/// Minimum rate in calls a second, of 4 allowed, while calls wait. Applies to runs that are long enough to neglect their start.
const MIN_RATE: f64 = 3.7;

/// Minimum rate in a short run, and while processes are started one after the other.
const MIN_SHORT_RATE: f64 = 3.0;

fn min_rate() -> f64 {
    if is_full() { MIN_RATE } else { MIN_SHORT_RATE }
}

struct Account {
    sandbox: SandboxProcess,
    state: TempDir,
}

impl Account {
    fn new(options: &[&str]) -> Self {
        Self {
            sandbox: SandboxProcess::start(options),
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn folder(&self) -> &str {
        self.state.path().to_str().unwrap()
    }

    fn serve(&self, options: &[&str]) -> ServiceProcess {
        ServiceProcess::on(
            &self.sandbox,
            &[&["--state-dir", self.folder()], options].concat(),
        )
    }

    fn command(&self, name: &str, arguments: &[&str]) -> CommandProcess {
        let url = self.sandbox.api_url();
        let ours = [name, "--upstream-url", &url, "--state-dir", self.folder()];
        let token = [("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN)];
        CommandProcess::start(&[&ours, arguments].concat(), &token)
    }

    async fn requests(&self, least: usize) -> usize {
        self.sandbox.requests_reach(least).await
    }

    /// Asserts that no call was rejected, and that the rate was at least `min_rate` calls a second.
    async fn assert_exact_and_used(&self, min_rate: f64) {
        let throttled = self.sandbox.answered(429).await;
        let requests = self.sandbox.requests().await;
        let times: Vec<f64> = requests.iter().map(arrived).collect();
        let rate = rate(&times);
        eprintln!(
            "{} requests, {throttled} x 429, {rate:.2} calls a second",
            requests.len()
        );
        assert_eq!(throttled, 0, "of {} requests", requests.len());
        assert!(rate >= min_rate, "{rate:.2} calls a second: {times:?}");
    }
}

fn arrived(request: &Value) -> f64 {
    request["at_ms"].as_f64().unwrap()
}

/// Returns the calls a second, from the first call to the last call that starts a round of four.
fn rate(times: &[f64]) -> f64 {
    let last_round = (times.len() - 1) / 4 * 4;
    let calls = u32::try_from(last_round).unwrap();
    f64::from(calls) / (times[last_round] - times[0]) * 1_000.0
}

fn requests_for(requests: &[Value], activities: &[String]) -> usize {
    let paths: HashSet<String> = activities
        .iter()
        .map(|activity| format!("/v3/emails/activities/{activity}/send_history"))
        .collect();
    let is_theirs = |request: &&Value| paths.contains(request["path"].as_str().unwrap());
    requests.iter().filter(is_theirs).count()
}

#[tokio::test]
async fn two_services_and_a_synchronisation_share_the_rate_without_starvation() {
    let _alone = crate::alone().await;
    let account = Account::new(&SLIDING);
    let services = [account.serve(&[]), account.serve(&[])];
    let each = scale(10, 60);
    let activities = account.sandbox.activities(2 * each).await;
    let (ones, others) = activities.split_at(each);

    let sync = account.command("sync", &[]);
    account.requests(4).await;
    let answers = join(services[0].summaries(ones, 60), services[1].summaries(others, 60));
    let (one, other) = answers.await;
    for response in [one, other] {
        assert!(response.get("errors").is_none(), "{response}");
    }
    let at_end = account.sandbox.requests().await.len();
    // The callers have their responses, so background work continues.
    account.requests(at_end + 5).await;
    drop(sync);
    account.assert_exact_and_used(min_rate()).await;

    // The services are served equally once both have waiting calls, which is after the first slots at the latest.
    let requests = account.sandbox.requests().await;
    let mut theirs = requests.clone();
    theirs.retain(|request| requests_for(std::slice::from_ref(request), &activities) > 0);
    let together = &theirs[4..][..each];
    let shares = [requests_for(together, ones), requests_for(together, others)];
    eprintln!("shares of {each} calls: {shares:?}");
    assert!(shares.iter().all(|share| *share * 3 >= each), "{shares:?}");
}

/// Runs concurrent callers of a service, each of which sends its next request after the last response. Returns the number of
/// responses.
async fn busy(service: &ServiceProcess, callers: &[&[String]], until: Instant) -> usize {
    let callers = callers.iter().map(|activities| async {
        let mut answers = 0;
        for activity in activities.iter().cycle() {
            if Instant::now() >= until {
                break;
            }
            let response = service.summaries(std::slice::from_ref(activity), 0).await;
            assert!(response.get("errors").is_none(), "{response}");
            answers += 1;
        }
        answers
    });
    join_all(callers).await.iter().sum()
}

#[tokio::test]
async fn synchronisation_and_services_get_their_shares_under_constant_load() {
    let _alone = crate::alone().await;
    let account = Account::new(&SLIDING);
    let services = [account.serve(&[]), account.serve(&[])];
    let activities = account.sandbox.activities(30).await;
    let callers: Vec<&[String]> = activities.chunks(5).collect();
    let sync = account.command("sync", &[]);
    account.requests(4).await;
    let before = account.sandbox.requests().await.len();
    let started = Instant::now();
    let until = started + Duration::from_secs(scale(12, 60) as u64);
    let commands = async {
        let mut commands = 0;
        while Instant::now() < until {
            let command = account.command("history", &[&activities[29], "--max-age", "0"]);
            let finished = tokio::task::spawn_blocking(|| command.finish()).await.unwrap();
            assert_eq!(finished.status, Some(0), "{finished:?}");
            commands += 1;
        }
        commands
    };
    let ones = busy(&services[0], &callers[..2], until);
    let others = busy(&services[1], &callers[2..5], until);
    let (ones, others, commands) = join3(ones, others, commands).await;
    let all = account.sandbox.requests().await.len() - before;
    drop(sync);
    let of_sync = all - ones - others - commands;
    eprintln!(
        "{all} calls: {ones} and {others} of the services, {commands} of commands, {of_sync} of the synchronisation"
    );
    assert!(of_sync * 12 >= all, "{of_sync} of {all}");
    assert!(
        ones * 5 >= all && others * 5 >= all,
        "{ones} and {others} of {all}"
    );
    account.assert_exact_and_used(min_rate()).await;
}

#[tokio::test]
async fn consecutive_commands_count_the_calls_of_earlier_commands() {
    let _alone = crate::alone().await;
    let account = Account::new(&SLIDING);
    let commands = scale(8, 15);
    let activities = account.sandbox.activities(4 * commands).await;
    for four in activities.chunks(4) {
        let four: Vec<&str> = four.iter().map(String::as_str).collect();
        let command = account.command("history", &four);
        let finished = tokio::task::spawn_blocking(|| command.finish()).await.unwrap();
        assert_eq!(finished.status, Some(0), "{finished:?}");
    }
    let requests = account.sandbox.requests().await;
    let arrivals: Vec<f64> = requests.iter().map(arrived).collect();
    let throttled = account.sandbox.answered(429).await;
    eprintln!(
        "{} requests for {} histories, {throttled} x 429",
        requests.len(),
        4 * commands
    );
    assert_eq!(throttled, 0, "{arrivals:?}");
    assert_eq!(requests.len(), 4 * commands, "{requests:?}");
}

#[tokio::test]
async fn killed_processes_neither_delay_others_nor_lose_their_counts() {
    let _alone = crate::alone().await;
    let account = Account::new(&SLIDING);
    let lasting = account.serve(&[]);
    let kills = scale(4, 20);
    let activities = account.sandbox.activities(200).await;
    let (lasting_ones, others) = activities.split_at(6 * kills.min(16));
    let killing = async {
        for (some, round) in others.chunks(5).zip(0..u64::try_from(kills).unwrap()) {
            let killed = account.serve(&[]);
            let query = summaries(some);
            let url = format!("{}/graphql", killed.origin());
            let asking = tokio::spawn(http_client().post(url).json(&query).send());
            // Some kills occur during a claim, and all kills occur while calls wait.
            sleep(Duration::from_millis(300 + 137 * round % 400)).await;
            killed.signal("KILL");
            asking.await.unwrap().unwrap_err();
        }
    };
    let (response, ()) = join(lasting.summaries(lasting_ones, 60), killing).await;
    assert!(response.get("errors").is_none(), "{response}");
    account.assert_exact_and_used(MIN_SHORT_RATE).await;

    let requested = account.sandbox.requests().await.len();
    let counted = used_today(&lasting).await;
    // A process that is killed between its claim and its call has claimed a call that was never sent.
    assert!(
        (requested..=requested + kills).contains(&counted),
        "{counted} of {requested}"
    );
}

#[tokio::test]
async fn background_work_of_one_process_does_not_delay_queries_of_another() {
    let _alone = crate::alone().await;
    let account = Account::new(&SLIDING);
    let service = account.serve(&[]);
    let activities = account.sandbox.activities(4).await;
    let sync = account.command("sync", &[]);
    let mut requested = 8;
    let rounds = scale(3, 20);
    for _ in 0..rounds {
        requested = account.requests(requested).await;
        let response = service.summaries(&activities, 0).await;
        assert!(response.get("errors").is_none(), "{response}");
        let all = account.sandbox.requests().await;
        let between = &all[requested..];
        let own = requests_for(between, &activities);
        // The range covers the seconds in which the four calls were sent, and the calls of the second in which they were
        // requested.
        eprintln!("{own} calls of a query among {} calls", between.len());
        assert_eq!(own, 4, "{between:?}");
        assert!(between.len() <= own + 8, "{} for {own}", between.len());
        requested = all.len() + 4;
    }
    drop(sync);
    account.assert_exact_and_used(min_rate()).await;
}

#[tokio::test]
async fn daily_calls_are_shared_to_the_last_one() {
    let _alone = crate::alone().await;
    let account = Account::new(&["--rate-per-second", "0", "--rate-per-day", "0"]);
    let limits = [
        "--rate-per-second",
        "0",
        "--rate-per-day",
        "60",
        "--rate-reserve",
        "0",
    ];
    let services = [(); 3].map(|()| account.serve(&limits));
    let activities = account.sandbox.activities(180).await;
    let answers = services
        .iter()
        .zip(activities.chunks(60))
        .map(|(service, theirs)| service.summaries(theirs, 60));
    join_all(answers).await;
    assert_eq!(account.sandbox.history_requests().await, 60);
    for service in &services {
        assert_eq!(used_today(service).await, 60);
    }
}

#[tokio::test]
async fn calls_of_another_process_are_shown_by_an_idle_one() {
    let _alone = crate::alone().await;
    let account = Account::new(&SLIDING);
    let (idle, busy) = (account.serve(&[]), account.serve(&[]));
    let activities = account.sandbox.activities(4).await;
    busy.summaries(&activities, 60).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while used_today(&idle).await != 4 {
        assert!(Instant::now() < deadline, "{}", used_today(&idle).await);
        sleep(Duration::from_millis(50)).await;
    }
    let (_, metrics) = idle.get("/metrics").await;
    assert!(metrics.contains("sends_budget_used 4\n"), "{metrics}");
}

#[tokio::test]
async fn service_without_its_folder_continues_alone() {
    let _alone = crate::alone().await;
    let account = Account::new(&SLIDING);
    let service = account.serve(&[]);
    fs::remove_dir_all(account.state.path()).unwrap();
    let response = service.activity(GUIDE_ACTIVITY, 60).await;
    assert_eq!(
        response["data"]["campaignActivity"]["isStale"], false,
        "{response}"
    );
    let log = service
        .log_once(|log| log.contains("departures cannot be shared"))
        .await;
    assert_eq!(log.matches("departures cannot be shared").count(), 1, "{log}");
}

fn summaries(activities: &[String]) -> Value {
    json!({ "query": format!(
        "{{ campaignActivities(ids: {}) {{ sendSummary {{ attemptCount }} }} }}",
        json!(activities)
    ) })
}

async fn used_today(service: &ServiceProcess) -> usize {
    let response = service.query("{ upstreamBudget { usedToday } }").await;
    let used = response["data"]["upstreamBudget"]["usedToday"].as_u64();
    usize::try_from(used.unwrap_or_else(|| panic!("{response}"))).unwrap()
}
