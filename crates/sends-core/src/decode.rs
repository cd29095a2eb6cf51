//! Reading a whole history, and saying which record and field stands in the way.
//!
//! Owns the place and the wording of a decode error, whatever the format. What a record may look like is
//! [`record`](crate::attempt::record)'s. Must not know what the attempts add up to.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_path_to_error::Segment;

use crate::SendAttempt;
use crate::attempt::record::{REQUIRED_FIELD, Record};
use crate::excerpt::excerpt;

/// Reads an array of send records in the order of the input.
pub(crate) fn decode<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<SendAttempt>, DecodeHistoryError> {
    let Records(records) =
        serde_path_to_error::deserialize(deserializer).map_err(DecodeHistoryError::from_tracked)?;
    let attempt = |(index, record): (usize, Record)| {
        record
            .into_attempt()
            .ok_or_else(|| DecodeHistoryError::missing_send_id(index))
    };
    records.into_iter().enumerate().map(attempt).collect()
}

struct Records(Vec<Record>);

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArrayVisitor;

        impl<'de> Visitor<'de> for ArrayVisitor {
            type Value = Records;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of send records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, records: A) -> Result<Records, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(records)).map(Records)
            }
        }

        deserializer.deserialize_seq(ArrayVisitor)
    }
}

/// Why something is not a [`SendHistory`](crate::SendHistory).
///
/// The message names the record, counted from 1 in the order of the input, and the field. It carries at most a short
/// excerpt of the input, with control characters escaped.
///
/// ```
/// use sends_core::SendHistory;
///
/// let error = SendHistory::from_json(br#"[{"send_id": 1}, {"count": 5}]"#).unwrap_err();
/// assert_eq!(error.to_string(), "record 2 of the send history, field send_id: it is missing or null");
/// assert_eq!(error.path(), "[1].send_id");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeHistoryError {
    path: String,
    /// Counted from 0, as in the path.
    record: Option<usize>,
    reason: String,
}

impl DecodeHistoryError {
    /// Where in the input the error is, such as `[1].send_id`; `.` when it concerns the input as a whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there, without the place.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn outside_records(error: &impl ToString) -> Self {
        Self {
            path: ".".to_string(),
            record: None,
            reason: shortened(error),
        }
    }

    fn from_tracked<E: fmt::Display>(error: serde_path_to_error::Error<E>) -> Self {
        let record = match error.path().iter().next() {
            Some(Segment::Seq { index }) => Some(*index),
            _ => None,
        };
        Self {
            path: excerpt(&error.path().to_string(), PATH_HEAD, PATH_TAIL),
            record,
            reason: shortened(&error.into_inner()),
        }
    }

    fn missing_send_id(index: usize) -> Self {
        Self {
            path: format!("[{index}].{REQUIRED_FIELD}"),
            record: Some(index),
            reason: "it is missing or null".to_string(),
        }
    }
}

impl fmt::Display for DecodeHistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(index) = self.record else {
            return write!(f, "not a send history: {}", self.reason);
        };
        write!(f, "record {} of the send history", index.saturating_add(1))?;
        let field = self.path.split_once("].").map_or("", |(_, field)| field);
        if !field.is_empty() {
            write!(f, ", field {field}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl core::error::Error for DecodeHistoryError {}

/// A parser's message may quote a whole value of the input, but tells at its end what was expected and where.
fn shortened(message: &impl ToString) -> String {
    excerpt(&message.to_string(), REASON_HEAD, REASON_TAIL)
}

const PATH_HEAD: usize = 60;
const PATH_TAIL: usize = 20;
const REASON_HEAD: usize = 80;
const REASON_TAIL: usize = 80;
