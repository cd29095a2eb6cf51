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

    pub(super) fn zoned(at: Timestamp, zone: &tz::TimeZone) -> Self {
        Self {
            at,
            offset: zone.to_offset(at),
        }
    }
}

/// Instant as an RFC 3339 string with milliseconds and an offset. Results use the offset of the field's `zone` argument, for
/// example `2019-04-18T20:03:08.000Z` or `2019-04-18T16:03:08.000-04:00`. Arguments may have any offset.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        // The parser's error text is replaced, because it would be published.
        match value {
            Value::String(text) => text
                .parse()
                .map(Self::utc)
                .map_err(|_| InputValueError::custom(DATE_TIME)),
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
            Value::String(text) => text
                .parse()
                .map(Self)
                .map_err(|_| InputValueError::custom("expected a date such as \"2026-01-31\"")),
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

/// Time zone: `UTC`, `ACCOUNT` for the time zone of the Constant Contact account, or an IANA name such as `America/New_York`.
/// `ACCOUNT` requires the scope `account_read` and one upstream call per operation. If the account cannot be read, the fields
/// with this argument are null, with a single error for the operation.
#[Scalar]
impl ScalarType for TimeZone {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(name) => Ok(match name.as_str() {
                "UTC" => Self::Utc,
                "ACCOUNT" => Self::Account,
                name => tz::TimeZone::get(name)
                    .map(Self::Iana)
                    .map_err(|_| InputValueError::custom(TIME_ZONE))?,
            }),
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

/// Converts the length of an in-memory collection, which is far below the maximum of `Int`.
pub(super) fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zone_names_are_canonical() {
        for (name, read) in [
            ("UTC", "UTC"),
            ("ACCOUNT", "ACCOUNT"),
            ("asia/tokyo", "Asia/Tokyo"),
        ] {
            let zone = TimeZone::parse(name.into()).unwrap();
            assert_eq!(zone.to_value(), Value::from(read));
        }
        for wrong in ["", "account", "Nowhere/Else", "+02:00"] {
            assert_eq!(check("TimeZone", || wrong.into()), Err(TIME_ZONE), "{wrong}");
        }
        let value = || Value::Enum(async_graphql::Name::new("UTC"));
        assert_eq!(check("TimeZone", value), Err(TIME_ZONE));
    }
}
