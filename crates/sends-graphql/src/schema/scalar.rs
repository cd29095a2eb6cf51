//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};

use super::ApiError;

/// An instant as RFC 3339 text with milliseconds. Answers are in UTC, such as `2019-04-18T20:03:08.000Z`, unless a field
/// is asked for the account's zone: `2019-04-18T16:03:08.000-04:00`. Arguments may carry any offset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct DateTime {
    pub(super) at: Timestamp,
    offset: Offset,
}

impl DateTime {
    /// In UTC.
    pub(super) fn utc(at: Timestamp) -> Self {
        Self {
            at,
            offset: Offset::UTC,
        }
    }

    /// As the clocks of a zone show it.
    pub(super) fn zoned(at: Timestamp, zone: &TimeZone) -> Self {
        Self {
            at,
            offset: zone.to_offset(at),
        }
    }
}

/// An instant as RFC 3339 text with milliseconds. Answers are in UTC, such as `2019-04-18T20:03:08.000Z`, unless a field
/// is asked for the account's zone: `2019-04-18T16:03:08.000-04:00`. Arguments may carry any offset.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = value else {
            return Err(InputValueError::expected_type(value));
        };
        // The library would publish the text of the parser's error, so it is replaced by words of ours.
        text.parse().map(Self::utc).map_err(|_| {
            InputValueError::custom("expected a date, time and offset such as 2026-01-31T12:00:00Z")
        })
    }

    fn to_value(&self) -> Value {
        let text = if self.offset.is_zero() {
            format!("{:.3}", self.at)
        } else {
            format!("{:.3}", self.at.display_with_offset(self.offset))
        };
        Value::String(text)
    }
}

/// A whole number of 64 bits, for what Constant Contact counts: from -9223372036854775808 to 9223372036854775807, as a JSON
/// number. JavaScript's numbers are exact up to 2^53 only; counts of contacts stay far below that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Long(pub(super) i64);

/// A whole number of 64 bits, for what Constant Contact counts: from -9223372036854775808 to 9223372036854775807, as a JSON
/// number. JavaScript's numbers are exact up to 2^53 only; counts of contacts stay far below that.
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

/// A number for a field of type `Int`, which GraphQL limits to 32 bits.
pub(super) fn int(field: &str, value: impl TryInto<i32>) -> Result<i32, ApiError> {
    value.try_into().map_err(|_| ApiError::out_of_range(field))
}

/// The length of something held in memory, which is far below the limit of `Int`.
pub(super) fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
