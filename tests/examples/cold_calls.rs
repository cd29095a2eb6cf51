//! Measures the time to fetch forty uncached activities at four calls a second. A measurement exists for each window in which the
//! upstream may count a second, with and without network jitter.
//!
//! ```sh
//! cargo run -p sends-end-to-end --example cold_calls
//! ```

use std::{
    io::{self, Write},
    time::Instant,
};

use sends_end_to_end::{SandboxProcess, ServiceProcess};

const ACTIVITIES: usize = 40;
/// Minimum time in seconds: the first four calls are sent immediately, and each further four a second later.
const MIN_SECONDS: f64 = 9.0;

#[tokio::main]
async fn main() -> io::Result<()> {
    for window in ["fixed", "sliding"] {
        for jitter in ["0", "30"] {
            let sandbox = SandboxProcess::start(&["--second-window", window, "--jitter-ms", jitter]);
            let service = ServiceProcess::on(&sandbox, &[]);
            let activities = sandbox.activities(ACTIVITIES).await;
            let started = Instant::now();
            service.summaries(&activities, 60).await;
            let took = started.elapsed().as_secs_f64();
            writeln!(
                io::stdout(),
                "{window:>7} window, {jitter:>2} ms of jitter: {took:.3} s, {:.3} of the bound; {} calls, {} refused",
                took / MIN_SECONDS,
                sandbox.history_requests().await,
                sandbox.answered(429).await,
            )?;
        }
    }
    Ok(())
}
