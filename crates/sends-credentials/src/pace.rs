//! At most one call to the token endpoint a second, over all processes on one state folder.
//!
//! Must not know what the calls are for. The upstream's limit (documented: 1 a second) is why logins poll and refreshes
//! retry no faster.

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

/// The length of a time with nine decimals. What lies behind it is not of this program.
const NOTE_LENGTH: u64 = "2026-01-02T03:04:05.000000000Z".len() as u64;

#[derive(Clone, Debug)]
pub(crate) struct Pace {
    path: PathBuf,
    spacing: Duration,
    patience: Duration,
    clock: Arc<dyn Clock>,
}

/// The turn to make one call. The next one begins a distance after this is dropped, so that two calls arrive apart even
/// when the first one was slow on its way.
#[derive(Debug)]
pub(crate) struct Turn {
    lock: FileLock,
    clock: Arc<dyn Clock>,
}

impl Pace {
    pub(crate) fn new(dir: &StateDir, settings: &Settings) -> Self {
        Self {
            path: dir.path().join(FILE_NAME),
            spacing: settings.call_spacing,
            patience: settings.lock_patience,
            clock: Arc::clone(&settings.clock),
        }
    }

    pub(crate) async fn turn(&self) -> Result<Turn, StoreError> {
        let mut lock = FileLock::acquire(&self.path, self.patience).await?;
        let last = last_call(&mut lock).map_err(|error| StoreError::io("read", &self.path, &error))?;
        sleep(self.wait(last)).await;
        let mut turn = Turn {
            lock,
            clock: Arc::clone(&self.clock),
        };
        // Noted at the beginning as well: if the process is killed during the call, the next one still keeps a distance.
        turn.note()
            .map_err(|error| StoreError::io("write", &self.path, &error))?;
        Ok(turn)
    }

    /// How long to wait after a call at `last`. Where the clock was set back meanwhile, the full distance.
    fn wait(&self, last: Option<Timestamp>) -> Duration {
        let Some(last) = last else { return Duration::ZERO };
        let passed = self.clock.now().duration_since(last).max(SignedDuration::ZERO);
        self.spacing.saturating_sub(passed.unsigned_abs())
    }
}

impl Turn {
    fn note(&mut self) -> io::Result<()> {
        // Always of one length and written at once, so that no interruption leaves an empty file. Not forced to the disk:
        // a machine takes longer than the distance to start again.
        let now = format!("{:.9}", self.clock.now());
        let file = self.lock.file();
        file.rewind()?;
        file.write_all(now.as_bytes())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Err(error) = self.note() {
            tracing::warn!(%error, "the time of a call to the token endpoint could not be noted");
        }
    }
}

/// The time of the last call. A file that cannot be understood was cut off while it was written, at an unknown time that
/// counts as the future: the full distance is kept.
fn last_call(lock: &mut FileLock) -> io::Result<Option<Timestamp>> {
    let mut text = Vec::new();
    let file = lock.file();
    file.rewind()?;
    file.take(NOTE_LENGTH).read_to_end(&mut text)?;
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

    /// A wall clock that goes with tokio's, which a test can pause.
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
    async fn calls_of_two_processes_keep_their_distance_from_end_to_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::open(folder.path()).unwrap();
        let settings = settings();
        // Two of them know nothing of each other but the folder, as two processes do.
        let paces = [Pace::new(&dir, &settings), Pace::new(&dir, &settings)];
        let mut ended: Option<Instant> = None;
        for round in 0..6 {
            let turn = paces[round % 2].turn().await.unwrap();
            if let Some(ended) = ended {
                assert!(ended.elapsed() >= settings.call_spacing);
                assert!(ended.elapsed() < settings.call_spacing + Duration::from_millis(20));
            }
            sleep(Duration::from_millis(700)).await;
            drop(turn);
            ended = Some(Instant::now());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_damaged_note_and_a_clock_set_back_cost_one_distance() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::open(folder.path()).unwrap();
        let settings = settings();
        for note in ["2026-01-0", "\u{fffd}", "2999-01-01T00:00:00Z"] {
            std::fs::write(folder.path().join(FILE_NAME), note).unwrap();
            let started = Instant::now();
            drop(Pace::new(&dir, &settings).turn().await.unwrap());
            let waited = started.elapsed();
            assert!(waited >= settings.call_spacing, "{note}: {waited:?}");
            assert!(waited < settings.call_spacing * 2, "{note}: {waited:?}");
        }
    }
}
