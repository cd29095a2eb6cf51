//! Errors of the stored login and of a login in progress. No error contains a secret.

use std::{io, path::Path, path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum LoginRequired {
    #[error("no login is stored")]
    NotLoggedIn,
    /// `invalid_grant`: the refresh token was revoked, was unused for 180 days (documented), or was used by a program that does
    /// not share this state folder.
    #[error(
        "the refresh token was rejected at {since}: it was revoked, unused for 180 days, or used elsewhere"
    )]
    Refused { since: Timestamp },
    /// The response to a refresh was lost before it was stored, and the refresh token is now rejected. A rotated token works
    /// once, so the response contained the only valid token.
    #[error(
        "the response to the refresh sent at {sent_at} was lost before it was stored (a crash or a broken connection), and with \
         it the only valid refresh token; the previous token was rejected at {since}"
    )]
    AnswerLost {
        /// Time of the first refresh that has no response.
        sent_at: Timestamp,
        since: Timestamp,
    },
    /// An access token from the environment was rejected, and no refresh token is set.
    #[error("the access token in the environment was rejected at {since}, and no refresh token is set")]
    TokenRefused { since: Timestamp },
    /// The upstream issues a refresh token only for the scope `offline_access`.
    #[error("the access token is no longer valid, and no refresh token was granted (scope offline_access)")]
    NoRefreshToken,
}

impl LoginRequired {
    pub(crate) fn since(self) -> Option<Timestamp> {
        match self {
            Self::Refused { since } | Self::AnswerLost { since, .. } | Self::TokenRefused { since } => {
                Some(since)
            }
            Self::NotLoggedIn | Self::NoRefreshToken => None,
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreError {
    #[error("there is no default state folder, because the user has no home folder; specify a state folder")]
    NoHome,
    #[error(
        "{} can be read by others (mode {mode:04o}); if nobody has read it, make it private with chmod 600, \
         and otherwise log in again", path.display()
    )]
    ReadableByOthers { path: PathBuf, mode: u32 },
    #[error("{} is damaged ({detail}); log in again to replace it", path.display())]
    Damaged {
        path: PathBuf,
        /// Position of the damage. The content is omitted.
        detail: String,
    },
    #[error(
        "{} has version {found}, but this program supports only version {known}; use a newer program, or log out first",
        path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{} is locked by another process for {} s; try again, or stop that process", path.display(), waited.as_secs())]
    Busy { path: PathBuf, waited: Duration },
    #[error("no login is stored; log in first")]
    NotLoggedIn,
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
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

/// Failure of a login in progress. Descriptions and codes come from the upstream, with control characters removed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoginError {
    #[error("cannot listen on port {port} of this machine for the browser's redirect: {reason}")]
    Listen {
        /// 0 for any free port.
        port: u16,
        reason: String,
    },
    #[error("access was denied{}", described(description.as_deref()))]
    Denied { description: Option<String> },
    #[error("the login was not approved in time; start again")]
    Expired,
    /// For example, an unknown client id, an unregistered redirect URI or an unknown scope.
    #[error("the upstream rejected the login: {error}{}", described(description.as_deref()))]
    Refused {
        error: String,
        description: Option<String>,
    },
    /// The upstream cannot be reached, or its response is unusable. Another attempt may succeed.
    #[error("the login could not be completed: {reason}")]
    Unavailable { reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn described(description: Option<&str>) -> String {
    description.map(|text| format!(" ({text})")).unwrap_or_default()
}
