//! Lease for one synchronisation at a time on a state folder, across processes.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// Lease until the drop or the end of the process.
#[derive(Debug)]
pub(crate) struct Lease(#[expect(dead_code, reason = "its lock matters")] Option<File>);

impl Lease {
    /// Lease of a log in memory.
    pub(super) fn unshared() -> Self {
        Self(None)
    }

    /// Lease of a folder. `None` if another process has it.
    pub(super) fn of_folder(folder: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Never deleted: otherwise two processes could each lock a file of this name.
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
    fn a_lease_is_exclusive() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Lease::of_folder(folder.path()).unwrap();
        assert!(lease.is_some());
        assert!(Lease::of_folder(folder.path()).unwrap().is_none());
        drop(lease);
        assert!(Lease::of_folder(folder.path()).unwrap().is_some());
    }
}
