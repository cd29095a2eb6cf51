//! The send history of one activity.
//!
//! Owns the order of the attempts and the JSON array they come in. Must not know which activity it belongs to: the
//! upstream's records do not say.

use alloc::string::ToString;
use alloc::vec::{self, Vec};
use core::slice;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::decode::{decode, decode_json};
use crate::{DecodeHistoryError, HistorySummary, SendAttempt};

/// Every attempt to send one email activity, in ascending order of `send_id`.
///
/// An activity that was never sent has an empty history. The upstream is documented to answer in this order; it is
/// established here all the same, and attempts with the same `send_id` keep the order in which they came.
///
/// Serialised as the bare array the upstream answers with. Deserialised from any format, with errors that name record
/// and field; for JSON prefer [`from_json`](Self::from_json), whose error keeps them apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendHistory(Vec<SendAttempt>);

impl SendHistory {
    /// The history made up of these attempts, in whatever order they come.
    pub fn new(mut sends: Vec<SendAttempt>) -> Self {
        sends.sort_by_key(|send| send.send_id);
        Self(sends)
    }

    /// Reads the upstream's answer.
    ///
    /// ```
    /// use sends_core::SendHistory;
    ///
    /// assert!(SendHistory::from_json(b"[]")?.is_empty());
    /// # Ok::<(), sends_core::DecodeHistoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the bytes are not one JSON array of objects, when a record has no `send_id`, and when a field that is
    /// present is not of its documented type.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeHistoryError> {
        decode_json(json).map(Self::new)
    }

    /// The attempts, in ascending order of `send_id`.
    pub fn sends(&self) -> &[SendAttempt] {
        &self.0
    }

    /// The attempts by value, in ascending order of `send_id`.
    pub fn into_sends(self) -> Vec<SendAttempt> {
        self.0
    }

    /// The attempt with the greatest `send_id`, or `None` if the activity was never sent.
    pub fn latest(&self) -> Option<&SendAttempt> {
        self.0.last()
    }

    /// The number of attempts.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the activity was never sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attempts one by one, in ascending order of `send_id`.
    pub fn iter(&self) -> slice::Iter<'_, SendAttempt> {
        self.0.iter()
    }

    /// What the attempts add up to.
    pub fn summary(&self) -> HistorySummary {
        HistorySummary::of(&self.0)
    }
}

impl<'a> IntoIterator for &'a SendHistory {
    type Item = &'a SendAttempt;
    type IntoIter = slice::Iter<'a, SendAttempt>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for SendHistory {
    type Item = SendAttempt;
    type IntoIter = vec::IntoIter<SendAttempt>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<SendAttempt> for SendHistory {
    fn from_iter<I: IntoIterator<Item = SendAttempt>>(sends: I) -> Self {
        Self::new(sends.into_iter().collect())
    }
}

impl Serialize for SendHistory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SendHistory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        decode(deserializer, ToString::to_string)
            .map(Self::new)
            .map_err(D::Error::custom)
    }
}
