//! What can go wrong with the kept login and with obtaining one. No error holds a secret.

use std::{io, path::Path, path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a person has to log in again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum LoginRequired {
    /// There is no login in the state folder.
    #[error("nobody has logged in yet")]
    NotLoggedIn,
    /// The upstream refused the refresh token (`invalid_grant`): revoked, or unused for 180 days (documented), or used by
    /// a program that does not share this state folder.
    #[error(
        "the refresh token was refused at {since}: it was revoked, unused for 180 days, or used elsewhere"
    )]
    Refused {
        /// When that happened.
        since: Timestamp,
    },
    /// A refresh was sent whose answer never reached the disk, and the upstream now refuses the token that it was sent
    /// with. A rotated token works once, so that the answer held the only one that still did.
    #[error(
        "the answer to the refresh sent at {sent_at} was lost between the upstream and the disk (a crash or a broken \
         connection), and with it the only refresh token that still works; the one before it was refused at {since}"
    )]
    AnswerLost {
        /// When the lost refresh was sent for the first time.
        sent_at: Timestamp,
        /// When the loss was noticed.
        since: Timestamp,
    },
    /// The upstream refused an access token that nothing can renew: it came alone in the environment.
    #[error("the access token in the environment was refused at {since}, and nothing renews it")]
    TokenRefused {
        /// When that happened, the last time.
        since: Timestamp,
    },
    /// The access token expired or was rejected, and there is no refresh token: the scope `offline_access` was not granted.
    #[error("the access token is used up and no refresh token was granted (scope offline_access)")]
    NoRefreshToken,
}

impl LoginRequired {
    /// When it was noticed, where that is known.
    pub(crate) fn since(self) -> Option<Timestamp> {
        match self {
            Self::Refused { since } | Self::AnswerLost { since, .. } | Self::TokenRefused { since } => {
                Some(since)
            }
            Self::NotLoggedIn | Self::NoRefreshToken => None,
        }
    }
}

/// Why the kept login cannot be read or changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The user has no home folder that could hold the state.
    #[error("there is no home folder to keep the state in; name a state folder")]
    NoHome,
    /// Others can read the file, so that its secrets may be known to them already.
    #[error(
        "{} can be read by others (mode {mode:04o}); if nobody has read it, make it private with chmod 600, \
         and otherwise log in again", path.display()
    )]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file is not what was written.
    #[error("{} is damaged ({detail}); log in again to replace it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, without the content.
        detail: String,
    },
    /// A newer version of this program wrote the file.
    #[error("{} is of version {found}, and this program knows version {known}; use a newer program, or log out first", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The newest version this program can read.
        known: u32,
    },
    /// Another process held the lock all the time.
    #[error("another process has held {} for {} s", path.display(), waited.as_secs())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// There is no login to change.
    #[error("nobody is logged in")]
    NotLoggedIn,
    /// The operating system refused.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            detail: detail.into(),
        }
    }
}

/// Why a login did not come about.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoginError {
    /// No port could be had for the browser's answer.
    #[error("cannot listen on port {port} of this machine for the browser's answer: {reason}")]
    Listen {
        /// The port asked for; 0 for any.
        port: u16,
        /// What the operating system says.
        reason: String,
    },
    /// The user said no.
    #[error("access was denied{}", described(description.as_deref()))]
    Denied {
        /// The upstream's words.
        description: Option<String>,
    },
    /// The user did not decide in time.
    #[error("nobody approved the login in time; start again")]
    Expired,
    /// The upstream will not take the request: an unknown client id, a redirect URI that is not registered, a scope.
    #[error("the upstream refused the login: {error}{}", described(description.as_deref()))]
    Refused {
        /// The OAuth error code.
        error: String,
        /// The upstream's words.
        description: Option<String>,
    },
    /// The upstream cannot be reached or answers nothing usable. Trying again may help.
    #[error("the login could not be completed: {reason}")]
    Unavailable {
        /// What went wrong.
        reason: String,
    },
    /// The state folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn described(description: Option<&str>) -> String {
    description.map(|text| format!(" ({text})")).unwrap_or_default()
}
