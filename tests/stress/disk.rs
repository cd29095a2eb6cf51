//! Full disk under the state folder.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use sends_end_to_end::{SandboxProcess, ServiceProcess};

use crate::{PATIENCE, metric, scale};

const MEGABYTES: usize = 8;

struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Returns `None` if mounting is not permitted.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={MEGABYTES}m");
        let mount = ["mount", "-t", "tmpfs", "-o", &size, "tmpfs"];
        elevated(&mount, folder.path()).then_some(Self { folder })
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for piece in [64 << 10, 1 << 10, 1] {
            while ballast.write_all(&vec![b'x'; piece]).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        elevated(&["umount", "--lazy"], self.folder.path());
    }
}

/// Runs a command on a folder directly, or through `sudo` if no password is needed.
fn elevated(command: &[&str], folder: &Path) -> bool {
    [&[][..], &["sudo", "-n"]].into_iter().any(|before| {
        let words = [before, command].concat();
        let output = Command::new(words[0]).args(&words[1..]).arg(folder).output();
        output.is_ok_and(|output| output.status.success())
    })
}

fn serve(sandbox: &SandboxProcess, disk: &SmallDisk) -> ServiceProcess {
    let state = disk.folder.path().join("state");
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
        ],
    )
}

async fn answered(service: &ServiceProcess, activities: &[String], max_age: u32) {
    let response = service.summaries(activities, max_age).await;
    assert!(response["errors"].is_null(), "{response}");
}

async fn readiness_once(service: &ServiceProcess, status: u16, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (now, report) = service.get("/health/ready").await;
        if now == status && report.contains(text) {
            return;
        }
        assert!(Instant::now() < deadline, "{now} {report}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn full_disk_loses_neither_responses_nor_the_daily_count() {
    const AN_HOUR: u32 = 3_600;
    let _alone = crate::alone().await;
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    };
    let sandbox = SandboxProcess::unlimited(&[]);
    let count = scale(20, 200);
    let activities = sandbox.generated_activities(2 * count).await;
    let (before, meanwhile) = activities.split_at(count);
    let mut service = serve(&sandbox, &disk);
    answered(&service, before, AN_HOUR).await;
    readiness_once(&service, 200, "ready").await;

    disk.fill();
    readiness_once(&service, 503, "free some space").await;
    answered(&service, before, AN_HOUR).await;
    answered(&service, meanwhile, 0).await;
    // The data exceeds the unused pages of the file.
    answered(&service, before, 0).await;
    assert_eq!(
        metric(&service, r#"sends_store_problem{problem="disk_full"}"#).await,
        1
    );
    let used = metric(&service, "sends_budget_used").await;
    assert_eq!(used, sandbox.history_requests().await as u64);
    assert_eq!(used, 3 * count as u64);

    disk.empty();
    readiness_once(&service, 200, "ready").await;
    answered(&service, &meanwhile[..1], 0).await;
    let (_, ended_well) = service.terminate();
    assert!(ended_well, "{}", service.log());

    let service = serve(&sandbox, &disk);
    let requested = sandbox.history_requests().await;
    answered(&service, before, AN_HOUR).await;
    assert_eq!(
        sandbox.history_requests().await,
        requested,
        "cached responses are fetched again"
    );
    assert_eq!(metric(&service, "sends_budget_used").await, used + 1);
    eprintln!(
        "{MEGABYTES} MB disk full: {} calls counted, {count} responses kept",
        used + 1
    );
}
