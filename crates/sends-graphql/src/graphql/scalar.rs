//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::Timestamp;

use super::ApiError;

/// An instant as RFC 3339 text. Answers are in UTC with milliseconds, such as `2019-04-18T20:03:08.000Z`; arguments may
/// carry any offset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct DateTime(pub(super) Timestamp);

/// An instant as RFC 3339 text. Answers are in UTC with milliseconds, such as `2019-04-18T20:03:08.000Z`; arguments may
/// carry any offset.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = value else {
            return Err(InputValueError::expected_type(value));
        };
        // The library would publish the text of the parser's error, so it is replaced by words of ours.
        text.parse().map(Self).map_err(|_| {
            InputValueError::custom("expected a date, time and offset such as 2026-01-31T12:00:00Z")
        })
    }

    fn to_value(&self) -> Value {
        Value::String(format!("{:.3}", self.0))
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
