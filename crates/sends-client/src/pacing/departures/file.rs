//! The record in a file, locked for each step.
//!
//! The kernel frees the lock of a killed process. A step reads and writes one text once, in the page cache, which takes tens of
//! microseconds: the text has about 70 bytes for each departure of the last 1.5 s and 110 for each process that waits, so less
//! than a kilobyte at the default limit of the second and three such processes. The file is opened for each step, so that a
//! folder that was replaced meanwhile is noticed. It stays for good: without it two processes could each lock a file of this
//! name.
//!
//! **The clock** is `CLOCK_MONOTONIC`, which all processes and containers of one machine share and which nobody can set: a
//! wall clock that is stepped back would close the slots for as long, and one that is stepped forward would open them. It
//! stands while the machine sleeps, which can only close a slot for too long, by less than a second. It begins again when
//! the machine does; a departure of the future is taken for one of now. Where there is no such clock (not Unix), the wall
//! clock is used, and a step of it costs a second of waiting or opens one.
//!
//! Processes of several machines cannot share a folder this way, nor SQLite's files.

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

/// How often a lock that is taken is tried again at once. Its holder needs microseconds.
const QUICK_TRIES: u32 = 20;

/// How long a lock is waited for by a call that can wait. Only a process that is stopped while it has the lock holds it so
/// long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Departures in a file of a state folder, shared by the processes of one machine. One folder is for one API key: two keys
/// share the limits of one.
#[derive(Debug)]
pub struct DepartureFile {
    record: Arc<RecordFile>,
    last_number: AtomicU64,
}

#[derive(Debug)]
struct RecordFile {
    path: PathBuf,
    /// Tells this process, and this object in it, from all others.
    process: u64,
}

impl DepartureFile {
    /// The record of a folder, which must be there.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            record: Arc::new(RecordFile {
                path: folder.join(FILE_NAME),
                process: fastrand::u64(1..),
            }),
            last_number: AtomicU64::new(0),
        }
    }

    /// One step on the record, as soon as the lock is free. It is done where blocking is allowed: a write may wait for a busy
    /// disk, and must not hold up a request that has its turn.
    async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Record, u64) -> T + Send + 'static,
    ) -> Result<T, DeparturesError> {
        let record = Arc::clone(&self.record);
        let done = spawn_blocking(move || record.step(PATIENCE, step)).await;
        done.map_err(io::Error::other)
            .flatten()
            .map_err(|error| self.record.failed(&error))
    }
}

impl RecordFile {
    fn step<T>(&self, patience: Duration, step: impl FnOnce(&mut Record, u64) -> T) -> io::Result<T> {
        let file = open(&self.path)?;
        let started = Instant::now();
        loop {
            match lock_quickly(&file) {
                Ok(()) => return change(file, step),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(error) if started.elapsed() >= patience => {
                    let reason = format!("another process has held its lock for {patience:?}");
                    return Err(io::Error::new(error.kind(), reason));
                }
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// A step that may be left out.
    fn try_step(&self, patience: Duration, step: impl FnOnce(&mut Record, u64)) {
        if let Err(error) = self.step(patience, step) {
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

    /// In the background, so that the calls leave at once: a time that is noted later than they left is a safe one.
    fn departed(&self, departures: &[Departure]) {
        let (record, departures) = (Arc::clone(&self.record), departures.to_vec());
        let note = move || {
            record.try_step(PATIENCE / 4, |text, now| {
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

/// The lock ends with the file.
fn change<T>(mut file: File, step: impl FnOnce(&mut Record, u64) -> T) -> io::Result<T> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    // After the lock: a clock that was read before it could be behind what others have recorded.
    let now = monotonic_micros();
    let mut record = Record::read(&text, now);
    let outcome = step(&mut record, now);
    // Written at once and never cut off: what remains of a longer text behind it is not read. A process that is killed leaves
    // the text as it was or as it is to be.
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
    async fn two_processes_count_together_and_the_count_outlives_them() {
        let folder = tempfile::tempdir().unwrap();
        for used in 1..=4 {
            // Each time another process.
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
    async fn a_lock_that_is_held_is_waited_for_and_then_reported() {
        let folder = tempfile::tempdir().unwrap();
        let record = DepartureFile::in_folder(folder.path());
        let held = open(&record.record.path).unwrap();
        held.lock().unwrap();
        let error = record.claim(claim()).await.unwrap_err();
        let error = error.to_string();
        assert!(error.contains(FILE_NAME), "{error}");
        assert!(
            error.contains("another process has held its lock for 1s"),
            "{error}"
        );
        assert!(!error.contains("writable"), "{error}");
        drop(held);
        assert!(matches!(
            record.claim(claim()).await.unwrap(),
            Claimed::Granted(..)
        ));
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_reported_and_used_again_when_it_is_back() {
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
    async fn the_file_is_open_to_its_owner_only() {
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
