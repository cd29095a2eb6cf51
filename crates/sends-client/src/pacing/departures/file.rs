//! Shared record in a file that is locked for each step.
//!
//! The kernel releases the lock of a killed process. A step reads and writes the file once, in the page cache, which takes tens
//! of microseconds. The file has about 70 bytes per departure of the last 1.5 s and 110 bytes per waiting process: less than a
//! kilobyte at the default limit per second with three such processes. The file is opened for each step so that a replaced
//! folder is detected. The file is never deleted because two processes could then each lock a different file of this name.
//!
//! **Clock.** All processes and containers of a machine share `CLOCK_MONOTONIC`, which cannot be set. Setting back a wall clock
//! would keep slots closed for the same time, and setting it forward would open them. The monotonic clock stops while the machine
//! sleeps, which keeps slots closed for less than a second too long. The clock restarts with the machine; departures in the
//! future count as current departures. On platforms other than Unix, the wall clock is used. Setting that clock delays calls by a
//! second or opens slots too early.
//!
//! Processes on several machines cannot share a folder in this way, nor can they share SQLite's files.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use jiff::civil::Date;
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{Claim, Claimed, Departure, Departures, DeparturesError, record::Record};

const FILE_NAME: &str = "departures.lock";

/// Maximum number of attempts to take the lock without a delay. A step of another process takes only microseconds.
const QUICK_TRIES: u32 = 20;

/// Maximum wait for the lock. Only a process that is stopped during a step holds the lock that long.
const MAX_LOCK_WAIT: Duration = Duration::from_secs(1);

/// Record of departures in a file of a state folder, shared by the processes of one machine. Each API key needs its own folder
/// because two keys in one folder would share the limits of one key.
#[derive(Debug)]
pub struct DepartureFile {
    record: Arc<RecordFile>,
    last_number: AtomicU64,
}

#[derive(Debug)]
struct RecordFile {
    path: PathBuf,
    /// Random id of this object, unique among all processes.
    process: u64,
}

impl DepartureFile {
    /// Creates a record in an existing folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            record: Arc::new(RecordFile {
                path: folder.join(FILE_NAME),
                process: fastrand::u64(1..),
            }),
            last_number: AtomicU64::new(0),
        }
    }

    /// Performs one step on a thread for blocking work, because a write may wait for a busy disk and must not delay other
    /// calls.
    async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Record, u64) -> T + Send + 'static,
    ) -> Result<T, DeparturesError> {
        let record = Arc::clone(&self.record);
        let done = spawn_blocking(move || record.step(MAX_LOCK_WAIT, step)).await;
        done.map_err(io::Error::other)
            .flatten()
            .map_err(|error| self.record.failed(&error))
    }
}

