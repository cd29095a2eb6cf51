//! File that is private to its owner and is replaced atomically.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use zeroize::Zeroizing;

use crate::StoreError;

/// Maximum size of the file in bytes, larger than any credential.
const SIZE_LIMIT: u64 = 256 << 10;

/// Initial buffer capacity in bytes, enough for a credential. A growing buffer would leave copies of secrets in memory.
const USUAL_SIZE: usize = 16 << 10;

/// The content is zeroed on drop.
pub(crate) type Content = (Zeroizing<Vec<u8>>, Stamp);

/// Identity of a file's content, derived from its metadata. Each replacement of the content creates a new file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
            #[cfg(not(unix))]
            inode: 0,
        }
    }
}

pub(crate) fn stamp(path: &Path) -> Result<Option<Stamp>, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("look at", path, &error)),
    }
}

/// Reads the file, which must be private to its owner. Returns `None` if the file does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<Content>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path, &error)),
    };
    // The metadata comes from the open file, because the path may already refer to another file.
    let metadata = file
        .metadata()
        .map_err(|error| StoreError::io("look at", path, &error))?;
    check_permissions(path, &metadata)?;
    if !metadata.is_file() || metadata.len() > SIZE_LIMIT {
        return Err(StoreError::damaged(
            path,
            "it is not a regular file of a plausible size",
        ));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(USUAL_SIZE));
    file.take(SIZE_LIMIT)
        .read_to_end(&mut content)
        .map_err(|error| StoreError::io("read", path, &error))?;
    Ok(Some((content, Stamp::of(&metadata))))
}

/// Replaces the content atomically and durably, so that it survives a power loss.
///
/// The caller must hold the lock, which ensures a single writer.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<Stamp, StoreError> {
    let temporary = temporary(path);
    write_new(&temporary, content)
        .and_then(|stamp| {
            #[cfg(test)]
            crate::crash_tests::reached("file written");
            fs::rename(&temporary, path)?;
            #[cfg(test)]
            crate::crash_tests::reached("file renamed");
            sync_folder(path)?;
            Ok(stamp)
        })
        .map_err(|error| StoreError::io("write", path, &error))
}

/// Reads the content, possibly incomplete, of a [`replace`] that was interrupted before the rename.
pub(crate) fn read_interrupted(path: &Path) -> Result<Option<Content>, StoreError> {
    read(&temporary(path))
}

/// Removes the file and the temporary file of an interrupted [`replace`]. Returns whether the file existed.
pub(crate) fn remove(path: &Path) -> Result<bool, StoreError> {
    remove_if_there(&temporary(path))
        .and_then(|_| remove_if_there(path))
        .and_then(|removed| sync_folder(path).map(|()| removed))
        .map_err(|error| StoreError::io("remove", path, &error))
}

/// Returns the path of the temporary file. The name is fixed, so that interruptions leave at most one temporary file.
fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<Stamp> {
    remove_if_there(path)?;
    let mut options = OpenOptions::new();
    // `create_new` prevents a write through a link that another user has created at this path.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(Stamp::of(&file.metadata()?))
}

fn remove_if_there(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the directory entry of `path` durable. Only Unix can open a directory for this purpose.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Systems other than Unix rely on the permissions of the user's folder.
#[cfg_attr(
    not(unix),
    expect(clippy::unnecessary_wraps, reason = "only the check on Unix can fail")
)]
fn check_permissions(path: &Path, metadata: &fs::Metadata) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(StoreError::ReadableByOthers { path, mode });
        }
    }
    #[cfg(not(unix))]
    let _ = (path, metadata);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_content_is_read_back_with_a_new_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(stamp(&path).unwrap(), None);
        let first = replace(&path, b"one").unwrap();
        assert_eq!(stamp(&path).unwrap(), Some(first));
        let second = replace(&path, b"two").unwrap();
        assert_ne!(first, second);
        let (content, stamp) = read(&path).unwrap().unwrap();
        assert_eq!((content.as_slice(), stamp), (&b"two"[..], second));
    }

    #[test]
    fn temporary_file_of_an_interrupted_write_is_replaced_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(dir.path().join("file.new"), "half").unwrap();
        replace(&path, b"whole").unwrap();
        fs::write(dir.path().join("file.new"), "half").unwrap();
        assert!(remove(&path).unwrap());
        assert!(!remove(&path).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn file_is_private_to_its_owner_and_rejected_when_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"hush").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, StoreError::ReadableByOthers { .. }), "{error}");
            assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn link_at_the_temporary_path_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, dir.path().join("file.new")).unwrap();
        replace(&dir.path().join("file"), b"hush").unwrap();
        assert_eq!(fs::read_to_string(target).unwrap(), "untouched");
    }
}
