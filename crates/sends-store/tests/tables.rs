//! Tests that query the tables directly.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]

mod support;

use std::sync::Arc;

use rusqlite::Connection;
use sends_core::SendHistory;
use sends_store::{Answer, Owner, SqliteStore, Store, StoredAnswer};
use support::{activity, at};

/// Columns: `send_id`, outcome, seconds and nanoseconds of `run_date`, status.
type Row = (i64, i64, Option<i64>, Option<i64>, Option<String>);

#[tokio::test]
async fn sends_can_be_searched_by_outcome_date_and_owner() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let json = br#"[
        {"send_id": 1, "send_status": "COMPLETED", "reason_code": 0, "run_date": "1970-01-01T00:00:01.5Z"},
        {"send_id": 2, "send_status": "COMPLETED", "reason_code": 6},
        {"send_id": 3, "send_status": "COMPLETED", "reason_code": 5},
        {"send_id": 4, "send_status": "COMPLETED", "reason_code": 12},
        {"send_id": 5, "send_status": "errored", "reason_code": 7, "run_date": "1970-01-01T00:00:00.5Z"},
        {"send_id": 6, "send_status": "Paused"}
    ]"#;
    let stored = StoredAnswer {
        fetched_at: at(0),
        answer: Answer::History(Arc::new(SendHistory::from_json(json).unwrap())),
    };
    store
        .keep(Owner::new([9; 16]), activity(1), stored)
        .await
        .unwrap();
    store.close().await.unwrap();

    let connection = Connection::open(dir.path().join("sends.db")).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT send_id, outcome, run_date, run_date_nanos, status
             FROM send JOIN owner ON owner.id = send.owner WHERE owner.key = ?1
             ORDER BY run_date IS NULL, run_date, run_date_nanos, send_id",
        )
        .unwrap();
    let rows = statement.query_map([[9_u8; 16]], |row| row.try_into()).unwrap();
    let rows: Vec<Row> = rows.map(Result::unwrap).collect();

    let completed = || Some("COMPLETED".to_owned());
    let expected = [
        (5, 5, Some(0), Some(500_000_000), Some("ERRORED".to_owned())),
        (1, 1, Some(1), Some(500_000_000), completed()),
        (2, 2, None, None, completed()),
        (3, 3, None, None, completed()),
        (4, 4, None, None, completed()),
        (6, 6, None, None, Some("Paused".to_owned())),
    ];
    assert_eq!(rows, expected);
}
