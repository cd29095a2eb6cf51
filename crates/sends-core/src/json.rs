//! Decoding of complete upstream responses, and the decode error.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::excerpt::excerpt;
use crate::fields::Fields;
use crate::{Decoded, Oddities};

/// Model that can be decoded from an upstream response.
pub trait FromJson: Sized {
    /// Decodes one JSON text. Unknown fields are ignored. Bytes after the text are ignored as well, but count as one unreadable
    /// record if they may contain a record, and otherwise as one unreadable value.
    ///
    /// An unreadable value is `None` or omitted, and counted. An unreadable record of an array is omitted and counted. Invalid
    /// characters in strings are replaced by U+FFFD.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not JSON of the documented shape or lack a required id.
    fn decode(json: &[u8]) -> Result<Decoded<Self>, DecodeError>;

    /// Decodes one JSON text and returns only the value of [`decode`](Self::decode).
    ///
    /// # Errors
    ///
    /// Same as for [`decode`](Self::decode).
    fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(json).map(|decoded| decoded.value)
    }
}

/// Model that can be decoded from the response to a request for one id.
pub trait FromJsonOf<Id>: Sized {
    /// Decodes the response to a request for `requested`, by the rules of [`FromJson::decode`]. If the response has no readable
    /// id, `requested` is used.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not JSON of the documented shape, or if the response has another id.
    fn decode_of(requested: Id, json: &[u8]) -> Result<Decoded<Self>, DecodeError>;
}

/// Error returned when a response cannot be decoded.
///
/// The message contains the model, the field, and a short excerpt of the input with control characters escaped.
///
/// ```
/// use sends_core::{Campaign, FromJson};
///
/// let error = Campaign::from_json(br#"{"campaign_id": "82ee2c37"}"#).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "not a campaign, field campaign_id: \"82ee2c37\" is not a campaign id, which is a UUID",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    what: &'static str,
    field: String,
    reason: String,
    is_cut_off: bool,
}

impl DecodeError {
    pub(crate) fn new(what: &'static str, field: &str, reason: &str) -> Self {
        Self {
            what,
            field: excerpt(field, FIELD_EXCERPT, 0),
            reason: excerpt(reason, REASON_HEAD, REASON_TAIL),
            is_cut_off: false,
        }
    }

    /// Returns whether the JSON is cut off, so that a retry may succeed.
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}", self.what)?;
        if !self.field.is_empty() {
            write!(f, ", field {}", self.field)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl core::error::Error for DecodeError {}

/// Parses an object. `what` is the name of the object in error messages, including the article.
pub(crate) fn object<'a>(
    json: &'a str,
    what: &'static str,
    oddities: &mut Oddities,
) -> Result<Fields<'a>, DecodeError> {
    Ok(Fields::new(first(json, what, oddities)?, what))
}

/// Parses an array and leaves its elements unparsed.
pub(crate) fn array<'a>(
    json: &'a str,
    what: &'static str,
    oddities: &mut Oddities,
) -> Result<Vec<&'a str>, DecodeError> {
    let elements: Vec<&RawValue> = first(json, what, oddities)?;
    Ok(elements.into_iter().map(RawValue::get).collect())
}

/// Deserialises the first value. The bytes after the value count as one unreadable record if they may contain a record, such as a
/// second array. Otherwise, for example for a NUL byte, they count as one unreadable value.
fn first<'a, T: Deserialize<'a>>(
    json: &'a str,
    what: &'static str,
    oddities: &mut Oddities,
) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = T::deserialize(&mut deserializer).map_err(|error| DecodeError {
        is_cut_off: error.is_eof(),
        ..DecodeError::new(what, "", &describe(json, &error))
    })?;
    if deserializer.end().is_err() {
        let note = || format!("{what} is followed by other bytes");
        if after_first(json).contains('{') {
            oddities.record(note);
        } else {
            oddities.value(note);
        }
    }
    Ok(value)
}

fn after_first(json: &str) -> &str {
    let json = json.trim_start();
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(first)) => &json[first.get().len()..],
        _ => "",
    }
}

/// Returns the message of a parser error. A syntax error is prefixed because its own message does not mention JSON.
fn describe(json: &str, error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Syntax if json.trim_start().starts_with('<') => {
            "an HTML or XML page instead of JSON".to_string()
        }
        Category::Syntax => format!("not valid JSON: {error}"),
        Category::Eof if json.trim().is_empty() => "the response is empty".to_string(),
        Category::Eof => format!("the JSON is cut off: {error}"),
        Category::Data | Category::Io => error.to_string(),
    }
}

/// Implements [`FromJson`] for a record that is a JSON object. The block receives the fields and the [`Oddities`] to update.
macro_rules! read_as_object {
    ($($record:ty = $what:literal, |$fields:ident, $oddities:ident| $read:block)+) => {
        $( impl crate::FromJson for $record {
            fn decode(json: &[u8]) -> Result<crate::Decoded<Self>, crate::DecodeError> {
                let json = crate::json_repair::repair_json(json);
                let mut all_oddities = crate::Oddities::default();
                let $oddities = &mut all_oddities;
                let $fields = crate::json::object(&json, $what, $oddities)?;
                let value = $read;
                Ok(crate::Decoded { value, oddities: all_oddities })
            }
        } )+
    };
}

pub(crate) use read_as_object;

/// Maximum lengths of excerpts, in characters. A parser message or a field name may contain a whole value.
const FIELD_EXCERPT: usize = 60;
const REASON_HEAD: usize = 80;
const REASON_TAIL: usize = 80;
