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
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::SendAttempt;
use crate::attempt::record::{REQUIRED_FIELD, Record};
use crate::excerpt::excerpt;

/// Reads one JSON text and nothing after it.
pub(crate) fn decode_json(json: &[u8]) -> Result<Vec<SendAttempt>, DecodeHistoryError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let sends = decode(&mut deserializer, describe_json_error)?;
    deserializer
        .end()
        .map_err(|error| DecodeHistoryError::new(None, "", &describe_json_error(&error)))?;
    Ok(sends)
}

/// Reads an array of send records in the order of the input.
pub(crate) fn decode<'de, D: Deserializer<'de>>(
    deserializer: D,
    describe: impl Fn(&D::Error) -> String,
) -> Result<Vec<SendAttempt>, DecodeHistoryError> {
    let Records(records) = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let (record, field) = place(error.path());
        DecodeHistoryError::new(record, &field, &describe(error.inner()))
    })?;
    let attempt = |(index, record): (usize, Record)| {
        record
            .into_attempt()
            .ok_or_else(|| DecodeHistoryError::new(Some(index), REQUIRED_FIELD, "it is missing or null"))
    };
    records.into_iter().enumerate().map(attempt).collect()
}

/// The parser's own words for a syntax error assume that the reader knows it is about syntax.
pub(crate) fn describe_json_error(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Syntax => format!("not valid JSON: {error}"),
        Category::Eof => format!("the JSON is cut off: {error}"),
        Category::Data | Category::Io => error.to_string(),
    }
}

/// The record's index and the field inside it, as far as they are known.
fn place(path: &Path) -> (Option<usize>, String) {
    let mut segments = path.iter();
    let Some(Segment::Seq { index: record }) = segments.next() else {
        return (None, String::new());
    };
    (Some(*record), field_name(segments))
}

/// A field's name as people write a path to it, such as `contact_list_ids[1]`.
pub(crate) fn field_name<'a>(segments: impl Iterator<Item = &'a Segment>) -> String {
    let mut field = String::new();
    for segment in segments {
        match segment {
            Segment::Seq { index } => field.extend(["[", &index.to_string(), "]"]),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(name);
            }
            Segment::Unknown => {}
        }
    }
    field
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
    /// Counted from 0, as in the path.
    record: Option<usize>,
    field: String,
    path: String,
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

    /// `field` is empty where the error concerns a record or the input as a whole.
    fn new(record: Option<usize>, field: &str, reason: &str) -> Self {
        let field = excerpt(field, FIELD_EXCERPT, 0);
        let path = match record {
            None => ".".into(),
            Some(index) if field.is_empty() => format!("[{index}]"),
            Some(index) => format!("[{index}].{field}"),
        };
        Self {
            record,
            field,
            path,
            reason: excerpt(reason, REASON_HEAD, REASON_TAIL),
        }
    }
}

impl fmt::Display for DecodeHistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            None => write!(f, "not a send history")?,
            Some(index) => write!(f, "record {} of the send history", index.saturating_add(1))?,
        }
        if !self.field.is_empty() {
            write!(f, ", field {}", self.field)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl core::error::Error for DecodeHistoryError {}

/// The name of a field that is not known is input as well.
const FIELD_EXCERPT: usize = 60;
/// A parser's message may quote a whole value, and tells at its end what was expected and where.
const REASON_HEAD: usize = 80;
const REASON_TAIL: usize = 80;
