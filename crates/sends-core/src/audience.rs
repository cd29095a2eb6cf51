//! Ids of contact lists and segments. The resources with their names are in [`named`].

pub(crate) mod named;

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, fmt::Hyphenated};

/// Id of a contact list: a UUID (documented), normalised to lower case so that each list has one spelling. Any other string is
/// accepted unchanged, so that a malformed id does not make a history unreadable.
///
/// ```
/// use sends_core::ListId;
///
/// let id = ListId::from("F4AB800A-5ADF-11E9-BA6A-FA163E6B01C1");
/// assert_eq!(id.as_str(), "f4ab800a-5adf-11e9-ba6a-fa163e6b01c1");
/// assert_eq!(ListId::from("General Interest").as_str(), "General Interest");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct ListId(String);

impl ListId {
    /// Returns the id as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ListId {
    fn from(mut text: String) -> Self {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) && is_hyphenated_uuid(&text) {
            text.make_ascii_lowercase();
        }
        Self(text)
    }
}

impl From<&str> for ListId {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// The length check excludes the other UUID notations that the parser accepts.
fn is_hyphenated_uuid(text: &str) -> bool {
    text.len() == Hyphenated::LENGTH && Uuid::try_parse(text).is_ok()
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Id of a segment: a 64-bit integer (documented).
///
/// ```
/// assert_eq!(sends_core::SegmentId::new(14).to_string(), "14");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentId(i64);

impl SegmentId {
    /// Creates an id from its number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Returns the id as a number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
