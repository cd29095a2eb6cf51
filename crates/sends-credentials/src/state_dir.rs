//! Folder for state that outlives the process.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

use crate::StoreError;

/// Returns the default state folder: `$XDG_STATE_HOME/sends` (`~/.local/state/sends`) on Linux, and a folder in the user's
/// application data on macOS and Windows.
///
/// Fails with [`StoreError::NoHome`] if the user has no home folder, as in some containers.
pub fn default_state_dir() -> Result<PathBuf, StoreError> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| StoreError::NoHome)?;
    let base = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(base.join("sends"))
}

/// State folder, shared by all processes that use the same login.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Creates the folder, private to this user (mode 0700), if it is missing. The permissions of an existing folder are the
    /// operator's choice and stay unchanged. The files inside are private in either case.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        create(&path).map_err(|error| StoreError::io("create the folder", &path, &error))?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Creates the folder with its missing ancestors, and synchronises each folder with a new entry. Otherwise, a power loss could
/// remove the folder with its files. Returns the synchronised folders, the innermost first.
fn create(path: &Path) -> io::Result<Vec<&Path>> {
    let missing = path.ancestors().take_while(|folder| !folder.exists());
    let changed: Vec<&Path> = missing.filter_map(Path::parent).map(or_current).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // Only Unix can open a directory for fsync.
    #[cfg(unix)]
    for folder in &changed {
        match fs::File::open(folder) {
            Ok(folder) => folder.sync_all()?,
            // Permission to write to a folder does not include permission to list it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
    }
    Ok(changed)
}

/// Returns `.` for the empty path, which is the parent of a relative path with a single component.
fn or_current(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_folder_is_named_after_the_project() {
        assert!(default_state_dir().unwrap().ends_with("sends"));
    }

    #[cfg(unix)]
    #[test]
    fn new_folder_is_private_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let dir = StateDir::open(&path).unwrap();
        let mode = fs::metadata(dir.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn parents_of_new_folders_are_synchronised() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        assert_eq!(
            create(&path).unwrap(),
            [parent.path().join("a"), parent.path().to_owned()]
        );
        assert_eq!(create(&path).unwrap(), Vec::<&Path>::new());
    }

    #[test]
    fn file_in_place_of_the_folder_is_rejected() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(StateDir::open(&path), Err(StoreError::Io { .. })));
    }
}
