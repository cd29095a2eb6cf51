//! The upstream's own word for how a send ended.
//!
//! Owns the known spellings of `send_status`. Must not know what a status means: `COMPLETED` alone does not say that
//! anything was delivered, see [`Outcome`](crate::Outcome).

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// The upstream's `send_status`.
///
/// Two values are documented. The set is open: any other value is kept as it came. The known ones are recognised in
/// any case, which is this project's reading; the upstream spells one enum in different cases at different endpoints.
///
/// ```
/// use sends_core::SendStatus;
///
/// assert_eq!(SendStatus::from("Completed"), SendStatus::Completed);
/// assert_eq!(SendStatus::from("PAUSED").as_str(), "PAUSED");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendStatus {
    /// The upstream finished processing the attempt. It may still have reached nobody.
    Completed,
    /// The upstream reports that the attempt failed.
    Errored,
    /// A status that is not documented, verbatim. Make one with `SendStatus::from`, which keeps the two known
    /// statuses out of here.
    Other(Box<str>),
}

impl SendStatus {
    /// The status in the upstream's spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Completed => COMPLETED,
            Self::Errored => ERRORED,
            Self::Other(text) => text,
        }
    }

    fn known(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case(COMPLETED) {
            Some(Self::Completed)
        } else if text.eq_ignore_ascii_case(ERRORED) {
            Some(Self::Errored)
        } else {
            None
        }
    }
}

impl From<&str> for SendStatus {
    fn from(text: &str) -> Self {
        Self::known(text).unwrap_or_else(|| Self::Other(text.into()))
    }
}

impl From<String> for SendStatus {
    fn from(text: String) -> Self {
        Self::known(&text).unwrap_or_else(|| Self::Other(text.into()))
    }
}

impl fmt::Display for SendStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for SendStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SendStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

const COMPLETED: &str = "COMPLETED";
const ERRORED: &str = "ERRORED";
