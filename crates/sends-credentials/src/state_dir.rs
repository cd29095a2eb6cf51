//! The folder that outlives the process.
//!
//! Owns where it is and who may enter it. Must not know what is in its files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;

use crate::StoreError;

/// Where the state is kept unless told otherwise: `$XDG_STATE_HOME/sends` (`~/.local/state/sends`) on Linux, and the
/// application's folder in the user's data on macOS and Windows, which have no folder for state.
///
/// # Errors
///
/// [`StoreError::NoHome`] when the user has no home folder, as in some containers.
pub fn default_state_dir() -> Result<PathBuf, StoreError> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| StoreError::NoHome)?;
    let base = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(base.join("sends"))
}

/// A folder to keep a login in. Every process that is to share the login is given the same one.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Takes `path`, and makes it if it is not there: open to this user only (mode 0700).
    ///
    /// A folder that exists is left as it is, since an operator or a container's volume decided about it. The files
    /// inside are protected each by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] when it cannot be made or is not a folder.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        create(&path).map_err(|error| StoreError::io("make the folder", &path, &error))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Makes the folder and those above it that are missing, and synchronises the folders that got a new entry: without that a loss of
/// power takes a login with its folder, however well the file in it is synchronised. Returns these, the innermost first.
fn create(path: &Path) -> io::Result<Vec<&Path>> {
    let missing = path.ancestors().take_while(|folder| !folder.exists());
    let changed: Vec<&Path> = missing.filter_map(Path::parent).map(or_current).collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // Elsewhere than on Unix a folder cannot be opened for that.
    #[cfg(unix)]
    for folder in &changed {
        match fs::File::open(folder) {
            Ok(folder) => folder.sync_all()?,
            // Whoever may write to a folder need not be allowed to list it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
    }
    Ok(changed)
}

/// The parent of a relative path of one name is the empty path.
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
    fn the_default_folder_is_named_after_the_project() {
        assert!(default_state_dir().unwrap().ends_with("sends"));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_folder_is_open_to_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let dir = StateDir::open(&path).unwrap();
        let mode = fs::metadata(dir.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn the_parents_of_new_folders_are_synchronised() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        assert_eq!(
            create(&path).unwrap(),
            [parent.path().join("a"), parent.path().to_owned()]
        );
        assert_eq!(create(&path).unwrap(), Vec::<&Path>::new());
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(StateDir::open(&path), Err(StoreError::Io { .. })));
    }
}
