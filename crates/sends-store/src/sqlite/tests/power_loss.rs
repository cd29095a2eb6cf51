//! Tests of power failures after every disk operation, on a simulated disk.
//!
//! The disk is an in-memory SQLite VFS that separates synced from written content. After a power failure, each sector of 512
//! bytes has one of its versions since the last sync, or parts of two versions. The file has one of its lengths since the last
//! sync. The connection has the settings of the program, except for exclusive locking, which avoids a WAL index in shared memory.

mod disk;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use rusqlite::TransactionBehavior;
use sends_core::{ActivityId, ListId, SendAttempt, SendHistory, SendStatus};

use self::disk::{DATABASE, Disk};
use crate::sqlite::connection::Database;
use crate::sqlite::fault::Fault;
use crate::sqlite::write::Change;
use crate::sqlite::{read, schema};
use crate::{Answer, Owner, StoredAnswer};

const OWNER: Owner = Owner::new([1; 16]);
const DAY: Date = date(2026, 11, 26);
const VFS: &str = "power-loss";
const TRANSACTIONS: u64 = 40;
const ACTIVITIES: u64 = 7;
/// Number of pages between checkpoints, low enough to cause many checkpoints.
const CHECKPOINT_PAGES: i64 = 40;

#[test]
fn power_failure_reverts_only_whole_transactions_since_the_last_sync() {
    let disk = Disk::with_seed(7);
    sqlite_vfs::register(VFS, disk.clone(), false).unwrap();
    work(&disk);

    let moments = disk.moments();
    assert!(
        moments.len() > 500,
        "writes, truncations and syncs: {}",
        moments.len()
    );
    let last = moments.last().unwrap();
    assert_eq!(last.acknowledged, TRANSACTIONS);
    assert!(
        last.durable > TRANSACTIONS / 2,
        "too few transactions were synced: {}",
        last.durable
    );

    let mut random = fastrand::Rng::with_seed(7);
    let mut reverted = 0;
    for (number, moment) in moments.iter().enumerate() {
        for is_all_lost in [true, false] {
            let name = format!("/after-{number}-{is_all_lost}/sends.db");
            disk.lose_power(moment, &name, is_all_lost, &mut random);
            let survived = survivors(&name);
            let context = format!("moment {number}, everything unsynced lost: {is_all_lost}");
            assert!(
                survived >= moment.durable,
                "{context}: {survived} of {}",
                moment.durable
            );
            // The transaction in progress may have been committed as well.
            assert!(survived <= moment.acknowledged + 1, "{context}: {survived}");
            reverted += u64::from(survived < moment.acknowledged);
        }
    }
    assert!(reverted > 0, "no power failure reverted a transaction");
}

fn work(disk: &Disk) {
    let database = Database::on_vfs(DATABASE, VFS);
    let mut connection = schema::open(&database).unwrap();
    connection
        .pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))
        .unwrap();
    for number in 1..=TRANSACTIONS {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .unwrap();
        for change in [
            Change::AddCalls { day: DAY, calls: 1 },
            Change::Keep {
                owner: OWNER,
                activity: activity(number % ACTIVITIES),
                kept: stored(number),
            },
        ] {
            change.apply(&transaction).unwrap();
        }
        transaction.commit().unwrap();
        disk.acknowledge(number);
    }
}

/// Opens the store after a power failure, checks that it is consistent, and returns the number of surviving transactions.
fn survivors(name: &str) -> u64 {
    let database = Database::on_vfs(name, VFS);
    let connection = schema::open(&database).unwrap();
    let report: String = connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(report, "ok", "{name}");
    let known = |fault: Fault| fault.at(database.name());
    let survived = read::calls_on(&connection, DAY).map_err(known).unwrap();
    let activities: Vec<ActivityId> = (0..ACTIVITIES).map(activity).collect();
    let found = read::histories(&connection, OWNER, &activities)
        .map_err(known)
        .unwrap();
    for (number, found) in (0..ACTIVITIES).zip(found) {
        let last = (1..=survived).rev().find(|stored| stored % ACTIVITIES == number);
        assert_eq!(found, last.map(stored), "{name}, activity {number}");
    }
    survived
}

fn activity(number: u64) -> ActivityId {
    ActivityId::from_bytes(u128::from(number + 1).to_be_bytes())
}

fn stored(number: u64) -> StoredAnswer {
    let send = |send_id| SendAttempt {
        send_id,
        contact_list_ids: vec![ListId::from("f4ab800a-5adf-11e9-ba6a-fa163e6b01c1")],
        segment_ids: Vec::new(),
        count: i64::try_from(number).ok(),
        run_date: Some(Timestamp::UNIX_EPOCH),
        send_status: Some(SendStatus::Completed.into()),
        reason_code: None,
    };
    let sends: Vec<SendAttempt> = (0..i32::try_from(number).unwrap()).map(send).collect();
    StoredAnswer {
        fetched_at: Timestamp::UNIX_EPOCH,
        answer: Answer::History(Arc::new(SendHistory::new(sends))),
    }
}
