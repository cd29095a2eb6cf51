//! Measures the duration of claims in the shared departure record, alone and with concurrent claimants.
//!
//! `cargo run --release -p sends-client --example departure_cost`

#![expect(clippy::print_stdout, reason = "the example prints its measurements")]

use std::{error::Error, path::Path, thread, time::Duration};

use jiff::civil::date;
use sends_client::pacing::{
    DepartureFile, Departures,
    departures::{Claim, Claimed},
};
use tokio::time::Instant;

const CLAIMS: u64 = 20_000;

/// Claim that is always granted. Nearly all departures are given back, so that the record is as short as with a limit of four.
const CLAIM: Claim = Claim {
    rate_per_second: u32::MAX,
    closed_for: Duration::from_millis(1_035),
    day: date(2026, 11, 26),
    rate_per_day: 0,
    reserve: 0,
    used: 0,
    interactive: 1,
    background: 0,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for claimants in [1, 2, 4] {
        let all = (0..claimants).map(|_| {
            let folder = folder.path().to_owned();
            thread::spawn(move || claim_often(&folder).map_err(|error| error.to_string()))
        });
        let all: Vec<_> = all.collect();
        let mut times = Vec::new();
        for claimant in all {
            times.extend(claimant.join().map_err(|_| "a claimant panicked")??);
        }
        times.sort_unstable();
        let at = |part: usize| times[(times.len() - 1) * part / 1_000];
        println!(
            "{claimants} at a time: median {:?}, 99 of 100 within {:?}, 999 of 1,000 within {:?}",
            at(500),
            at(990),
            at(999)
        );
    }
    Ok(())
}

/// Returns the durations of many claims.
fn claim_often(folder: &Path) -> Result<Vec<Duration>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let record = DepartureFile::in_folder(folder);
    runtime.block_on(async {
        let mut times = Vec::new();
        for number in 0..CLAIMS {
            let started = Instant::now();
            let claimed = record.claim(CLAIM).await?;
            times.push(started.elapsed());
            if let Claimed::Granted(departure, _) = claimed
                && number % 500 != 0
            {
                record.give_back(departure);
            }
            // Even with this pause, claims are far more frequent than those of a process with a limit of four.
            thread::sleep(Duration::from_micros(100));
        }
        Ok(times)
    })
}
