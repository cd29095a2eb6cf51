//! The keys that callers have to bring: read from a file, compared in constant time, read again when the file changes.
//!
//! While the file is missing, empty or exposed to others no key is valid: a key that its operator took away must not open
//! anything. An editor or an orchestrator that replaces the file by renaming another one leaves no such moment.
//!
//! Must not know what the keys open.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

/// How long the file is taken for unchanged after a look at it: a removed key is valid for no longer.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Shorter keys can be guessed.
const SHORTEST: usize = 16;

/// More than enough for thousands of keys.
const SIZE_LIMIT: u64 = 1 << 20;

/// The keys of a file. Only their hashes are in memory.
pub struct ApiKeys {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// No key is valid while they cannot be read.
    keys: Result<Vec<KeyHash>, InvalidApiKeys>,
    /// Of the file that the keys are from. `None` while they cannot be read, so that every look reads them.
    stamp: Option<Stamp>,
    looked_at: Instant,
}

type KeyHash = [u8; 32];

/// Tells one content of the file from the next without reading it, and whom it is readable for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
    /// When the file or its attributes changed: the time of modification can be set back.
    changed: (i64, i64),
    is_open_to_others: bool,
}

/// Why a file of keys cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidApiKeys {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system says.
        reason: String,
    },
    /// The file does not keep its secrets.
    #[error("everybody on this machine can read {0} or its group can change it; chmod 600 helps")]
    Open(String),
    /// The file is too large to be a list of keys.
    #[error("{0} is larger than {SIZE_LIMIT} bytes")]
    TooLarge(String),
    /// A line is no key.
    #[error("line {line} of {path} is no key: at least {SHORTEST} visible ASCII characters are")]
    Key {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// Nobody could be let in.
    #[error("{0} holds no key")]
    Empty(String),
}

impl ApiKeys {
    /// Reads the keys at `path`.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKeys`], whose text is for the person who starts the service.
    pub fn read(path: &Path) -> Result<Self, InvalidApiKeys> {
        let (keys, stamp) = load(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                keys: Ok(keys),
                stamp: Some(stamp),
                looked_at: Instant::now(),
            }),
        })
    }

    /// Whether this is one of the keys. Every key is compared to its end, so that the time tells nothing about any of them.
    pub(super) fn admit(&self, key: &[u8]) -> bool {
        let presented = hash(key);
        let state = self.present();
        let keys = state.keys.as_deref().unwrap_or_default();
        let admitted = keys
            .iter()
            .fold(Choice::from(0), |admitted, key| admitted | key.ct_eq(&presented));
        admitted.into()
    }

    /// Why no key is valid at the moment. `None` when keys are.
    pub fn problem(&self) -> Option<InvalidApiKeys> {
        self.present().keys.as_ref().err().cloned()
    }

    /// The state as of a look at the file that is recent enough.
    fn present(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked_at.elapsed() >= LOOK_EVERY {
            self.refresh(&mut state);
            state.looked_at = Instant::now();
        }
        state
    }

    fn refresh(&self, state: &mut State) {
        let stamp = fs::metadata(&self.path).ok().map(|metadata| Stamp::of(&metadata));
        if stamp.is_some() && stamp == state.stamp {
            return;
        }
        match load(&self.path) {
            Ok((keys, stamp)) => {
                tracing::info!("read {} API keys again, since their file changed", keys.len());
                (state.keys, state.stamp) = (Ok(keys), Some(stamp));
            }
            Err(problem) => {
                // Said once, and not at every look.
                if state.keys.as_ref().err() != Some(&problem) {
                    tracing::error!(
                        "no API key is valid, since {problem}; requests are refused until the file is right"
                    );
                }
                (state.keys, state.stamp) = (Err(problem), None);
            }
        }
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiKeys({})", self.path.display())
    }
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
            #[cfg(unix)]
            changed: {
                use std::os::unix::fs::MetadataExt;
                (metadata.ctime(), metadata.ctime_nsec())
            },
            #[cfg(not(unix))]
            changed: (0, 0),
            is_open_to_others: is_open_to_others(metadata),
        }
    }
}

fn load(path: &Path) -> Result<(Vec<KeyHash>, Stamp), InvalidApiKeys> {
    let name = path.display().to_string();
    let unreadable = |error: io::Error| InvalidApiKeys::Unreadable {
        path: name.clone(),
        reason: error.to_string(),
    };
    // To open a pipe would wait for its other end.
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(unreadable(io::Error::other("it is not a regular file")));
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    // Asked of the open file and not of its name, which could mean another file by now.
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
    Ok((parse(&text, &name)?, Stamp::of(&metadata)))
}

/// The group may read: orchestrators mount secrets so.
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
            let is_key = line.len() >= SHORTEST && line.bytes().all(|byte| byte.is_ascii_graphic());
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

/// Of equal length whatever the key, so that not even the length shows in the time.
fn hash(key: &[u8]) -> KeyHash {
    blake3::derive_key("sends 2026-11 API key", key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_no_regular_one_is_refused_without_waiting_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        for path in [path.as_path(), Path::new("/dev/null")] {
            let refused = load(path).map(drop).unwrap_err().to_string();
            assert!(refused.contains("it is not a regular file"), "{refused}");
        }
    }

    #[test]
    fn a_line_is_a_key_a_comment_or_nothing() {
        let text = "# for the dashboard\n\n  dashboard-0123456789 \nreports-0123456789abc\n";
        let keys = parse(text, "keys").unwrap();
        assert_eq!(
            keys,
            [hash(b"dashboard-0123456789"), hash(b"reports-0123456789abc")]
        );
    }

    #[test]
    fn a_line_that_is_no_key_is_named_and_not_quoted() {
        for (text, said) in [
            ("", "keys holds no key"),
            ("# nothing\n", "keys holds no key"),
            (
                "0123456789abcdef\nshort",
                "line 2 of keys is no key: at least 16 visible ASCII characters are",
            ),
            (
                "0123456789 abcdef",
                "line 1 of keys is no key: at least 16 visible ASCII characters are",
            ),
        ] {
            assert_eq!(parse(text, "keys").unwrap_err().to_string(), said);
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

        /// Whether the key is valid once the file is looked at again.
        async fn admits(&self) -> bool {
            tokio::time::advance(LOOK_EVERY).await;
            self.keys.admit(KEY.as_bytes())
        }
    }

    /// As editors and orchestrators do.
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
        replace(&file.path, "# nobody\n");
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
    async fn keys_behind_a_link_that_is_swapped_are_read_again() {
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
        tokio::time::advance(LOOK_EVERY).await;
        assert!(!keys.admit(KEY.as_bytes()) && keys.admit(b"reports-0123456789abc"));
    }
}
