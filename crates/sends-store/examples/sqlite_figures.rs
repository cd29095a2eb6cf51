//! Fills a store with many activities of three sends each and prints what reading and writing cost.
//!
//! `cargo run --release -p sends-store --example sqlite_figures -- 1000000`

#![allow(clippy::print_stdout, reason = "it prints its findings")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, civil::date};
use sends_core::{ActivityId, SendHistory};
use sends_store::{Answer, Owner, SqliteStore, Store, StoredAnswer};

const OWNER: Owner = Owner::new([7; 16]);
const READS: usize = 20_000;
/// As many as a busy service has under way.
const CONCURRENT_WRITES: usize = 256;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let activities: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(100_000), |count| count.parse())?;
    let dir = tempfile::tempdir()?;
    let store = SqliteStore::open(dir.path()).await?;
    let kept = StoredAnswer {
        fetched_at: Timestamp::from_second(1_763_900_000)?,
        answer: Answer::History(Arc::new(history()?)),
    };

    let began = Instant::now();
    stream::iter(0..activities)
        .map(|number| store.keep(OWNER, id(number), kept.clone()))
        .buffer_unordered(CONCURRENT_WRITES)
        .try_collect::<()>()
        .await?;
    let took = began.elapsed();
    println!(
        "kept {activities} activities in {took:.1?}, {:.0} a second",
        per_second(activities, took)
    );

    let size = store.size().await?;
    println!(
        "file {} MB, {} bytes an activity",
        size.bytes / 1_000_000,
        size.bytes / activities.max(1)
    );
    let began = Instant::now();
    store.size().await?;
    println!("size {:.1?}", began.elapsed());

    let mut random = fastrand::Rng::with_seed(1);
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let id = id(random.u64(0..activities));
        let began = Instant::now();
        store
            .history(OWNER, id, Timestamp::MAX)
            .await?
            .ok_or("it was kept")?;
        times.push(began.elapsed());
    }
    print("point read", &mut times);

    times.clear();
    for _ in 0..READS / 20 {
        let ids: Vec<ActivityId> = (0..40).map(|_| id(random.u64(0..activities))).collect();
        let began = Instant::now();
        store.histories(OWNER, &ids, Timestamp::MAX).await?;
        times.push(began.elapsed());
    }
    print("read of 40 at once", &mut times);

    times.clear();
    for number in 0..1_000 {
        let began = Instant::now();
        store.keep(OWNER, id(number), kept.clone()).await?;
        times.push(began.elapsed());
    }
    print("keep, one after another", &mut times);

    times.clear();
    for _ in 0..1_000 {
        let began = Instant::now();
        store.add_calls(date(2026, 11, 23), 1).await?;
        times.push(began.elapsed());
    }
    print("call counted, one after another", &mut times);
    store.close().await?;
    Ok(())
}

fn history() -> Result<SendHistory, sends_core::DecodeError> {
    SendHistory::from_json(
        br#"[
        {"send_id": 1, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 1250,
         "run_date": "2019-04-18T20:03:08.108Z", "send_status": "COMPLETED", "reason_code": 0},
        {"send_id": 2, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 12,
         "run_date": "2019-05-07T14:42:57.000Z", "send_status": "ERRORED", "reason_code": 7},
        {"send_id": 3, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 0,
         "run_date": "2019-05-08T14:42:57.000Z", "send_status": "COMPLETED", "reason_code": 12}]"#,
    )
}

/// Scattered over the key space, as the upstream's ids are.
fn id(number: u64) -> ActivityId {
    let mut random = fastrand::Rng::with_seed(number);
    ActivityId::from_bytes(random.u128(..).to_be_bytes())
}

#[allow(clippy::cast_precision_loss, reason = "a printed figure")]
fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let quantile = |percent: usize| times[times.len() * percent / 100];
    println!("{what}: median {:.1?}, p99 {:.1?}", quantile(50), quantile(99));
}
