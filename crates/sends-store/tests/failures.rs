//! Tests of unusable stores and of rebuilding.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::date;
use rusqlite::Connection;
use sends_store::{Health, LogFilter, LogPageRequest, Owner, SendLog, SqliteStore, Store, StoreError};
use support::{activity, stored};

const ALICE: Owner = Owner::new([1; 16]);

#[tokio::test]
async fn closed_store_rejects_operations_and_retains_its_content() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    for error in [
        store.keep(ALICE, activity(1), stored(2, 2)).await.unwrap_err(),
        store
            .history(ALICE, activity(1), Timestamp::MAX)
            .await
            .unwrap_err(),
        store.check_writable().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Closed { .. }), "{error}");
    }
    assert!(
        !dir.path().join("sends.db-wal").exists(),
        "the WAL remains after closing"
    );

    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(
        store.history(ALICE, activity(1), Timestamp::MAX).await.unwrap(),
        Some(stored(1, 1))
    );
    assert_eq!(store.calls_on(date(2026, 11, 23)).await.unwrap(), 5);
}

#[tokio::test]
async fn file_that_is_not_a_database_is_rejected_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let file = private_file(dir.path(), &[b'x'; 5_000]);
    let error = open_error(dir.path()).await;
    assert_eq!(error, StoreError::NotADatabase { file: file.clone() });
    assert_eq!(
        error.to_string(),
        format!(
            "{} is not a store: move the file to another directory, or rebuild the store",
            file.display()
        ),
    );
    assert_eq!(fs::read(file).unwrap(), [b'x'; 5_000]);
}

#[tokio::test]
async fn damage_of_any_page_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close().await.unwrap();
    let whole = fs::read(dir.path().join("sends.db")).unwrap();
    let mut rejected = 0;
    for page in 0..whole.len() / 4_096 {
        let mut damaged = whole.clone();
        // The first page starts with the file header, without which the file is not a database.
        let begin = page * 4_096 + if page == 0 { 100 } else { 0 };
        damaged[begin..(page + 1) * 4_096].fill(0xff);
        private_file(dir.path(), &damaged);
        let outcome = match SqliteStore::open(dir.path()).await {
            Err(error) => Err(error),
            Ok(store) => {
                let outcome = store.history(ALICE, activity(1), Timestamp::MAX).await;
                store.close().await.unwrap();
                outcome.map(drop)
            }
        };
        if let Err(error) = outcome {
            assert!(
                matches!(error, StoreError::Damaged { .. }),
                "page {page}: {error}"
            );
            rejected += 1;
        }
    }
    assert!(
        rejected >= 4,
        "the schema, the key, the responses and the sends are checked: {rejected}"
    );
}

#[tokio::test]
async fn contradictory_rows_are_reported_as_damage() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close().await.unwrap();
    change_by_hand(dir.path(), "DELETE FROM send");
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let error = store
        .history(ALICE, activity(1), Timestamp::MAX)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

/// Row changes that simulate bit flips and leave readable values.
const FLIPS: [&str; 11] = [
    "UPDATE activity_history SET fetched_at = fetched_at + 1",
    "UPDATE activity_history SET fetched_at_nanos = 1",
    "UPDATE activity_history SET unreadable_values = 1",
    "UPDATE send SET send_id = send_id + 1",
    "UPDATE send SET run_date = run_date + 256",
    "UPDATE send SET run_date_nanos = 1",
    "UPDATE send SET status = 'COMPLETEE'",
    "UPDATE send SET reason_code = 1 + coalesce(reason_code, 0)",
    "UPDATE send SET count = 1 + coalesce(count, 0)",
    "UPDATE send SET contact_list_ids = x'00000000000000000000000000000001'",
    "UPDATE send SET segment_ids = '[77]'",
];

