//! Reading one JSON object of the upstream, and saying which field stands in the way.
//!
//! Owns the door by which everything but a send history comes in, and its error. What a record may look like is the
//! record's, how a listing is read is [`page`](crate::page)'s.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::decode::{describe_json_error, field_name};
use crate::excerpt::excerpt;

/// What can be read from an answer of the upstream.
pub trait FromJson: Sized {
    /// Reads one JSON text and nothing after it. Fields that are not known are passed over.
    ///
    /// # Errors
    ///
    /// When the bytes are not JSON of the documented shape, when an id that everything hangs on is missing, and when a field
    /// that is present is not of its documented type.
    fn from_json(json: &[u8]) -> Result<Self, DecodeError>;
}

/// Why an answer of the upstream is not what was asked for.
///
/// The message names what was to be read and the field. It carries at most a short excerpt of the input, with control
/// characters escaped.
///
/// ```
/// use sends_core::{Campaign, FromJson};
///
/// let error = Campaign::from_json(br#"{"campaign_id": "cafe1ead-0000-4000-8000-000000000001", "created_at": "now"}"#)
///     .unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "not a campaign, field created_at: \"now\" is not an RFC 3339 date-time with its offset at line 1 column 76",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    what: &'static str,
    field: String,
    reason: String,
}

impl DecodeError {
    pub(crate) fn new(what: &'static str, field: &str, reason: &str) -> Self {
        Self {
            what,
            field: excerpt(field, FIELD_EXCERPT, 0),
            reason: excerpt(reason, REASON_HEAD, REASON_TAIL),
        }
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

/// Reads one object. `what` names it with its article.
pub(crate) fn object<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    what: &'static str,
) -> Result<T, DecodeError> {
    whole(json, what).map(|Object(value)| value)
}

/// Reads an array of objects, every one of which has to be readable.
pub(crate) fn array<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    what: &'static str,
) -> Result<Vec<T>, DecodeError> {
    let objects: Vec<Object<T>> = whole(json, what)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

fn whole<'de, T: Deserialize<'de>>(json: &'de [u8], what: &'static str) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = field_name(error.path().iter());
        DecodeError::new(what, &field, &describe_json_error(error.inner()))
    })?;
    deserializer
        .end()
        .map_err(|error| DecodeError::new(what, "", &describe_json_error(&error)))?;
    Ok(value)
}

/// A derived implementation would also take an array for a record, by the order of the fields; this one does not.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Lets a record that is one JSON object in through [`object`].
macro_rules! read_as_object {
    ($($record:ty = $what:literal,)+) => {
        $( impl crate::FromJson for $record {
            fn from_json(json: &[u8]) -> Result<Self, crate::DecodeError> {
                crate::json::object(json, $what)
            }
        } )+
    };
}

pub(crate) use read_as_object;

/// A parser's message, like the name of a field that is not known, may quote a whole value.
const FIELD_EXCERPT: usize = 60;
const REASON_HEAD: usize = 80;
const REASON_TAIL: usize = 80;
