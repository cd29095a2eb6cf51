//! Advisory file lock between processes, acquired without blocking the runtime.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::StoreError;

/// Interval between attempts. A blocking wait would occupy a thread that cannot be cancelled.
const RETRY_INTERVAL: Duration = Duration::from_millis(15);

/// Lock that is held until it is dropped or the process ends.
///
/// The lock file is never removed, because two processes could then lock two different files of the same name.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl FileLock {
    pub(crate) async fn acquire(path: &Path, timeout: Duration) -> Result<Self, StoreError> {
        let file = open(path).map_err(|error| StoreError::io("open the lock file", path, &error))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", path, &error)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= timeout => {
                    return Err(StoreError::Busy {
                        path: path.to_owned(),
                        waited: timeout,
                    });
                }
                Err(TryLockError::WouldBlock) => sleep(RETRY_INTERVAL).await,
            }
        }
    }

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
    async fn waiting_for_a_lock_ends_after_the_timeout() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let timeout = Duration::from_secs(5);
        let first = FileLock::acquire(&path, timeout).await.unwrap();
        let started = Instant::now();
        let error = FileLock::acquire(&path, timeout).await.unwrap_err();
        assert!(matches!(error, StoreError::Busy { .. }), "{error}");
        assert!(started.elapsed() >= timeout);

        let waiter = tokio::spawn(async move { FileLock::acquire(&path, timeout).await.map(|_| ()) });
        sleep(RETRY_INTERVAL * 3).await;
        assert!(!waiter.is_finished());
        drop(first);
        waiter.await.unwrap().unwrap();
    }
}
