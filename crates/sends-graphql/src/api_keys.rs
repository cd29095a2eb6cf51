//! API keys of callers, reloaded from a file while the service runs and compared in constant time.
//!
//! No key is valid while the file is missing, empty or accessible to other users, because a removed key must not grant access.
//! Editors and orchestrators replace the file by a rename, so that it is never missing during an update.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

/// Reload interval, which is also the maximum time for which a removed key remains valid.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Minimum length of a key, in characters. Shorter keys can be guessed.
const MIN_LENGTH: usize = 16;

/// Maximum size of the file in bytes, enough for thousands of keys.
const SIZE_LIMIT: u64 = 1 << 20;

/// API keys from a file. Only their hashes are in memory.
pub struct ApiKeys {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    keys: Result<Vec<KeyHash>, InvalidApiKeys>,
    read_at: Instant,
}

type KeyHash = [u8; 32];

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidApiKeys {
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{0} is accessible to other users or writable by its group; restrict it with chmod 600")]
    Open(String),
    #[error("{0} is larger than {SIZE_LIMIT} bytes")]
    TooLarge(String),
    #[error("line {line} of {path} is not a key of at least {MIN_LENGTH} visible ASCII characters")]
    Key { path: String, line: usize },
    #[error("{0} contains no key")]
    Empty(String),
}

impl ApiKeys {
    pub fn read(path: &Path) -> Result<Self, InvalidApiKeys> {
        let keys = load(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                keys: Ok(keys),
                read_at: Instant::now(),
            }),
        })
    }

    /// Returns whether the key is valid. Compares the key with every valid key, so that the duration reveals nothing about them.
    pub(super) fn admit(&self, key: &[u8]) -> bool {
        let presented = hash(key);
        let state = self.present();
        let keys = state.keys.as_deref().unwrap_or_default();
        let admitted = keys
            .iter()
            .fold(Choice::from(0), |admitted, key| admitted | key.ct_eq(&presented));
        admitted.into()
    }

    pub fn problem(&self) -> Option<InvalidApiKeys> {
        self.present().keys.as_ref().err().cloned()
    }

    /// Returns the keys, read again if the last read was [`READ_EVERY`] ago or longer.
    fn present(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.read_at.elapsed() < READ_EVERY {
            return state;
        }
        state.read_at = Instant::now();
        let keys = load(&self.path);
        if keys != state.keys {
            match &keys {
                Ok(keys) => tracing::info!("API keys changed: {} keys are valid", keys.len()),
                Err(problem) => tracing::error!(
                    "no API key is valid, since {problem}; requests are rejected until the file is valid"
                ),
            }
            state.keys = keys;
        }
        state
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiKeys({})", self.path.display())
    }
}

fn load(path: &Path) -> Result<Vec<KeyHash>, InvalidApiKeys> {
    let name = path.display().to_string();
    let unreadable = |error: io::Error| InvalidApiKeys::Unreadable {
        path: name.clone(),
        reason: error.to_string(),
    };
    // Opening a named pipe would block until its other end is open.
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(unreadable(io::Error::other("it is not a regular file")));
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    // Reads the open file's metadata, since the path can now refer to another file.
    let metadata = file.metadata().map_err(unreadable)?;
    if is_open_to_others(&metadata) {
        return Err(InvalidApiKeys::Open(name));
    }
    if metadata.len() > SIZE_LIMIT {
        return Err(InvalidApiKeys::TooLarge(name));
    }
    let mut text = String::new();
    file.take(SIZE_LIMIT)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    parse(&text, &name)
}

/// Returns whether other users can access the file or its group can write to it. The group may read it, since orchestrators mount
/// secrets with that permission.
#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o027 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

fn parse(text: &str, name: &str) -> Result<Vec<KeyHash>, InvalidApiKeys> {
    let lines = text.lines().map(str::trim).enumerate();
    let keys = lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let is_key = line.len() >= MIN_LENGTH && line.bytes().all(|byte| byte.is_ascii_graphic());
            is_key.then(|| hash(line.as_bytes())).ok_or(InvalidApiKeys::Key {
                path: name.to_owned(),
                line: index + 1,
            })
        });
    let keys: Vec<KeyHash> = keys.collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(InvalidApiKeys::Empty(name.to_owned()));
    }
    Ok(keys)
}

