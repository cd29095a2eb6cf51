//! Lease that allows one synchronisation per state folder at a time, across processes.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

#[derive(Debug)]
pub(crate) struct Lease(#[expect(dead_code, reason = "holds the file lock")] Option<File>);

impl Lease {
    pub(super) fn unshared() -> Self {
        Self(None)
    }

    /// Acquires the lease of a folder. Returns `None` if another process has the lease.
    pub(super) fn of_folder(folder: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // The file is never deleted, because two processes could otherwise lock different files of the same name.
        let file = options.open(folder.join("sync.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(Some(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_is_exclusive() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Lease::of_folder(folder.path()).unwrap();
        assert!(lease.is_some());
        assert!(Lease::of_folder(folder.path()).unwrap().is_none());
        drop(lease);
        assert!(Lease::of_folder(folder.path()).unwrap().is_some());
    }
}
