//! Reading single fields as liberally as the upstream writes them.
//!
//! Owns the forms of a date, of a count and of a list that are tolerated, and the one place where text is freed of its
//! HTML escapes. Must not know which record a field belongs to.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::excerpt::excerpt;

/// Any offset and up to nine digits of fraction; a date-time without an offset is no moment and is refused.
pub(crate) fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let quoted = excerpt(&text, EXCERPT_LENGTH, 0);
        D::Error::custom(format_args!(
            "\"{quoted}\" is not an RFC 3339 date-time with its offset"
        ))
    })
}

/// A text that people wrote and that may arrive HTML-escaped (observed), as they wrote it: `Friends & Family` for
/// `Friends &amp; Family`. Undone once, and only what is a complete entity, so that a lone `&` stays.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| html_escape::decode_html_entities(&text).into_owned()))
}

/// A list, of which an absent and a null one are the same as an empty one.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A whole number, or a string of its digits: the vendor's schema has the one and its guide the other.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let count = Option::<Count>::deserialize(deserializer)?;
    Ok(count.map(|Count(number)| number))
}

struct Count(i64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl Visitor<'_> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or a string of its digits")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
                Ok(Count(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
                number
                    .try_into()
                    .map(Count)
                    .map_err(|_| E::custom("the number is too large"))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
                text.parse().map(Count).map_err(|_| {
                    let quoted = excerpt(text, EXCERPT_LENGTH, 0);
                    E::custom(format_args!("\"{quoted}\" is not a whole number"))
                })
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

const EXCERPT_LENGTH: usize = 40;