/// Returns a hash of fixed length, so that the time of a comparison does not leak the length of a key.
fn hash(key: &[u8]) -> KeyHash {
    blake3::derive_key("sends 2026-11 API key", key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn non_regular_file_is_rejected_without_blocking() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        for path in [path.as_path(), Path::new("/dev/null")] {
            let error = load(path).map(drop).unwrap_err().to_string();
            assert!(error.contains("it is not a regular file"), "{error}");
        }
    }

    #[test]
    fn comments_and_blank_lines_are_ignored() {
        let text = "# for the dashboard\n\n  dashboard-0123456789 \nreports-0123456789abc\n";
        let keys = parse(text, "keys").unwrap();
        assert_eq!(
            keys,
            [hash(b"dashboard-0123456789"), hash(b"reports-0123456789abc")]
        );
    }

    #[test]
    fn error_names_the_line_number_without_quoting_the_key() {
        for (text, expected) in [
            ("", "keys contains no key"),
            ("# nothing\n", "keys contains no key"),
            (
                "0123456789abcdef\nshort",
                "line 2 of keys is not a key of at least 16 visible ASCII characters",
            ),
            (
                "0123456789 abcdef",
                "line 1 of keys is not a key of at least 16 visible ASCII characters",
            ),
        ] {
            assert_eq!(parse(text, "keys").unwrap_err().to_string(), expected);
        }
    }

    const KEY: &str = "dashboard-0123456789";

    struct KeyFile {
        _folder: tempfile::TempDir,
        path: PathBuf,
        keys: ApiKeys,
    }

    impl KeyFile {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keys");
            replace(&path, KEY);
            let keys = ApiKeys::read(&path).unwrap();
            Self {
                _folder: folder,
                path,
                keys,
            }
        }

        async fn admits(&self) -> bool {
            tokio::time::advance(READ_EVERY).await;
            self.keys.admit(KEY.as_bytes())
        }
    }

    /// Replaces the file by a rename, as editors and orchestrators do.
    fn replace(path: &Path, text: &str) {
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        expose(&new, 0o600);
        fs::rename(new, path).unwrap();
    }

    #[cfg(unix)]
    fn expose(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn expose(_: &Path, _: u32) {}

    #[tokio::test(start_paused = true)]
    async fn no_key_is_valid_while_the_file_is_missing_or_empty() {
        let file = KeyFile::new();
        assert!(file.admits().await);
        fs::remove_file(&file.path).unwrap();
        assert!(!file.admits().await);
        assert!(matches!(
            file.keys.problem(),
            Some(InvalidApiKeys::Unreadable { .. })
        ));
        replace(&file.path, "# no key\n");
        assert!(!file.admits().await);
        assert!(matches!(file.keys.problem(), Some(InvalidApiKeys::Empty(_))));
        replace(&file.path, KEY);
        assert!(file.admits().await);
        assert_eq!(file.keys.problem(), None);
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn no_key_is_valid_while_others_can_read_the_file() {
        let file = KeyFile::new();
        expose(&file.path, 0o644);
        assert!(!file.admits().await);
        expose(&file.path, 0o600);
        assert!(file.admits().await);
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn keys_are_reloaded_when_their_symlink_changes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, key) in [("first", KEY), ("second", "reports-0123456789abc")] {
            fs::create_dir(at(name)).unwrap();
            replace(&at(name).join("keys"), key);
        }
        let point_to = |name: &str| {
            std::os::unix::fs::symlink(at(name), at("..new")).unwrap();
            fs::rename(at("..new"), at("..data")).unwrap();
        };
        point_to("first");
        let keys = ApiKeys::read(&at("..data").join("keys")).unwrap();
        assert!(keys.admit(KEY.as_bytes()));
        point_to("second");
        tokio::time::advance(READ_EVERY).await;
        assert!(!keys.admit(KEY.as_bytes()) && keys.admit(b"reports-0123456789abc"));
    }
}
