//! Lenient decoding of single values: every unambiguous notation is accepted.
//!
//! An integer may be `2`, `"2"` or `2.0`, and a date any variant of RFC 3339 with an offset ([`date`](self::date)). Ambiguous
//! notations are unreadable:
//! - a date without an offset, because its zone is not documented;
//! - a number for a date, because it may be in seconds or milliseconds;
//! - a string for a boolean.

mod date;

use alloc::borrow::Cow;
use alloc::string::String;

use jiff::Timestamp;

use crate::open_enum::{OpenSet, Verbatim};
use crate::{ActivityId, CampaignId, ListId, ReasonCode, SegmentId};

/// Value that can be decoded from one JSON value other than `null`.
pub(crate) trait Lenient: Sized {
    /// Name of the expected value in error messages, with its article.
    const EXPECTED: &'static str;

    /// Returns `None` when the value is unreadable.
    fn read(json: &str) -> Option<Self>;
}

impl Lenient for i64 {
    const EXPECTED: &'static str = "a 64-bit integer";

    fn read(json: &str) -> Option<Self> {
        let text = text(json);
        whole(text.as_deref().unwrap_or(json))
    }
}

/// Parses an integer from a JSON number or the contents of a JSON string. Counts are numbers in the vendor's schema and strings
/// in its guide.
fn whole(number: &str) -> Option<i64> {
    let digits = number.strip_prefix('-').unwrap_or(number);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.parse().ok();
    }
    let is_number = |byte: u8| byte.is_ascii_digit() || b".eE+-".contains(&byte);
    let float: f64 = digits.bytes().all(is_number).then(|| number.parse().ok())??;
    integral(float)
}

/// Rejects floats beyond 2^53, which may be rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "both conversions are exact up to 2^53, and larger values are rejected"
)]
fn integral(float: f64) -> Option<i64> {
    let whole = float as i64;
    (whole.unsigned_abs() <= 1 << 53 && whole as f64 == float).then_some(whole)
}

/// Count of at least 0. The meaning of a negative count is not documented.
pub(crate) struct Count(pub(crate) i64);

impl Lenient for Count {
    const EXPECTED: &'static str = "a 63-bit integer of at least 0";

    fn read(json: &str) -> Option<Self> {
        i64::read(json).filter(|&count| count >= 0).map(Self)
    }
}

impl Lenient for i32 {
    const EXPECTED: &'static str = "a 32-bit integer";

    fn read(json: &str) -> Option<Self> {
        i64::read(json)?.try_into().ok()
    }
}

impl Lenient for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(json: &str) -> Option<Self> {
        json.parse().ok()
    }
}

impl Lenient for String {
    const EXPECTED: &'static str = "a string";

    fn read(json: &str) -> Option<Self> {
        text(json).map(Cow::into_owned)
    }
}

/// String with decoded HTML entities. The upstream sends entities in names (observed), such as `Friends &amp; Family`. Entities
/// are decoded once and only if they are complete, so a single `&` is preserved.
pub(crate) struct Prose(pub(crate) String);

impl Lenient for Prose {
    const EXPECTED: &'static str = String::EXPECTED;

    fn read(json: &str) -> Option<Self> {
        let text = text(json)?;
        Some(Self(html_escape::decode_html_entities(&text).into_owned()))
    }
}

impl Lenient for Timestamp {
    const EXPECTED: &'static str = "an RFC 3339 date-time with its offset";

    fn read(json: &str) -> Option<Self> {
        date::read(&text(json)?)
    }
}

/// Implements [`Lenient`] for types that are parsed from a string.
macro_rules! from_text {
    ($($type:ty, $expected:literal, $read:expr;)+) => {
        $( impl Lenient for $type {
            const EXPECTED: &'static str = $expected;

            fn read(json: &str) -> Option<Self> {
                let text = text(json)?;
                ($read)(&text)
            }
        } )+
    };
}

from_text! {
    CampaignId, "a campaign id, which is a UUID", |text: &str| text.parse().ok();
    ActivityId, "an activity id, which is a UUID", |text: &str| text.parse().ok();
    ListId, "the id of a contact list", |text: &str| Some(Self::from(text));
}

impl<T: OpenSet> Lenient for Verbatim<T> {
    const EXPECTED: &'static str = String::EXPECTED;

    fn read(json: &str) -> Option<Self> {
        text(json).map(|text| Self::from(&*text))
    }
}

impl Lenient for SegmentId {
    const EXPECTED: &'static str = i64::EXPECTED;

    fn read(json: &str) -> Option<Self> {
        i64::read(json).map(Self::new)
    }
}

impl Lenient for ReasonCode {
    const EXPECTED: &'static str = i32::EXPECTED;

    fn read(json: &str) -> Option<Self> {
        i32::read(json).map(Self::new)
    }
}

fn text(json: &str) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    if !json.starts_with('"') {
        return None;
    }
    serde_json::from_str(json).ok().map(|Text(text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_is_read_in_every_unambiguous_form() {
        for (json, number) in [
            ("2", Some(2)),
            ("-2", Some(-2)),
            ("\"2\"", Some(2)),
            ("2.0", Some(2)),
            ("\"2.0\"", Some(2)),
            ("2e3", Some(2_000)),
            ("-0", Some(0)),
            ("9223372036854775807", Some(i64::MAX)),
            ("\"-9223372036854775808\"", Some(i64::MIN)),
            ("9007199254740992.0", Some(1 << 53)),
            ("9007199254740994.0", None),
            ("9223372036854775808", None),
            ("2.5", None),
            ("1e999", None),
            ("\"\"", None),
            ("\" 2\"", None),
            ("\"+2\"", None),
            ("\"2,000\"", None),
            ("\"0x2\"", None),
            ("\"NaN\"", None),
            ("\"inf\"", None),
            ("\"two\"", None),
            ("true", None),
            ("[2]", None),
            ("{}", None),
        ] {
            assert_eq!(i64::read(json), number, "{json}");
        }
        let count = |json| Count::read(json).map(|Count(count)| count);
        assert_eq!(
            (count("0"), count("\"2\""), count("-1")),
            (Some(0), Some(2), None)
        );
        assert_eq!(i32::read("2147483647"), Some(i32::MAX));
        assert_eq!(i32::read("2147483648"), None);
    }

    #[test]
    fn ambiguous_date_is_rejected() {
        for json in [
            "\"\"",
            "\"soon\"",
            "\"1555617788000\"",
            "1555617788",
            "1555617788000",
            "true",
            "[\"2019-04-18T20:03:08Z\"]",
            "{}",
        ] {
            assert_eq!(Timestamp::read(json), None, "{json}");
        }
    }

    #[test]
    fn value_of_another_type_is_rejected() {
        for json in ["\"true\"", "1", "\"\"", "[true]"] {
            assert_eq!(bool::read(json), None, "{json}");
        }
        for json in ["7", "true", "[\"a\"]", "{\"a\": \"b\"}"] {
            assert_eq!(String::read(json), None, "{json}");
            assert_eq!(ListId::read(json), None, "{json}");
        }
        assert_eq!(CampaignId::read("\"82ee2c37-c8f8-4974-9560-ef93ad51d58z\""), None);
    }
}
