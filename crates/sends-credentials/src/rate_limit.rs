//! Rate limit of the token endpoint: one call a second (documented) across all processes on one state folder.

use std::{
    io::{self, Read, Seek, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sends_client::Clock;
use tokio::time::sleep;

use crate::{Settings, StateDir, StoreError, file_lock::FileLock};

const FILE_NAME: &str = "token-calls.lock";

/// Length in bytes of a timestamp with nine decimals. The rest of the file is ignored.
const TIMESTAMP_LENGTH: u64 = "2026-01-02T03:04:05.000000000Z".len() as u64;

#[derive(Clone, Debug)]
pub(crate) struct RateLimit {
    path: PathBuf,
    spacing: Duration,
    lock_timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// Permit for one call. The spacing to the next call starts when the permit is dropped, so that two calls arrive apart even if
/// the first call is slow in transit.
#[derive(Debug)]
pub(crate) struct Permit {
    lock: FileLock,
    clock: Arc<dyn Clock>,
}

impl RateLimit {
    pub(crate) fn new(dir: &StateDir, settings: &Settings) -> Self {
        Self {
            path: dir.path().join(FILE_NAME),
            spacing: settings.call_spacing,
            lock_timeout: settings.lock_timeout,
            clock: Arc::clone(&settings.clock),
        }
    }

    pub(crate) async fn acquire(&self) -> Result<Permit, StoreError> {
        let mut lock = FileLock::acquire(&self.path, self.lock_timeout).await?;
        let last = last_call(&mut lock).map_err(|error| StoreError::io("read", &self.path, &error))?;
        sleep(self.wait(last)).await;
        let mut permit = Permit {
            lock,
            clock: Arc::clone(&self.clock),
        };
        // The start is recorded as well, in case the process is killed during the call.
        permit
            .record()
            .map_err(|error| StoreError::io("write", &self.path, &error))?;
        Ok(permit)
    }

    /// Returns the delay after a call at `last`. If `last` is in the future because the clock has changed, the delay is the full
    /// spacing.
    fn wait(&self, last: Option<Timestamp>) -> Duration {
        let Some(last) = last else { return Duration::ZERO };
        let passed = self.clock.now().duration_since(last).max(SignedDuration::ZERO);
        self.spacing.saturating_sub(passed.unsigned_abs())
    }
}

impl Permit {
    /// Overwrites the timestamp with another of the same length, so that an interruption leaves no empty file. An fsync is
    /// unnecessary, because a restart of the machine takes longer than the spacing.
    fn record(&mut self) -> io::Result<()> {
        let now = format!("{:.9}", self.clock.now());
        let file = self.lock.file();
        file.rewind()?;
        file.write_all(now.as_bytes())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Err(error) = self.record() {
            tracing::warn!(%error, "the time of a call to the token endpoint could not be recorded");
        }
    }
}

/// Returns the time of the last call. An unreadable timestamp comes from an interrupted write and counts as a time in the future.
fn last_call(lock: &mut FileLock) -> io::Result<Option<Timestamp>> {
    let mut text = Vec::new();
    let file = lock.file();
    file.rewind()?;
    file.take(TIMESTAMP_LENGTH).read_to_end(&mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    let last = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
    Ok(Some(last.unwrap_or(Timestamp::MAX)))
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Wall clock that follows tokio's clock, which a test can pause.
    #[derive(Debug)]
    struct PausedClock(Instant);

    impl Clock for PausedClock {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + self.0.elapsed()
        }
    }

    fn settings() -> Settings {
        Settings {
            clock: Arc::new(PausedClock(Instant::now())),
            ..Settings::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_of_two_processes_are_spaced_from_end_to_start() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::open(folder.path()).unwrap();
        let settings = settings();
        // The limits share only the folder, as two processes do.
        let limits = [RateLimit::new(&dir, &settings), RateLimit::new(&dir, &settings)];
        let mut ended: Option<Instant> = None;
        for round in 0..6 {
            let permit = limits[round % 2].acquire().await.unwrap();
            if let Some(ended) = ended {
                assert!(ended.elapsed() >= settings.call_spacing);
                assert!(ended.elapsed() < settings.call_spacing + Duration::from_millis(20));
            }
            sleep(Duration::from_millis(700)).await;
            drop(permit);
            ended = Some(Instant::now());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn damaged_timestamp_or_a_clock_set_back_costs_one_spacing() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::open(folder.path()).unwrap();
        let settings = settings();
        for timestamp in ["2026-01-0", "\u{fffd}", "2999-01-01T00:00:00Z"] {
            std::fs::write(folder.path().join(FILE_NAME), timestamp).unwrap();
            let started = Instant::now();
            drop(RateLimit::new(&dir, &settings).acquire().await.unwrap());
            let waited = started.elapsed();
            assert!(waited >= settings.call_spacing, "{timestamp}: {waited:?}");
            assert!(waited < settings.call_spacing * 2, "{timestamp}: {waited:?}");
        }
    }
}
