mod power_loss;

use std::sync::Arc;

use sends_core::{SendAttempt, SendHistory, Verbatim};

use super::*;
use crate::Answer;

const OWNER: Owner = Owner::new([1; 16]);

/// The page limit simulates a full disk, since SQLite reports both in the same way.
#[tokio::test]
async fn full_disk_is_reported_and_stored_responses_stay_readable() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::in_dir(dir.path()).unwrap();
    let file = database.name().to_path_buf();
    let connection = schema::open(&database).unwrap();
    connection.pragma_update(None, "max_page_count", 60).unwrap();
    let store = SqliteStore::start(database, connection).unwrap();

    let first = ActivityId::from_bytes([0; 16]);
    store.keep(OWNER, first, of_one_send(100)).await.unwrap();
    for number in 1..=20 {
        let outcome = store
            .keep(OWNER, ActivityId::from_bytes([number; 16]), of_one_send(20_000))
            .await;
        if number == 20 {
            assert_eq!(outcome, Err(StoreError::DiskFull { file: file.clone() }));
        }
    }
    let found = store.history(OWNER, first, Timestamp::MAX).await.unwrap();
    assert_eq!(found, Some(of_one_send(100)));
    store.forget(OWNER).await.unwrap();
    store.keep(OWNER, first, of_one_send(20_000)).await.unwrap();
}

fn of_one_send(status_length: usize) -> StoredAnswer {
    let send = SendAttempt {
        send_id: 1,
        contact_list_ids: Vec::new(),
        segment_ids: Vec::new(),
        count: None,
        run_date: None,
        send_status: Some(Verbatim::from("x".repeat(status_length))),
        reason_code: None,
    };
    StoredAnswer {
        fetched_at: Timestamp::UNIX_EPOCH,
        answer: Answer::History(Arc::new(SendHistory::new(vec![send]))),
    }
}
