//! Measures the duration and the calls of the first synchronisation of an account with two thousand campaigns at the real limits:
//! four calls a second and ten thousand a day, enforced by both sides. Runs for about twenty minutes.
//!
//! ```sh
//! cargo run -p sends-end-to-end --example first_sync
//! ```

use std::{
    io::{self, Write},
    time::Instant,
};

use sends_end_to_end::{CommandProcess, Finished, SandboxProcess};

/// Generated data has seven campaigns for every eight activities.
const ACTIVITIES: &str = "2286";
const TOKEN: &str = "token-of-the-log";

#[tokio::main]
async fn main() -> io::Result<()> {
    let account = format!("log:{TOKEN}");
    let sandbox = SandboxProcess::start(&["--activities", ACTIVITIES, "--access-token", &account]);
    let state = tempfile::tempdir()?;
    let folder = state.path().to_string_lossy().into_owned();
    for which in ["first", "second"] {
        let (before, started) = (sandbox.requests().await.len(), Instant::now());
        let (url, folder) = (sandbox.api_url(), folder.clone());
        let finished = tokio::task::spawn_blocking(move || sync(&url, &folder)).await?;
        let calls = sandbox.requests().await.len() - before;
        let seconds = started.elapsed().as_secs_f64();
        writeln!(
            io::stdout(),
            "{which}: {calls} calls in {seconds:.0} s ({:.2} a second), {} refused, exit status {:?}",
            f64::from(u32::try_from(calls).unwrap_or(u32::MAX)) / seconds,
            sandbox.answered(429).await,
            finished.status,
        )?;
    }
    Ok(())
}

fn sync(url: &str, folder: &str) -> Finished {
    let options = ["sync", "--upstream-url", url, "--state-dir", folder];
    CommandProcess::start(&options, &[("SENDS_ACCESS_TOKEN", TOKEN)]).finish()
}
