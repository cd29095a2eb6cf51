//! Measures the memory and read time of a memory store with many activities of three sends each.
//!
//! `cargo run --release -p sends-store --example memory_figures -- 1000000` (Linux only, since the example reads `/proc`)

#![allow(clippy::print_stdout, reason = "the example prints its measurements")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sends_core::{ActivityId, SendHistory};
use sends_store::{Answer, MemoryStore, Owner, Store, StoredAnswer};

const OWNER: Owner = Owner::new([7; 16]);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let activities: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |count| count.parse())?;
    let history = SendHistory::from_json(
        br#"[
        {"send_id": 1, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 1250,
         "run_date": "2019-04-18T20:03:08.108Z", "send_status": "COMPLETED", "reason_code": 0},
        {"send_id": 2, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 12,
         "run_date": "2019-05-07T14:42:57.000Z", "send_status": "ERRORED", "reason_code": 7},
        {"send_id": 3, "contact_list_ids": ["f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"], "count": 0,
         "run_date": "2019-05-08T14:42:57.000Z", "send_status": "COMPLETED", "reason_code": 12}]"#,
    )?;
    let stored = StoredAnswer {
        fetched_at: Timestamp::from_second(1_763_900_000)?,
        answer: Answer::History(Arc::new(history)),
    };

    let before = resident_bytes()?;
    let store = MemoryStore::new(u64::MAX / 2);
    for number in 0..activities {
        store.keep(OWNER, id(number), stored.clone()).await?;
    }
    let grown = resident_bytes()?.saturating_sub(before);
    let size = store.size().await?;
    println!("{} activities, {} sends", size.activities, size.sends);
    println!(
        "the process grew by {} bytes per activity",
        grown / activities.max(1)
    );
    println!(
        "the store counts {} bytes per activity",
        size.bytes / activities.max(1)
    );

    let began = Instant::now();
    for number in 0..activities {
        store
            .history(OWNER, id(number), Timestamp::MIN)
            .await?
            .ok_or("a response is missing")?;
    }
    println!(
        "a read takes {} ns",
        began.elapsed().as_nanos() / u128::from(activities.max(1))
    );
    Ok(())
}

/// Returns a random id, like those of the upstream.
fn id(number: u64) -> ActivityId {
    let mut random = fastrand::Rng::with_seed(number);
    ActivityId::from_bytes(random.u128(..).to_be_bytes())
}

fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmRSS")?
        .parse()?;
    Ok(kilobytes * 1_024)
}