#[tokio::test]
async fn changed_value_is_damage_until_the_response_is_stored_again() {
    for flip in FLIPS {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path()).await.close().await.unwrap();
        change_by_hand(dir.path(), flip);
        let store = SqliteStore::open(dir.path()).await.unwrap();
        assert_eq!(store.health(), Health::default());
        let error = store
            .history(ALICE, activity(1), Timestamp::MAX)
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{flip}: {error}");
        if flip.starts_with("UPDATE send ") {
            let request = LogPageRequest {
                limit: 9,
                ..LogPageRequest::default()
            };
            let error = store
                .page(ALICE, &LogFilter::default(), request)
                .await
                .unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{flip}: {error}");
        }

        store.keep(ALICE, activity(1), stored(1, 1)).await.unwrap();
        let found = store.history(ALICE, activity(1), Timestamp::MAX).await.unwrap();
        assert_eq!(found, Some(stored(1, 1)), "{flip}");
        let health = store.health();
        assert!(
            health.damaged >= 1 && health.failed_reads == health.damaged,
            "{health:?}"
        );
        assert!(health.damage.is_some(), "the damage was cleared: {health:?}");
    }
}

#[tokio::test]
async fn response_without_a_checksum_is_readable() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close().await.unwrap();
    change_by_hand(
        dir.path(),
        "UPDATE activity_history SET checksum = NULL; UPDATE send SET checksum = NULL",
    );
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let found = store.history(ALICE, activity(1), Timestamp::MAX).await.unwrap();
    assert_eq!(found, Some(stored(1, 1)));
}

#[cfg(unix)]
#[tokio::test]
async fn changes_fail_and_reads_continue_while_the_file_is_moved() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let store = filled(&state).await;
    assert!(
        store
            .history(ALICE, activity(1), Timestamp::MAX)
            .await
            .unwrap()
            .is_some()
    );
    let aside = dir.path().join("aside");
    fs::rename(&state, &aside).unwrap();
    for error in [
        store.check_writable().await.unwrap_err(),
        store.keep(ALICE, activity(2), stored(1, 1)).await.unwrap_err(),
        store.add_calls(date(2026, 11, 23), 1).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Gone { .. }), "{error}");
    }
    assert!(
        store
            .history(ALICE, activity(1), Timestamp::MAX)
            .await
            .unwrap()
            .is_some()
    );
    let health = store.health();
    assert!(matches!(health.gone, Some(StoreError::Gone { .. })), "{health:?}");
    assert_eq!((health.lost_writes, health.failed_writes), (2, 2), "{health:?}");
    fs::rename(&aside, &state).unwrap();
    store.check_writable().await.unwrap();
    assert_eq!(store.health().gone, None);
}

#[cfg(unix)]
#[tokio::test]
async fn removed_wal_is_reported_and_writes_fail() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    assert_eq!(store.health().gone, None);
    fs::remove_file(dir.path().join("sends.db-wal")).unwrap();
    let gone = store.health().gone;
    let is_about_wal =
        |error: &StoreError| matches!(error, StoreError::Gone { detail, .. } if detail.contains("-wal"));
    assert!(gone.as_ref().is_some_and(is_about_wal), "{gone:?}");
    assert!(store.check_writable().await.is_err());
}

fn opened(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).open(path)
}

#[tokio::test]
async fn file_truncated_or_overwritten_in_use_is_damaged() {
    type Change = fn(&Path) -> std::io::Result<()>;
    let emptied = |path: &Path| opened(path)?.set_len(0);
    let halved = |path: &Path| opened(path)?.set_len(fs::metadata(path)?.len() / 2);
    let overwritten = |path: &Path| opened(path)?.write_all(&[0; 8_192]);
    let changes: [(&str, Change); 3] = [
        ("emptied", emptied),
        ("halved", halved),
        ("overwritten", overwritten),
    ];
    // The content of a new store is mostly in the WAL, and its health was never checked.
    let kinds = [false, true];
    let cases = kinds
        .iter()
        .flat_map(|is_old| changes.map(|change| (*is_old, change)));
    for (is_old, (name, change)) in cases {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("100% #1?");
        let mut store = filled(&state).await;
        if is_old {
            store.close().await.unwrap();
            store = SqliteStore::open(&state).await.unwrap();
            assert_eq!(store.health(), Health::default(), "{name}");
        }
        change(&state.join("sends.db")).unwrap();
        let damage = store.health().damage;
        assert!(
            matches!(damage, Some(StoreError::Damaged { .. })),
            "{name}: {damage:?}"
        );
        assert_eq!(store.health().gone, None, "{name}");
    }
}

