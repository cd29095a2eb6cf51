//! Kills a process at each point where a token response can be lost, and checks the remaining files.
//!
//! The process is another instance of this test program. The instance halts at the point named in the environment, and is then
//! killed (SIGKILL). For points on the wire, the simulated upstream stalls instead.

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

/// The point to halt at, and the number of passes before.
const POINT: &str = "SENDS_CREDENTIALS_TEST_POINT";
const PASSED_BEFORE: &str = "SENDS_CREDENTIALS_TEST_PASSED_BEFORE";
/// `refresh` or `login`.
const WORK: &str = "SENDS_CREDENTIALS_TEST_WORK";
const FOLDER: &str = "SENDS_CREDENTIALS_TEST_FOLDER";
const OAUTH: &str = "SENDS_CREDENTIALS_TEST_OAUTH";
/// The marker file, which is written at the point.
const REACHED: &str = "reached";

/// Halts if this is the point of the kill.
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

/// Body of the child process; does nothing without its variable.
#[tokio::test]
async fn works_until_it_is_killed_when_started_for_that() {
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

/// The point of the kill.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// A named point in the program, and the number of passes before.
    Point(&'static str, u32),
    /// After the request has arrived, which the upstream answers with this fault.
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

    /// Starts a process that does `work` and kills it at `place`.
    async fn kill(&self, work: &str, place: Place) {
        let calls = self.token_calls();
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "crash_tests::works_until_it_is_killed_when_started_for_that",
            ])
            .env(WORK, work)
            .env(FOLDER, self.folder.path())
            .env(OAUTH, self.sandbox.oauth_base_url())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match place {
            Place::Point(point, before) => {
                command.env(POINT, point).env(PASSED_BEFORE, before.to_string());
            }
            Place::Upstream(kind) => {
                self.sandbox
                    .add_fault(Fault::new(kind).on_path("/v1/token").times(1));
            }
        }
        let mut process = Killed(command.spawn().unwrap());
        let marker: PathBuf = self.folder.path().join(REACHED);
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let is_there = match place {
                Place::Point(..) => marker.exists(),
                Place::Upstream(_) => self.token_calls() > calls,
            };
            if is_there {
                break;
            }
            assert!(Instant::now() < deadline, "{place:?} is not reached");
            assert!(
                process.0.try_wait().unwrap().is_none(),
                "it ended before {place:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if matches!(place, Place::Upstream(_)) {
            // By then the request has taken effect.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(process);
        let _ = fs::remove_file(marker);
    }
}

/// A process that is killed on drop.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_refresh_killed_at_any_place_leaves_a_login_that_works_or_a_loss_that_is_recognised() {
    let places = [
        // The point, whether the login survives, and whether the new tokens are on disk.
        (Place::Point("note written", 0), true, false),
        (Place::Upstream(FaultKind::Stall), true, false),
        // The upstream has rotated, and the lost response contained the only valid token.
        (Place::Upstream(FaultKind::StalledBody), false, false),
        (Place::Point("answer received", 0), false, false),
        // The first file is the record of the refresh; the second is recovered from the temporary file.
        (Place::Point("file written", 1), true, false),
        (Place::Point("file renamed", 1), true, true),
        (Place::Point("answer stored", 0), true, true),
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
async fn a_login_killed_at_any_place_leaves_the_one_before_or_the_new_one() {
    let places = [
        (Place::Upstream(FaultKind::Stall), false),
        (Place::Upstream(FaultKind::StalledBody), false),
        (Place::Point("grant received", 0), false),
        (Place::Point("file written", 0), false),
        (Place::Point("file renamed", 0), true),
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
