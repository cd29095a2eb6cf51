//! Removal and damage of the store while the service runs, and log searches that run concurrently with lookups.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sends_end_to_end::{SandboxProcess, ServiceProcess, run};
use serde_json::{Value, json};

use crate::is_full;

const PAGE: usize = 4_096;

struct StoreTest {
    sandbox: SandboxProcess,
    url: String,
    folder: tempfile::TempDir,
    state: String,
}

impl StoreTest {
    fn new(activities: &str) -> Self {
        let sandbox = SandboxProcess::unlimited(&["--activities", activities]);
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: sandbox.api_url(),
            sandbox,
            state: folder.path().join("state").to_str().unwrap().to_owned(),
            folder,
        }
    }

    fn state(&self) -> &Path {
        Path::new(&self.state)
    }

    fn serve(&self) -> ServiceProcess {
        let options = [self.options().as_slice(), &["--answer-cache", "0"]].concat();
        ServiceProcess::start(&options, &self.environment())
    }

    /// Fills the log and the store with a command that ends afterwards.
    fn synchronise(&self) {
        let options = [&["sync"], self.options().as_slice()].concat();
        let finished = run(&options, &self.environment());
        assert!(matches!(finished.status, Some(0 | 3)), "{}", finished.errors);
    }

    fn options(&self) -> [&str; 6] {
        let unlimited = "0";
        [
            "--upstream-url",
            &self.url,
            "--rate-per-second",
            unlimited,
            "--rate-per-day",
            unlimited,
        ]
    }

    fn environment(&self) -> [(&str, &str); 2] {
        [
            ("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN),
            ("SENDS_STATE_DIR", &self.state),
        ]
    }
}

async fn readiness_once(service: &ServiceProcess, status: u16, text: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (now, report) = service.get("/health/ready").await;
        if now == status && report.contains(text) {
            return report;
        }
        assert!(Instant::now() < deadline, "{now} {report}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn answers(service: &ServiceProcess, activities: &[String]) {
    let response = service.summaries(activities, 31_536_000).await;
    assert!(response["errors"].is_null(), "{response}");
    let answered = response["data"]["campaignActivities"].as_array().unwrap();
    assert_eq!(answered.len(), activities.len());
    assert!(answered.iter().all(|activity| !activity.is_null()), "{response}");
}

async fn problem(service: &ServiceProcess, name: &str) -> bool {
    let (_, metrics) = service.get("/metrics").await;
    metrics.contains(&format!("sends_store_problem{{problem=\"{name}\"}} 1"))
}

#[tokio::test]
async fn removed_state_folder_makes_the_service_unready_and_losses_are_logged() {
    let _alone = crate::alone().await;
    let fixture = StoreTest::new("200");
    let mut service = fixture.serve();
    let activities = fixture.sandbox.generated_activities(20).await;
    answers(&service, &activities[..10]).await;
    readiness_once(&service, 200, "ready").await;
    assert!(!problem(&service, "gone").await);

    fs::remove_dir_all(fixture.state()).unwrap();
    let report = readiness_once(&service, 503, "STORE_GONE").await;
    assert!(report.contains("restart the service"), "{report}");
    assert!(problem(&service, "gone").await);
    answers(&service, &activities).await;
    let (_, ended_well) = service.terminate();
    assert!(ended_well);
    let log = service
        .log_once(|log| log.contains("is lost with this process"))
        .await;
    assert!(log.contains("changes since"), "{log}");
    assert!(!fixture.state().exists());
}

#[tokio::test]
async fn replaced_file_makes_the_service_unready_until_it_is_restored() {
    let _alone = crate::alone().await;
    let fixture = StoreTest::new("200");
    let service = fixture.serve();
    let activities = fixture.sandbox.generated_activities(20).await;
    answers(&service, &activities[..10]).await;
    let (file, aside) = (
        fixture.state().join("sends.db"),
        fixture.folder.path().join("aside"),
    );
    fs::rename(&file, &aside).unwrap();
    fs::write(&file, "").unwrap();
    readiness_once(&service, 503, "another file is in its place").await;
    answers(&service, &activities).await;
    fs::rename(&aside, &file).unwrap();
    readiness_once(&service, 200, "ready").await;
    assert!(!problem(&service, "gone").await);
}

#[tokio::test]
async fn damaged_pages_are_reported_and_their_data_is_fetched_again() {
    let _alone = crate::alone().await;
    let fixture = StoreTest::new("500");
    fixture.synchronise();
    let mut service = fixture.serve();
    let activities = fixture.sandbox.generated_activities(400).await;
    let damaged = damage(&fixture.state().join("sends.db"), 40);
    let requests_before = fixture.sandbox.history_requests().await;
    answers(&service, &activities).await;
    let fetched = fixture.sandbox.history_requests().await - requests_before;
    eprintln!(
        "{damaged} pages damaged, {fetched} of {} histories fetched again",
        activities.len()
    );
    assert!(fetched > 0);
    let report = readiness_once(&service, 200, "STORE_DAMAGED").await;
    assert!(report.contains("rebuild-store"), "{report}");
    assert!(problem(&service, "damaged").await);
    service.terminate();
    service.log_once(|log| log.contains("rebuild-store")).await;
}

/// Overwrites this number of pages: every second page, from the end of the file backwards. Returns the number of overwritten
/// pages.
fn damage(file: &Path, pages: usize) -> usize {
    let length = usize::try_from(fs::metadata(file).unwrap().len()).unwrap() / PAGE;
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    let chosen: Vec<usize> = (8..length).rev().step_by(2).take(pages).collect();
    for page in &chosen {
        file.seek(SeekFrom::Start((page * PAGE) as u64)).unwrap();
        file.write_all(&[0xA5; PAGE]).unwrap();
    }
    chosen.len()
}

#[tokio::test]
async fn lookups_do_not_wait_for_searches() {
    let _alone = crate::alone().await;
    let (activities, looked_up) = if is_full() { ("20000", 400) } else { ("500", 100) };
    let fixture = StoreTest::new(activities);
    fixture.synchronise();
    let service = fixture.serve();
    let activities = fixture.sandbox.generated_activities(looked_up).await;
    let totals: Vec<String> = (0..20)
        .map(|number| format!("t{number}: sendTotals(groupBy: CONTACT_LIST) {{ groupCount }}"))
        .collect();
    let totals = totals.join(" ");
    let searching = join_all((0..2).map(|_| async {
        let began = Instant::now();
        let response = service.post(&json!({ "query": format!("{{ {totals} }}") })).await;
        assert_eq!(response.0, 200, "{}", response.1);
        assert_eq!(response.1["errors"], Value::Null, "{}", response.1);
        began.elapsed()
    }));
    let looking_up = async {
        let mut slowest = Duration::ZERO;
        for activity in &activities {
            let began = Instant::now();
            answers(&service, std::slice::from_ref(activity)).await;
            slowest = slowest.max(began.elapsed());
        }
        slowest
    };
    let (searched, slowest) = tokio::join!(searching, looking_up);
    let longest = searched.into_iter().max().unwrap();
    eprintln!(
        "20 totals by list of each of two callers: {longest:?}; slowest concurrent lookup: {slowest:?}"
    );
    if !is_full() {
        eprintln!(
            "not compared, because searches of a small log take no longer than a thread may wait for its turn"
        );
        return;
    }
    assert!(slowest * 20 < longest, "{slowest:?} of {longest:?}");
}
