//! The send history of one activity: the order of the attempts and the JSON array they come in.
//!
//! Which activity it belongs to the upstream's records do not say.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::{self, Vec};
use core::slice;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json_repair::repair_json;
use crate::{DecodeError, Decoded, FromJson, HistorySummary, Oddities, SendAttempt, json};

/// Every attempt to send one email activity, in ascending order of `send_id`.
///
/// An activity that was never sent has an empty history. The upstream is documented to answer in this order; it is
/// established here all the same, and attempts with the same `send_id` keep the order in which they came.
///
/// Serialised as the bare array the upstream answers with. Deserialised from JSON only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendHistory {
    sends: Vec<SendAttempt>,
    unreadable_sends: usize,
    unreadable_values: usize,
}

impl SendHistory {
    /// The history made up of these attempts, in whatever order they come.
    pub fn new(mut sends: Vec<SendAttempt>) -> Self {
        sends.sort_by_key(|send| send.send_id);
        Self {
            sends,
            unreadable_sends: 0,
            unreadable_values: 0,
        }
    }

    /// The same history as an answer of which so many sends and values could not be read.
    #[must_use]
    pub fn with_unreadable(self, sends: usize, values: usize) -> Self {
        Self {
            unreadable_sends: sends,
            unreadable_values: values,
            ..self
        }
    }

    /// Reads the upstream's answer. A record without a readable `send_id` is left out and
    /// [counted](Self::unreadable_sends); any other value that cannot be read is missing in its record, and
    /// [counted](Self::unreadable_values) too.
    ///
    /// ```
    /// use sends_core::SendHistory;
    ///
    /// assert!(SendHistory::from_json(b"[]")?.is_empty());
    /// let history = SendHistory::from_json(br#"[{"send_id": 1, "count": "many"}, {"send_id": 2, "count": 5}, {}]"#)?;
    /// assert_eq!((history.len(), history.unreadable_sends(), history.unreadable_values()), (2, 1, 1));
    /// # Ok::<(), sends_core::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the bytes do not begin with a JSON array.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        <Self as FromJson>::from_json(json)
    }

    /// How many records of the answer were left out, since they could not be read: they are no objects, or have no readable
    /// `send_id`. 0 as a rule.
    pub fn unreadable_sends(&self) -> usize {
        self.unreadable_sends
    }

    /// How many values of the attempts are missing because they could not be read. Bytes after the array count as one. 0 as a
    /// rule.
    pub fn unreadable_values(&self) -> usize {
        self.unreadable_values
    }

    /// The attempts, in ascending order of `send_id`.
    pub fn sends(&self) -> &[SendAttempt] {
        &self.sends
    }

    /// The attempts by value, in ascending order of `send_id`.
    pub fn into_sends(self) -> Vec<SendAttempt> {
        self.sends
    }

    /// The attempt with the greatest `send_id`, or `None` if the activity was never sent.
    pub fn latest(&self) -> Option<&SendAttempt> {
        self.sends.last()
    }

    /// The number of attempts.
    pub fn len(&self) -> usize {
        self.sends.len()
    }

    /// Whether the activity was never sent.
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    /// The attempts one by one, in ascending order of `send_id`.
    pub fn iter(&self) -> slice::Iter<'_, SendAttempt> {
        self.sends.iter()
    }

    /// What the attempts add up to.
    pub fn summary(&self) -> HistorySummary {
        HistorySummary {
            unreadable_sends: self.unreadable_sends,
            ..HistorySummary::of(&self.sends)
        }
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
        self.sends.into_iter()
    }
}

impl FromIterator<SendAttempt> for SendHistory {
    fn from_iter<I: IntoIterator<Item = SendAttempt>>(sends: I) -> Self {
        Self::new(sends.into_iter().collect())
    }
}

impl Serialize for SendHistory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sends.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SendHistory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(json.get().as_bytes()).map_err(D::Error::custom)
    }
}

impl FromJson for SendHistory {
    fn decode(json: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let json = repair_json(json);
        let mut oddities = Oddities::default();
        let mut sends = Vec::new();
        for (record, number) in json::array(&json, "a send history", &mut oddities)?
            .into_iter()
            .zip(1_usize..)
        {
            let place = || format!("record {number} of the send history");
            let mut odd_values = Oddities::default();
            match SendAttempt::read(record, &mut odd_values) {
                Ok(send) => {
                    oddities.add(odd_values, place);
                    sends.push(send);
                }
                Err(error) => oddities.record(|| format!("{} is {error}", place())),
            }
        }
        let value = Self::new(sends).with_unreadable(oddities.records, oddities.values);
        Ok(Decoded { value, oddities })
    }
}