#[tokio::test]
async fn store_of_a_newer_version_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await.close().await.unwrap();
    change_by_hand(dir.path(), "PRAGMA user_version = 2099");
    let error = open_error(dir.path()).await;
    assert!(
        matches!(error, StoreError::UnknownSchema { version: 2099, .. }),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn store_is_private_to_its_user() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a/b");
    let store = filled(&state).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for entry in fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    store.close().await.unwrap();

    let file = state.join("sends.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = open_error(&state).await;
    assert_eq!(error, StoreError::Exposed { file, mode: 0o640 });
    assert!(
        error.to_string().contains("(mode 640): run chmod 600 on it"),
        "{error}"
    );
}

#[tokio::test]
async fn error_names_the_directory_that_cannot_be_created() {
    let dir = tempfile::tempdir().unwrap();
    let in_the_way = dir.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let state = in_the_way.join("state");
    let error = open_error(&state).await;
    assert!(
        matches!(&error, StoreError::NotWritable { path, .. } if *path == state),
        "{error}"
    );
}

#[tokio::test]
async fn rebuilding_moves_the_file_aside_and_creates_an_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    let content = [b'x'; 5_000];
    private_file(dir.path(), &content);
    let now: Timestamp = "2026-11-23T17:20:00Z".parse().unwrap();
    for (turn, expected) in [(0, content.to_vec()), (1, Vec::new())] {
        let now = now + jiff::SignedDuration::from_secs(turn);
        let rebuilt = SqliteStore::rebuild(dir.path(), now).await.unwrap();
        let aside = rebuilt.set_aside.unwrap();
        let name = aside.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, format!("sends.db.damaged-20261123T17200{turn}Z"));
        if turn == 0 {
            assert_eq!(fs::read(aside).unwrap(), expected);
        }
        rebuilt
            .store
            .keep(ALICE, activity(1), stored(1, 1))
            .await
            .unwrap();
        assert_eq!(rebuilt.store.size().await.unwrap().activities, 1);
        rebuilt.store.close().await.unwrap();
    }
    let fresh = dir.path().join("fresh");
    assert_eq!(SqliteStore::rebuild(&fresh, now).await.unwrap().set_aside, None);
}

#[tokio::test]
async fn store_in_use_is_not_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path()).await;
    let error = SqliteStore::rebuild(dir.path(), Timestamp::UNIX_EPOCH)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    assert_eq!(
        store.history(ALICE, activity(1), Timestamp::MAX).await.unwrap(),
        Some(stored(1, 1))
    );
}

async fn filled(dir: &Path) -> SqliteStore {
    let store = SqliteStore::open(dir).await.unwrap();
    store.keep(ALICE, activity(1), stored(1, 1)).await.unwrap();
    store.add_calls(date(2026, 11, 23), 5).await.unwrap();
    store
}

async fn open_error(dir: &Path) -> StoreError {
    SqliteStore::open(dir).await.err().expect("the store is rejected")
}

fn private_file(dir: &Path, content: &[u8]) -> std::path::PathBuf {
    let file = dir.join("sends.db");
    fs::write(&file, content).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    file
}

fn change_by_hand(dir: &Path, change: &str) {
    let connection = Connection::open(dir.join("sends.db")).unwrap();
    connection.execute_batch(change).unwrap();
}
