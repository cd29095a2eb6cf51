//! Tests of several processes on one store, and of killed writers.
//!
//! A child is this program with an environment variable that selects one test. That test does nothing if the variable is not set.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]
#![cfg(unix)]

mod support;

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use rusqlite::Connection;
use sends_store::{Owner, SqliteStore, Store};
use support::{activity, stored};

const ALICE: Owner = Owner::new([1; 16]);
const DAY: Date = date(2026, 11, 23);
const DIR: &str = "SENDS_STORE_TEST_DIR";
const CALLS: &str = "SENDS_STORE_TEST_CALLS";

/// Adds calls and stores histories until it reaches the number in its environment or is killed. Every total is printed to
/// standard error, which the test harness does not capture.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(dir) = env::var(DIR) else { return };
    let calls: u64 = env::var(CALLS).unwrap().parse().unwrap();
    let store = SqliteStore::open(Path::new(&dir)).await.unwrap();
    for turn in 0..calls {
        let keeps = (0..8)
            .map(|number| store.keep(ALICE, activity(u128::from(turn % 50) * 8 + number), stored(1, 1)));
        let (total, stored) = tokio::join!(store.add_calls(DAY, 1), join_all(keeps));
        stored.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        let total = total.unwrap();
        writeln!(std::io::stderr(), "total {total}").unwrap();
    }
    store.close().await.unwrap();
}

fn start_child(dir: &Path, calls: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(DIR, dir)
        .env(CALLS, calls.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
}

fn total(line: impl AsRef<str>) -> Option<u64> {
    line.as_ref().strip_prefix("total ")?.parse().ok()
}

/// The first kills may occur during the creation of the store, and later kills during its use.
#[tokio::test(flavor = "multi_thread")]
async fn killed_process_loses_no_acknowledged_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut acknowledged = 0;
    for kill in 0..70 {
        let mut child = start_child(dir.path(), u64::MAX);
        let mut lines = lines(&mut child);
        if kill >= 10 {
            acknowledged = lines
                .find_map(total)
                .expect("the child prints a total")
                .max(acknowledged);
        }
        thread::sleep(Duration::from_micros(random.u64(0..30_000)));
        child.kill().unwrap();
        // A line that is cut within the number yields a total that is too low.
        acknowledged = lines.filter_map(total).fold(acknowledged, u64::max);
        child.wait().unwrap();

        check_integrity(dir.path());
        let store = SqliteStore::open(dir.path()).await.unwrap();
        let counted = store.calls_on(DAY).await.unwrap();
        assert!(
            counted >= acknowledged,
            "kill {kill}: {counted} counted, {acknowledged} acknowledged"
        );
        assert!(
            counted <= acknowledged + 1,
            "kill {kill}: only a call in flight may be added"
        );
        acknowledged = counted;
        let ids: Vec<_> = (0..400).map(activity).collect();
        for found in store.histories(ALICE, &ids, Timestamp::MAX).await.unwrap() {
            assert!(
                found.is_none() || found == Some(stored(1, 1)),
                "kill {kill}: a response is incomplete"
            );
        }
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_processes_count_calls_exactly() {
    const PROCESSES: u64 = 4;
    const CALLS: u64 = 200;
    let dir = tempfile::tempdir().unwrap();
    // All processes race to create the store.
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start_child(dir.path(), CALLS)).collect();
    let output: Vec<String> = children.iter_mut().flat_map(lines).collect();
    for mut child in children {
        let ended = child.wait().unwrap();
        let errors: Vec<_> = output.iter().filter(|line| total(line).is_none()).collect();
        assert!(ended.success(), "{ended}: {errors:#?}");
    }
    let mut all: Vec<u64> = output.iter().filter_map(total).collect();
    all.sort_unstable();
    assert_eq!(
        all,
        (1..=PROCESSES * CALLS).collect::<Vec<_>>(),
        "every total is returned once"
    );
    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(store.calls_on(DAY).await.unwrap(), PROCESSES * CALLS);
    assert_eq!(store.size().await.unwrap().activities, 400);
}

fn check_integrity(dir: &Path) {
    let connection = Connection::open(dir.join("sends.db")).unwrap();
    let check = connection.query_one("PRAGMA integrity_check", (), |row| row.get(0));
    assert_eq!(check, Ok("ok".to_owned()));
}
