//! Kills a continuously refreshing process at random times.
//!
//! After each kill, the login works, or its loss is detected if the kill fell between the upstream's rotation and the write.

use std::{
    env,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sends_client::{TokenError, TokenSource};
use sends_credentials::{Login, LoginRequired, Settings, StateDir};
use sends_sandbox::{Config, Fault, FaultKind};

use crate::upstream::Upstream;

/// Environment variable with the state folder of the child process.
const VICTIM: &str = "SENDS_CREDENTIALS_TEST_VICTIM";

const ROTATIONS: usize = 500;
const KILLS: u32 = 200;
const TIME_LIMIT: Duration = Duration::from_secs(50);

fn unhurried() -> Settings {
    Settings {
        call_spacing: Duration::ZERO,
        rejection_pause: Duration::ZERO,
        ..Settings::default()
    }
}

/// Body of the child process. Returns immediately in a normal test run.
#[tokio::test]
async fn child_process_refreshes_until_killed() {
    let Ok(folder) = env::var(VICTIM) else { return };
    let login = Login::new(&StateDir::open(folder).unwrap(), unhurried());
    let mut token = login.token().await.unwrap();
    let deadline = Instant::now() + TIME_LIMIT;
    // The deadline applies if the parent exits before it kills the child.
    while Instant::now() < deadline {
        match login.renew(&token).await {
            Ok(renewed) => token = renewed,
            // The parent reads the failure from disk.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn victim(folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill_storm::child_process_refreshes_until_killed"])
        .env(VICTIM, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_survives_each_kill_or_its_loss_is_detected() {
    let upstream = Upstream::start_with(Config::unlimited()).await;
    // Slow responses let some kills fall between the rotation and the write.
    upstream
        .fault(Fault {
            probability: 0.02,
            delay_ms: 1,
            bytes: Some(100),
            ..Fault::new(FaultKind::SlowBody).on_path("/v1/token")
        })
        .await;
    upstream.logged_in().await;
    let (mut survived, mut lost, mut kills) = (0, 0, 0);
    let started = Instant::now();
    while kills < KILLS || upstream.token_calls().await < ROTATIONS {
        assert!(started.elapsed() < TIME_LIMIT, "{kills} kills took too long");
        let mut child = victim(upstream.dir().path());
        let life = Duration::from_micros(fastrand::u64(5_000..60_000));
        tokio::task::block_in_place(|| {
            thread::sleep(life);
            child.kill().unwrap();
            child.wait().unwrap();
        });
        kills += 1;
        // The new process starts from the files.
        let login = Login::new(&upstream.dir(), unhurried());
        let status = login.status().expect("the file is complete after each kill");
        assert!(status.is_some(), "the file exists after each kill");
        let token = login.token().await.unwrap();
        match login.renew(&token).await {
            Ok(renewed) => {
                assert!(upstream.accepts(&renewed).await);
                survived += 1;
            }
            Err(TokenError::LoginRequired) => {
                let required = login.login_required().unwrap().unwrap();
                assert!(
                    matches!(required, LoginRequired::AnswerLost { .. }),
                    "the loss after {kills} kills was not detected: {required}"
                );
                lost += 1;
                upstream.logged_in().await;
            }
            Err(error) => panic!("after {kills} kills: {error}"),
        }
    }
    let rotations = upstream.token_calls().await;
    eprintln!(
        "{kills} kills, {rotations} token calls, {survived} survived, {lost} lost and detected, {:?}",
        started.elapsed()
    );
    assert!(survived > lost, "{survived} survived and {lost} were lost");
}
