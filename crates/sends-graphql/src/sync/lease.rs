//! One synchronisation at a time on a state folder, whichever process it is in.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// The right to synchronise, until this is dropped or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lease(#[expect(dead_code, reason = "what is held is the lock on it")] Option<File>);

impl Lease {
    /// The lease of what no other process can reach.
    pub(super) fn unshared() -> Self {
        Self(None)
    }

    /// The lease of a folder. `None` when another process has it.
    pub(super) fn of_folder(folder: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // The file stays for good: without it two processes could each hold the lock on a file of this name.
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
    fn a_lease_is_one_holders_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lease::of_folder(folder.path()).unwrap();
        assert!(held.is_some());
        assert!(Lease::of_folder(folder.path()).unwrap().is_none());
        drop(held);
        assert!(Lease::of_folder(folder.path()).unwrap().is_some());
    }
}
