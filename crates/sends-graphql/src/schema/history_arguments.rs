//! The arguments that choose among the sends of a history, checked before anything is fetched.

use std::time::Duration;

use async_graphql::InputObject;
use sends_core::{ReasonCode, SendFilter, SendHistory};

use super::{
    ApiError,
    enums::{SendOrder, SendOutcome, SendStatus},
    scalar::DateTime,
};

/// Which sends to include. A send is included when it meets every condition that is given; an empty list is no condition.
#[derive(Debug, Default, InputObject)]
pub(super) struct SendHistoryFilter {
    /// Sends with one of these statuses.
    #[graphql(default)]
    statuses: Vec<SendStatus>,
    /// Sends with one of these outcomes.
    #[graphql(default)]
    outcomes: Vec<SendOutcome>,
    /// Sends with one of these reason codes, documented or not.
    #[graphql(default)]
    reason_codes: Vec<i32>,
    /// Sends that ran at this instant or later. A send without a date is left out.
    from: Option<DateTime>,
    /// Sends that ran before this instant. A send without a date is left out.
    until: Option<DateTime>,
}

impl SendHistoryFilter {
    fn check(self) -> Result<SendFilter, ApiError> {
        Ok(SendFilter {
            unfamiliar_status: self.statuses.contains(&SendStatus::Unknown),
            statuses: self.statuses.into_iter().filter_map(SendStatus::known).collect(),
            outcomes: self.outcomes.into_iter().map(Into::into).collect(),
            reason_codes: self.reason_codes.into_iter().map(ReasonCode::new).collect(),
            ..between(self.from, self.until)?
        })
    }
}

/// The condition on the date alone.
pub(super) fn between(from: Option<DateTime>, until: Option<DateTime>) -> Result<SendFilter, ApiError> {
    let (from, until) = (from.map(|date| date.at), until.map(|date| date.at));
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        return Err(ApiError::bad_user_input(
            "The filter's `from` must be earlier than its `until`.",
        ));
    }
    Ok(SendFilter {
        from,
        until,
        ..SendFilter::default()
    })
}

/// Reads a filter, which may have been left out.
pub(super) fn filter(filter: Option<SendHistoryFilter>) -> Result<SendFilter, ApiError> {
    filter.map_or_else(|| Ok(SendFilter::default()), SendHistoryFilter::check)
}

/// The places in the history of the sends that are included, in this order.
pub(super) fn choose(filter: &SendFilter, history: &SendHistory, order: SendOrder) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..history.len())
        .filter(|&place| filter.matches(&history.sends()[place]))
        .collect();
    if order == SendOrder::NewestFirst {
        chosen.reverse();
    }
    chosen
}

/// Reads a `maxAge` in seconds.
pub(super) fn max_age(seconds: Option<i32>) -> Result<Option<Duration>, ApiError> {
    let seconds = seconds.map(u64::try_from).transpose();
    let seconds = seconds.map_err(|_| ApiError::bad_user_input("`maxAge` must not be negative."))?;
    Ok(seconds.map(Duration::from_secs))
}

/// Which end of a list to keep.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Whole,
    First(usize),
    Last(usize),
}

/// Reads `first` and `last` together.
pub(super) fn part(first: Option<i32>, last: Option<i32>) -> Result<Part, ApiError> {
    let length = |name: &str, value: i32| {
        usize::try_from(value)
            .map_err(|_| ApiError::bad_user_input(format!("`{name}` must not be negative.")))
    };
    match (first, last) {
        (None, None) => Ok(Part::Whole),
        (Some(first), None) => Ok(Part::First(length("first", first)?)),
        (None, Some(last)) => Ok(Part::Last(length("last", last)?)),
        (Some(_), Some(_)) => Err(ApiError::bad_user_input(
            "Give either `first` or `last`, not both.",
        )),
    }
}

impl Part {
    pub(super) fn of<T>(self, items: &[T]) -> &[T] {
        match self {
            Self::Whole => items,
            Self::First(length) => &items[..length.min(items.len())],
            Self::Last(length) => &items[items.len().saturating_sub(length)..],
        }
    }
}
