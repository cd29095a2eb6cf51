//! A lock that other processes respect.
//!
//! Owns waiting for it without blocking the runtime. Must not know what is protected.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::StoreError;

/// How often a lock that is taken is tried again. The operating system could wake the waiter, but only a blocked thread,
/// which could not be called off.
const RETRY_INTERVAL: Duration = Duration::from_millis(15);

/// The advisory lock on a file, held until it is dropped or the process ends in whatever way.
///
/// The file itself stays for good: removing it would give two processes a lock on two files of the same name.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl FileLock {
    pub(crate) async fn acquire(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        let file = open(path).map_err(|error| StoreError::io("open the lock file", path, &error))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", path, &error)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= patience => {
                    return Err(StoreError::Busy {
                        path: path.to_owned(),
                        waited: patience,
                    });
                }
                Err(TryLockError::WouldBlock) => sleep(RETRY_INTERVAL).await,
            }
        }
    }

    /// The content, which only the holder of the lock may read or change.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.0
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_waited_for_and_then_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let patience = Duration::from_secs(5);
        let held = FileLock::acquire(&path, patience).await.unwrap();
        let started = Instant::now();
        let error = FileLock::acquire(&path, patience).await.unwrap_err();
        assert!(matches!(error, StoreError::Busy { .. }), "{error}");
        assert!(started.elapsed() >= patience);

        let waiter = tokio::spawn(async move { FileLock::acquire(&path, patience).await.map(|_| ()) });
        sleep(RETRY_INTERVAL * 3).await;
        assert!(!waiter.is_finished());
        drop(held);
        waiter.await.unwrap().unwrap();
    }
}
