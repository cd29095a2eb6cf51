//! Send history of one activity. The upstream's records do not contain the id of the activity.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::{self, Vec};
use core::slice;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json_repair::repair_json;
use crate::{DecodeError, Decoded, FromJson, HistorySummary, Oddities, SendAttempt, json};

/// All attempts to send one email activity, in ascending order of `send_id`. Empty for an activity that was never sent.
///
/// The attempts are sorted on construction, although the upstream is documented to sort them. Attempts with the same `send_id`
/// remain in the upstream's order.
///
/// Serialisation produces the array of the upstream's response. Deserialisation supports only JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendHistory {
    sends: Vec<SendAttempt>,
    unreadable_sends: usize,
    unreadable_values: usize,
}

impl SendHistory {
    /// Creates a history and sorts its attempts.
    pub fn new(mut sends: Vec<SendAttempt>) -> Self {
        sends.sort_by_key(|send| send.send_id);
        Self {
            sends,
            unreadable_sends: 0,
            unreadable_values: 0,
        }
    }

    /// Sets the numbers of unreadable sends and values.
    #[must_use]
    pub fn with_unreadable(self, sends: usize, values: usize) -> Self {
        Self {
            unreadable_sends: sends,
            unreadable_values: values,
            ..self
        }
    }

    /// Decodes the upstream's response. A record without a readable `send_id` is omitted and [counted](Self::unreadable_sends).
    /// Any other unreadable value is `None` or omitted, and is [counted](Self::unreadable_values) as well.
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
    /// [`DecodeError`] if the bytes do not begin with a JSON array.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        <Self as FromJson>::from_json(json)
    }

    /// Returns the number of omitted records, which are not objects or have no readable `send_id`. Normally 0.
    pub fn unreadable_sends(&self) -> usize {
        self.unreadable_sends
    }

    /// Returns the number of unreadable values of the attempts. Bytes after the array count as one value. Normally 0.
    pub fn unreadable_values(&self) -> usize {
        self.unreadable_values
    }

    /// Returns the attempts in ascending order of `send_id`.
    pub fn sends(&self) -> &[SendAttempt] {
        &self.sends
    }

    /// Consumes the history and returns the attempts in ascending order of `send_id`.
    pub fn into_sends(self) -> Vec<SendAttempt> {
        self.sends
    }

    /// Returns the attempt with the greatest `send_id`, or `None` for an empty history.
    pub fn latest(&self) -> Option<&SendAttempt> {
        self.sends.last()
    }

    /// Returns the number of attempts.
    pub fn len(&self) -> usize {
        self.sends.len()
    }

    /// Returns whether the history has no attempts.
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    /// Returns an iterator over the attempts in ascending order of `send_id`.
    pub fn iter(&self) -> slice::Iter<'_, SendAttempt> {
        self.sends.iter()
    }

    /// Returns the totals of the attempts.
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
