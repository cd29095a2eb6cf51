//! Kills a process at each point where a token response can be lost, and checks the remaining files.
//!
//! The process is another instance of this test program, which halts at the point named in its environment until it is killed
//! with SIGKILL. For points on the wire, the simulated upstream stalls instead.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use sends_client::{TokenError, TokenSource};
use sends_sandbox::{Config, Fault, FaultKind, Sandbox};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Application, CodeLogin, Endpoints, Login, LoginRequest, LoginRequired, Settings, StateDir};

/// Environment variable with the name of the point at which the child process halts.
const POINT: &str = "SENDS_CREDENTIALS_TEST_POINT";
const PASSED_BEFORE: &str = "SENDS_CREDENTIALS_TEST_PASSED_BEFORE";
/// Environment variable with the work of the child process: `refresh` or `login`.
const WORK: &str = "SENDS_CREDENTIALS_TEST_WORK";
const FOLDER: &str = "SENDS_CREDENTIALS_TEST_FOLDER";
const OAUTH: &str = "SENDS_CREDENTIALS_TEST_OAUTH";
/// Marker file that the child process writes when it halts.
const REACHED: &str = "reached";

/// Halts the process if the environment names this point.
pub(crate) fn reached(point: &str) {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    if env::var(POINT).is_ok_and(|named| named == point) {
        let before: u32 = env::var(PASSED_BEFORE).unwrap().parse().unwrap();
        if PASSED.fetch_add(1, Ordering::Relaxed) == before {
            fs::write(Path::new(&env::var(FOLDER).unwrap()).join(REACHED), "").unwrap();
            loop {
                thread::park();
            }
        }
    }
}

fn settings() -> Settings {
    Settings {
        call_spacing: Duration::ZERO,
        rejection_pause: Duration::ZERO,
        ..Settings::default()
    }
}

/// Body of the child process. Returns immediately in a normal test run.
#[tokio::test]
async fn child_process_works_until_killed() {
    let Ok(work) = env::var(WORK) else { return };
    let dir = StateDir::open(env::var(FOLDER).unwrap()).unwrap();
    if work == "refresh" {
        let login = Login::new(&dir, settings());
        let token = login.token().await.unwrap();
        let _ = login.renew(&token).await;
    } else {
        log_in(&dir, &env::var(OAUTH).unwrap()).await;
    }
}

async fn log_in(dir: &StateDir, oauth_url: &str) {
    let request = LoginRequest {
        endpoints: Endpoints::from_base(oauth_url).unwrap(),
        ..LoginRequest::new(Application::public(
            sends_sandbox::config::DEFAULT_PUBLIC_CLIENT_ID,
        ))
    };
    let login = CodeLogin::start(request, None, dir, &settings()).await.unwrap();
    let url = login.url().clone();
    let browser = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap();
    let visit = tokio::spawn(browser.get(url).send());
    let grant = login.finish().await.unwrap();
    let _ = visit.await;
    reached("grant received");
    Login::new(dir, settings()).save(grant).await.unwrap();
}

struct Home {
    sandbox: Sandbox,
    folder: TempDir,
}