impl RecordFile {
    fn step<T>(&self, max_wait: Duration, step: impl FnOnce(&mut Record, u64) -> T) -> io::Result<T> {
        let file = open(&self.path)?;
        let started = Instant::now();
        loop {
            match lock_quickly(&file) {
                Ok(()) => return change(file, step),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(error) if started.elapsed() >= max_wait => {
                    let reason = format!("another process has held the file lock for {max_wait:?}");
                    return Err(io::Error::new(error.kind(), reason));
                }
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Performs a step and only logs its failure.
    fn try_step(&self, max_wait: Duration, step: impl FnOnce(&mut Record, u64)) {
        if let Err(error) = self.step(max_wait, step) {
            tracing::debug!("{}", self.failed(&error));
        }
    }

    fn failed(&self, error: &io::Error) -> DeparturesError {
        let reason = if error.kind() == io::ErrorKind::WouldBlock {
            error.to_string()
        } else {
            format!("{error}; make the folder writable, or end the other processes")
        };
        DeparturesError {
            place: self.path.display().to_string(),
            reason,
        }
    }
}

impl Departures for DepartureFile {
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>> {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        let process = self.record.process;
        self.step(move |record, now| record.claim((process, number), &claim, now))
            .boxed()
    }

    /// Runs in the background so that the calls are sent immediately. Recording a departure late only keeps its slot closed
    /// longer.
    fn departed(&self, departures: &[Departure]) {
        let (record, departures) = (Arc::clone(&self.record), departures.to_vec());
        let note = move || {
            record.try_step(MAX_LOCK_WAIT / 4, |text, now| {
                text.departed(record.process, &departures, now);
            });
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(note)),
            Err(_) => note(),
        }
    }

    fn give_back(&self, departure: Departure) {
        let process = self.record.process;
        self.record
            .try_step(Duration::ZERO, |record, _| record.give_back(process, departure));
    }

    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, DeparturesError>> {
        self.step(move |record, _| record.raise(day, at_least)).boxed()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn lock_quickly(file: &File) -> io::Result<()> {
    for _ in 0..QUICK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => thread::yield_now(),
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

/// Performs a step on a locked file. Closing the file releases the lock.
fn change<T>(mut file: File, step: impl FnOnce(&mut Record, u64) -> T) -> io::Result<T> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    // The time is read under the lock because an earlier time could precede departures of other processes.
    let now = monotonic_micros();
    let mut record = Record::read(&text, now);
    let outcome = step(&mut record, now);
    // A single write without truncation leaves either the old or the new contents if the process is killed. The reader ignores
    // the remainder of longer old contents.
    file.rewind()?;
    file.write_all(&record.text()?)?;
    Ok(outcome)
}

#[cfg(unix)]
fn monotonic_micros() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanos) = (now.tv_sec.cast_unsigned(), now.tv_nsec.cast_unsigned());
    seconds * 1_000_000 + nanos / 1_000
}

#[cfg(not(unix))]
fn monotonic_micros() -> u64 {
    jiff::Timestamp::now().as_microsecond().cast_unsigned()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const DAY: Date = date(2026, 11, 26);

    fn claim() -> Claim {
        Claim {
            rate_per_second: 4,
            closed_for: Duration::from_mins(1),
            day: DAY,
            rate_per_day: 100,
            reserve: 0,
            used: 0,
            interactive: 1,
            background: 0,
        }
    }

    #[tokio::test]
    async fn count_is_shared_by_processes_and_outlives_them() {
        let folder = tempfile::tempdir().unwrap();
        for used in 1..=4 {
            // Each iteration simulates another process.
            let record = DepartureFile::in_folder(folder.path());
            let claimed = record.claim(claim()).await.unwrap();
            assert!(
                matches!(claimed, Claimed::Granted(_, total) if total == used),
                "{claimed:?}"
            );
        }
        let record = DepartureFile::in_folder(folder.path());
        assert!(matches!(
            record.claim(claim()).await.unwrap(),
            Claimed::Later(_, 4)
        ));
        assert_eq!(record.raise(DAY, 0).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn lock_timeout_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let record = DepartureFile::in_folder(folder.path());
        let locked = open(&record.record.path).unwrap();
        locked.lock().unwrap();
        let error = record.claim(claim()).await.unwrap_err();
        let error = error.to_string();
        assert!(error.contains(FILE_NAME), "{error}");
        assert!(
            error.contains("another process has held the file lock for 1s"),
            "{error}"
        );
        assert!(!error.contains("writable"), "{error}");
        drop(locked);
        assert!(matches!(
            record.claim(claim()).await.unwrap(),
            Claimed::Granted(..)
        ));
    }

    #[tokio::test]
    async fn missing_folder_is_reported_and_used_once_it_exists() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("state");
        let record = DepartureFile::in_folder(&folder);
        let error = record.claim(claim()).await.unwrap_err().to_string();
        assert!(error.contains("make the folder writable"), "{error}");
        std::fs::create_dir(&folder).unwrap();
        record.claim(claim()).await.unwrap();
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn file_is_accessible_only_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        DepartureFile::in_folder(folder.path())
            .claim(claim())
            .await
            .unwrap();
        let mode = std::fs::metadata(folder.path().join(FILE_NAME))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
