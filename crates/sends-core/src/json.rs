//! Reading an answer of the upstream as a whole: what is no JSON of the documented shape at all.

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

/// What can be read from an answer of the upstream.
pub trait FromJson: Sized {
    /// Reads one JSON text, with what could not be read of it. Fields that are not known are passed over. What follows the
    /// text is ignored, and counts as one value that could not be read.
    ///
    /// An odd value costs itself: it is missing in its record, and counted. An odd record in an array costs itself, and is
    /// counted too. Inside strings, what is no character is read as U+FFFD.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are not JSON of the documented shape as a whole, and when the id is missing that a
    /// record hangs on.
    fn decode(json: &[u8]) -> Result<Decoded<Self>, DecodeError>;

    /// The same without what could not be read.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(json).map(|decoded| decoded.value)
    }
}

/// What can be read from an answer about one id.
pub trait FromJsonOf<Id>: Sized {
    /// Reads one JSON text as the answer about `asked`, by the rules of [`FromJson::decode`]. An answer that does not name
    /// its id, or in a form that cannot be read, is taken to be about that one.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are not JSON of the documented shape as a whole, and when the answer names another id.
    fn decode_of(asked: Id, json: &[u8]) -> Result<Decoded<Self>, DecodeError>;
}

/// Why an answer of the upstream is not what was asked for.
///
/// The message names what was to be read and the field. It carries at most a short excerpt of the input, with control
/// characters escaped.
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

    /// Whether the JSON ends too early, so that it may arrive whole another time.
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

/// The members of one object. `what` names it with its article.
pub(crate) fn object<'a>(
    json: &'a str,
    what: &'static str,
    oddities: &mut Oddities,
) -> Result<Fields<'a>, DecodeError> {
    Ok(Fields::new(first(json, what, oddities)?, what))
}

/// The elements of one array, unparsed.
pub(crate) fn array<'a>(
    json: &'a str,
    what: &'static str,
    oddities: &mut Oddities,
) -> Result<Vec<&'a str>, DecodeError> {
    let elements: Vec<&RawValue> = first(json, what, oddities)?;
    Ok(elements.into_iter().map(RawValue::get).collect())
}

/// The first value. Bytes that follow it are counted: as a record where they may hold one, such as a second array, and else as a
/// value, such as a stray NUL.
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
        if behind_first(json).contains('{') {
            oddities.record(note);
        } else {
            oddities.value(note);
        }
    }
    Ok(value)
}

/// What follows the first value.
fn behind_first(json: &str) -> &str {
    let json = json.trim_start();
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(first)) => &json[first.get().len()..],
        _ => "",
    }
}

/// The parser's own words for a syntax error assume that the reader knows it is about syntax.
fn describe(json: &str, error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Syntax if json.trim_start().starts_with('<') => {
            "it is an HTML or XML page instead of JSON".to_string()
        }
        Category::Syntax => format!("not valid JSON: {error}"),
        Category::Eof if json.trim().is_empty() => "the answer is empty".to_string(),
        Category::Eof => format!("the JSON is cut off: {error}"),
        Category::Data | Category::Io => error.to_string(),
    }
}

/// Reads a record that is one JSON object. The block has the object's fields and the oddities to add to.
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

/// A parser's message, like the name of a field that is not known, may quote a whole value.
const FIELD_EXCERPT: usize = 60;
const REASON_HEAD: usize = 80;
const REASON_TAIL: usize = 80;