#[derive(Clone, Copy, Debug)]
enum KillPoint {
    /// Named point in the program, and the number of times that the program passes it before the halt.
    Point(&'static str, u32),
    /// Point after the upstream has received the request. The upstream responds with this fault.
    Upstream(FaultKind),
}

impl Home {
    async fn new() -> Self {
        let home = Self {
            sandbox: Sandbox::start(Config::unlimited()).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        log_in(&home.dir(), &home.sandbox.oauth_base_url()).await;
        home
    }

    fn dir(&self) -> StateDir {
        StateDir::open(self.folder.path()).unwrap()
    }

    fn stored(&self) -> Value {
        serde_json::from_slice(&fs::read(self.folder.path().join("credential.json")).unwrap()).unwrap()
    }

    fn token_calls(&self) -> usize {
        let requests = self.sandbox.requests();
        requests
            .iter()
            .filter(|request| request.path.ends_with("/token"))
            .count()
    }

    async fn kill(&self, work: &str, place: KillPoint) {
        let calls = self.token_calls();
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "crash_tests::child_process_works_until_killed"])
            .env(WORK, work)
            .env(FOLDER, self.folder.path())
            .env(OAUTH, self.sandbox.oauth_base_url())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match place {
            KillPoint::Point(point, before) => {
                command.env(POINT, point).env(PASSED_BEFORE, before.to_string());
            }
            KillPoint::Upstream(kind) => {
                self.sandbox
                    .add_fault(Fault::new(kind).on_path("/v1/token").times(1));
            }
        }
        let mut process = KillOnDrop(command.spawn().unwrap());
        let marker: PathBuf = self.folder.path().join(REACHED);
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let is_there = match place {
                KillPoint::Point(..) => marker.exists(),
                KillPoint::Upstream(_) => self.token_calls() > calls,
            };
            if is_there {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "the child process did not reach {place:?}"
            );
            assert!(
                process.0.try_wait().unwrap().is_none(),
                "the child process exited before {place:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if matches!(place, KillPoint::Upstream(_)) {
            // The request takes effect upstream within this delay.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(process);
        let _ = fs::remove_file(marker);
    }
}

struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn refresh_killed_at_any_point_leaves_a_working_login_or_a_detected_loss() {
    let places = [
        // Kill point, whether the login survives, and whether the new tokens are on disk.
        (KillPoint::Point("record written", 0), true, false),
        (KillPoint::Upstream(FaultKind::Stall), true, false),
        // The upstream has rotated the token, and the lost response contained the only valid token.
        (KillPoint::Upstream(FaultKind::StalledBody), false, false),
        (KillPoint::Point("response received", 0), false, false),
        // The first write is the record of the refresh. The second write is recovered from the temporary file.
        (KillPoint::Point("file written", 1), true, false),
        (KillPoint::Point("file renamed", 1), true, true),
        (KillPoint::Point("answer stored", 0), true, true),
    ];
    for (place, survives, is_stored) in places {
        let home = Home::new().await;
        let before = home.stored();
        home.kill("refresh", place).await;
        let stored = home.stored();
        assert_eq!(
            before["refresh_token"] != stored["refresh_token"],
            is_stored,
            "{place:?}"
        );
        assert_eq!(stored["refresh_in_flight"].is_null(), is_stored, "{place:?}");
        let login = Login::new(&home.dir(), settings());
        let token = login.token().await.unwrap();
        let renewed = login.renew(&token).await;
        if survives {
            assert_ne!(renewed.unwrap(), token, "{place:?}");
            assert_eq!(login.login_required().unwrap(), None, "{place:?}");
        } else {
            assert_eq!(renewed, Err(TokenError::LoginRequired), "{place:?}");
            let required = login.login_required().unwrap().unwrap();
            assert!(
                matches!(required, LoginRequired::AnswerLost { .. }),
                "{place:?}: {required}"
            );
        }
    }
}

#[tokio::test]
async fn login_killed_at_any_point_leaves_the_previous_or_the_new_login() {
    let places = [
        (KillPoint::Upstream(FaultKind::Stall), false),
        (KillPoint::Upstream(FaultKind::StalledBody), false),
        (KillPoint::Point("grant received", 0), false),
        (KillPoint::Point("file written", 0), false),
        (KillPoint::Point("file renamed", 0), true),
    ];
    for (place, is_stored) in places {
        let home = Home::new().await;
        let before = home.stored();
        home.kill("login", place).await;
        assert_eq!(
            before["refresh_token"] != home.stored()["refresh_token"],
            is_stored,
            "{place:?}"
        );
        let login = Login::new(&home.dir(), settings());
        let token = login.token().await.unwrap();
        assert_ne!(login.renew(&token).await.unwrap(), token, "{place:?}");
    }
}
