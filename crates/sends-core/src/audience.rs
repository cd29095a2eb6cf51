//! The ids of what a send was addressed to: contact lists and segments.
//!
//! Owns that neither id is ever refused for how it looks. What lists and segments are called is [`named`]'s.

pub(crate) mod named;

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// The id of a contact list, kept exactly as the upstream spelled it.
///
/// Documented to be a UUID, but not checked: a list id that is none must not cost the history it stands in. Two ids
/// are equal when their texts are.
///
/// ```
/// let id = sends_core::ListId::from("f4ab800a-5adf-11e9-ba6a-fa163e6b01c1");
/// assert_eq!(id.as_str(), "f4ab800a-5adf-11e9-ba6a-fa163e6b01c1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListId(String);

impl ListId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ListId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for ListId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The id of a segment: a number of 64 bits, as documented.
///
/// ```
/// assert_eq!(sends_core::SegmentId::new(14).to_string(), "14");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentId(i64);

impl SegmentId {
    /// The segment with this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The segment's number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
