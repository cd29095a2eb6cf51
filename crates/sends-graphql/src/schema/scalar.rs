//! Custom scalars.

mod rfc3339;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::{
    Timestamp, civil,
    tz::{self, Offset},
};

const DATE_TIME: &str = "expected a date, time and offset such as \"2026-01-31T12:00:00Z\"";
const TIME_ZONE: &str =
    "expected \"UTC\", \"ACCOUNT\" or the IANA name of a time zone such as \"America/New_York\"";

/// Validates a literal or variable of a custom scalar before the operation is executed. The error describes the expected value.
pub(crate) fn check(name: &str, value: impl FnOnce() -> Value) -> Result<(), &'static str> {
    match name {
        "DateTime" => DateTime::parse(value()).map(drop).map_err(|_| DATE_TIME),
        "TimeZone" => TimeZone::parse(value()).map(drop).map_err(|_| TIME_ZONE),
        _ => Ok(()),
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct DateTime {
    pub(super) at: Timestamp,
    offset: Offset,
}

impl DateTime {
    pub(super) fn utc(at: Timestamp) -> Self {
        Self {
            at,
            offset: Offset::UTC,
        }
    }

    /// With the offset that a time zone has at this instant, rounded to a minute: RFC 3339 has no seconds in offsets, which
    /// time zones had until 1972. The instant remains exact.
    pub(super) fn zoned(at: Timestamp, zone: &tz::TimeZone) -> Self {
        let offset = zone.to_offset(at);
        let minutes = (offset.seconds() + 30).div_euclid(60);
        Self {
            at,
            offset: Offset::from_seconds(minutes * 60).unwrap_or(offset),
        }
    }
}

/// Instant as an RFC 3339 string with milliseconds and an offset. Results use the offset of the field's `zone` argument, for
/// example `2019-04-18T20:03:08.000Z` or `2019-04-18T16:03:08.000-04:00`. Arguments may have any offset and up to nine decimal
/// places; further places are ignored. `T` and `Z` may be in lower case, and a space instead of `T` is rejected. A leap second
/// counts as the second before it. The maximum is `9999-12-30T22:00:00Z`.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => rfc3339::parse(&text)
                .map(Self::utc)
                .ok_or_else(|| InputValueError::custom(DATE_TIME)),
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(if self.offset.is_zero() {
            format!("{:.3}", self.at)
        } else {
            format!("{:.3}", self.at.display_with_offset(self.offset))
        })
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Date(pub(super) civil::Date);

/// Calendar date as an RFC 3339 string that has no time or offset, such as `2019-04-18`.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => {
                let date = text
                    .parse()
                    .ok()
                    .filter(|date: &civil::Date| date.to_string() == text);
                let error = || InputValueError::custom("expected a date such as \"2026-01-31\"");
                date.map(Self).ok_or_else(error)
            }
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum TimeZone {
    #[default]
    Utc,
    /// Time zone of the Constant Contact account, which has to be read first.
    Account,
    Iana(tz::TimeZone),
}

/// Time zone: `UTC`, `ACCOUNT` for the time zone of the Constant Contact account, or an IANA name such as `America/New_York`, in
/// upper or lower case. `ACCOUNT` needs the scope `account_read` and one upstream call per operation. If the account cannot be
/// read, the values that need the time zone are null, with a single error for the operation: dates with this argument, and
/// `groups` and `groupCount` of `sendTotals` by day, week or month.
#[Scalar]
impl ScalarType for TimeZone {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(name) if name.eq_ignore_ascii_case("UTC") => Ok(Self::Utc),
            Value::String(name) if name.eq_ignore_ascii_case("ACCOUNT") => Ok(Self::Account),
            Value::String(name) => match time_zone(&name) {
                Some(zone) => Ok(Self::Iana(zone)),
                None => Err(InputValueError::custom(TIME_ZONE)),
            },
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(match self {
            Self::Utc => "UTC",
            Self::Account => "ACCOUNT",
            Self::Iana(zone) => zone.iana_name().unwrap_or("UTC"),
        })
    }
}

/// The time zone with this IANA name, in upper or lower case. `None` for the placeholders of an unknown time zone.
pub(super) fn time_zone(name: &str) -> Option<tz::TimeZone> {
    const PLACEHOLDERS: [&str; 2] = ["Etc/Unknown", "Factory"];
    let is_placeholder = |placeholder: &&str| placeholder.eq_ignore_ascii_case(name);
    if PLACEHOLDERS.iter().any(is_placeholder) {
        return None;
    }
    tz::TimeZone::get(name).ok()
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Long(pub(super) i64);

/// 64-bit signed integer as a JSON number. JavaScript represents integers exactly only up to 2^53, which is far above any number
/// in this schema.
#[Scalar(specified_by_url = "https://ibm.github.io/graphql-specs/custom-scalars/long.html")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let number = number.as_i64().map(Self);
        number.ok_or_else(|| InputValueError::custom("expected a whole number of 64 bits"))
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

impl From<u64> for Long {
    fn from(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Long {
    fn from(number: usize) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zone_names_are_case_insensitive() {
        for (name, read) in [
            ("UTC", "UTC"),
            ("utc", "UTC"),
            ("ACCOUNT", "ACCOUNT"),
            ("account", "ACCOUNT"),
            ("asia/tokyo", "Asia/Tokyo"),
        ] {
            let zone = TimeZone::parse(name.into()).unwrap();
            assert_eq!(zone.to_value(), Value::from(read));
        }
        for wrong in [
            "",
            "Nowhere/Else",
            "+02:00",
            "Etc/Unknown",
            "etc/unknown",
            "Factory",
            "FACTORY",
        ] {
            assert_eq!(check("TimeZone", || wrong.into()), Err(TIME_ZONE), "{wrong}");
        }
        let value = || Value::Enum(async_graphql::Name::new("UTC"));
        assert_eq!(check("TimeZone", value), Err(TIME_ZONE));
    }

    #[test]
    fn offset_of_a_result_has_whole_minutes_and_its_instant_is_exact() {
        let at: Timestamp = "1880-01-01T12:00:00Z".parse().unwrap();
        let Value::String(text) = DateTime::zoned(at, &time_zone("America/New_York").unwrap()).to_value()
        else {
            panic!("no text");
        };
        assert_eq!(text, "1880-01-01T07:04:00.000-04:56");
        assert_eq!(rfc3339::parse(&text), Some(at));
    }

    #[test]
    fn dates_have_one_format() {
        let parse = |text: &str| Date::parse(text.into()).is_ok();
        assert!(parse("2026-01-31"));
        for wrong in ["20260131", "2026-01-31T12:00:00", "2026-1-31", "+002026-01-31"] {
            assert!(!parse(wrong), "{wrong}");
        }
    }
}
