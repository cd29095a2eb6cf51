//! A file that nobody else can read and no interruption can damage.
//!
//! Owns permissions, atomicity and durability. Must not know what is in the file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use zeroize::Zeroizing;

use crate::StoreError;

/// More than any credential needs. A larger file is something else.
const SIZE_LIMIT: u64 = 256 << 10;

/// Room for a credential, so that a buffer that grew leaves no copy of a secret behind.
const USUAL_SIZE: usize = 16 << 10;

/// What a file held, wiped when it is dropped, and the stamp it had.
pub(crate) type Content = (Zeroizing<Vec<u8>>, Stamp);

/// Tells one content of a file from the next without reading it: every replacement is a new file.
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

/// The stamp of the file at `path`. `None` when there is none.
pub(crate) fn stamp(path: &Path) -> Result<Option<Stamp>, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("look at", path, &error)),
    }
}

/// Reads the file at `path` unless others can as well. `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Content>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", path, &error)),
    };
    // Asked of the open file and not of its name, which could mean another file by now.
    let metadata = file
        .metadata()
        .map_err(|error| StoreError::io("look at", path, &error))?;
    refuse_if_others_can_read(path, &metadata)?;
    if !metadata.is_file() || metadata.len() > SIZE_LIMIT {
        return Err(StoreError::damaged(path, "it is not a file of a plausible size"));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(USUAL_SIZE));
    file.take(SIZE_LIMIT)
        .read_to_end(&mut content)
        .map_err(|error| StoreError::io("read", path, &error))?;
    Ok(Some((content, Stamp::of(&metadata))))
}

/// Puts `content` in the place of the file at `path`. When it returns, the content survives a loss of power; when it
/// does not, the file holds either the old content or the new one.
///
/// There must be one writer at a time, which the caller's lock sees to.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<Stamp, StoreError> {
    let fresh = beside(path);
    write_new(&fresh, content)
        .and_then(|stamp| {
            #[cfg(test)]
            crate::crash_points::reached("file written");
            fs::rename(&fresh, path)?;
            #[cfg(test)]
            crate::crash_points::reached("file renamed");
            sync_folder(path)?;
            Ok(stamp)
        })
        .map_err(|error| StoreError::io("write", path, &error))
}

/// What a [`replace`] of the file at `path` wrote that was interrupted before it took its place. It need not be complete.
pub(crate) fn read_interrupted(path: &Path) -> Result<Option<Content>, StoreError> {
    read(&beside(path))
}

/// Removes the file at `path`, and what an interrupted [`replace`] may have left. Tells whether the file was there.
pub(crate) fn remove(path: &Path) -> Result<bool, StoreError> {
    let removed = remove_if_there(&beside(path))
        .and_then(|_| remove_if_there(path))
        .map_err(|error| StoreError::io("remove", path, &error))?;
    sync_folder(path).map_err(|error| StoreError::io("remove", path, &error))?;
    Ok(removed)
}

/// The name of the content to come. It is always the same, so that an interruption leaves at most one such file.
fn beside(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<Stamp> {
    remove_if_there(path)?;
    let mut options = OpenOptions::new();
    // A file or link that someone else put there is not written through.
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

/// Makes the folder's entry for `path` durable. Elsewhere than on Unix a folder cannot be opened for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(unix)]
fn refuse_if_others_can_read(path: &Path, metadata: &fs::Metadata) -> Result<(), StoreError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        Ok(())
    } else {
        Err(StoreError::ReadableByOthers {
            path: path.to_owned(),
            mode,
        })
    }
}

/// Elsewhere than on Unix the user's own folder is what keeps others out.
#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature is that of the check on Unix"
)]
fn refuse_if_others_can_read(_path: &Path, _metadata: &fs::Metadata) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_read_back_with_a_new_stamp() {
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
    fn what_an_interruption_left_is_replaced_and_removed() {
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
    fn a_file_is_written_for_its_owner_only_and_refused_when_others_can_read_it() {
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
    fn a_link_in_the_place_of_the_new_content_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, dir.path().join("file.new")).unwrap();
        replace(&dir.path().join("file"), b"hush").unwrap();
        assert_eq!(fs::read_to_string(target).unwrap(), "untouched");
    }
}
