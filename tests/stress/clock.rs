//! Steps of the system clock: forwards, backwards and over midnight.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sends_end_to_end::{SandboxProcess, ServiceProcess};

use crate::{PATIENCE, metric, scale};

/// Returns the path of the `faketime` library, or `None` if it is not installed.
fn library() -> Option<PathBuf> {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(Path::new);
    let below = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let folders = folders
        .map(Path::to_owned)
        .into_iter()
        .chain(below.map(|entry| entry.path()));
    folders
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
}

/// Service with a separate clock, which a file sets.
struct Clock {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl Clock {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        library().map(|library| Self { folder, library })
    }

    fn set(&self, time: &str) {
        // The file is replaced as a whole, because the service reads it at each clock access.
        let next = self.folder.path().join("next");
        fs::write(&next, format!("@{time}")).unwrap();
        fs::rename(next, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    fn serve(&self, sandbox: &SandboxProcess) -> ServiceProcess {
        let state = self.folder.path().join("state");
        ServiceProcess::start(
            &[
                "--upstream-url",
                &sandbox.api_url(),
                "--rate-per-second",
                "0",
                "--answer-cache",
                "0",
            ],
            &[
                ("SENDS_ACCESS_TOKEN", SandboxProcess::ACCESS_TOKEN),
                ("SENDS_STATE_DIR", state.to_str().unwrap()),
                ("LD_PRELOAD", self.library.to_str().unwrap()),
                ("FAKETIME_TIMESTAMP_FILE", self.file().to_str().unwrap()),
                ("FAKETIME_NO_CACHE", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ("NO_FAKE_STAT", "1"),
                ("TZ", "UTC"),
            ],
        )
    }
}

#[tokio::test]
async fn clock_steps_lose_neither_responses_nor_the_daily_count() {
    const A_YEAR: u32 = 31_536_000;
    let _alone = crate::alone().await;
    let Some(clock) = Clock::new() else {
        eprintln!("SKIPPED: the faketime library is not installed, so no clock can be set");
        return;
    };
    let sandbox = SandboxProcess::unlimited(&[]);
    let count = scale(5, 50);
    let activities = sandbox.generated_activities(count).await;
    let ask = async |service: &ServiceProcess, max_age: u32| {
        let response = service.summaries(&activities, max_age).await;
        assert!(response["errors"].is_null(), "{response}");
    };
    // The displayed count may be half a second old.
    let used_once = async |service: &ServiceProcess, rounds: usize, time: &str| {
        let (expected, deadline) = ((rounds * count) as u64, Instant::now() + PATIENCE);
        loop {
            let used = metric(service, "sends_budget_used").await;
            if used == expected {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{time}: {used} calls instead of {expected}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };

    clock.set("2026-03-10 12:00:00");
    let mut service = clock.serve(&sandbox);
    // Each step has a time and two counts of its day, in rounds of calls. The first count follows a query that accepts cached
    // responses, and the second a query that does not. A response dated in the future has an unknown age and is fetched again.
    let steps = [
        ("2026-03-10 12:00:00", [1, 2]),
        ("2026-03-10 23:50:00", [2, 3]),
        ("2026-03-10 11:00:00", [4, 5]),
        ("2026-03-11 00:10:00", [0, 1]),
        ("2026-03-10 23:59:00", [6, 7]),
        ("2026-03-11 23:00:00", [1, 2]),
    ];
    for (time, [cached, new]) in steps {
        clock.set(time);
        ask(&service, A_YEAR).await;
        used_once(&service, cached, time).await;
        ask(&service, 0).await;
        used_once(&service, new, time).await;
        assert_eq!(service.get("/health/ready").await.0, 200, "{time}");
    }
    let requested = sandbox.history_requests().await;
    assert_eq!(requested, 9 * count);
    let (_, ended_well) = service.terminate();
    assert!(ended_well, "{}", service.log());

    // The clock restarts with the process.
    clock.set("2026-03-11 23:30:00");
    let service = clock.serve(&sandbox);
    ask(&service, A_YEAR).await;
    assert_eq!(
        sandbox.history_requests().await,
        requested,
        "cached responses are fetched again"
    );
    used_once(&service, 2, "after the restart").await;
    clock.set("2026-03-10 23:59:30");
    used_once(&service, 7, "the day before").await;
    eprintln!(
        "{} steps of the clock and a restart: {requested} calls, each counted for its day",
        steps.len()
    );
}
