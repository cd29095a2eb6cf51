//! Arguments that select sends of a history. They are validated before any data is read.

use std::time::Duration;

use async_graphql::{ID, InputObject};
use jiff::Timestamp;
use sends_core::{ReasonCode, SendFilter, SendHistory};

use super::{
    ApiError,
    enums::{ReasonCategory, SendOrder, SendOutcome, SendStatus},
    node,
    paging::length,
    scalar::DateTime,
};

/// Filter for sends. A send must meet all conditions. An empty list imposes no condition.
#[derive(Debug, Default, InputObject)]
pub(super) struct SendHistoryFilter {
    /// Earliest `runDate`, inclusive. Excludes sends without a date.
    from: Option<DateTime>,
    /// Latest `runDate`, exclusive. Excludes sends without a date.
    until: Option<DateTime>,
    /// Outcomes to include.
    #[graphql(default)]
    outcomes: Vec<SendOutcome>,
    /// Statuses to include.
    #[graphql(default)]
    statuses: Vec<SendStatus>,
    /// Reason codes to include, whether documented or not.
    #[graphql(default)]
    reason_codes: Vec<i32>,
    /// Reason categories to include. `UNKNOWN` matches undocumented codes. Excludes sends without a code.
    #[graphql(default)]
    reason_categories: Vec<ReasonCategory>,
    /// Contact lists to include, by `listId` or `id`.
    #[graphql(default)]
    contact_list_ids: Vec<ID>,
    /// Segments to include, by `segmentId` or `id`.
    #[graphql(default)]
    segment_ids: Vec<ID>,
}

impl SendHistoryFilter {
    pub(super) fn check(self) -> Result<SendFilter, ApiError> {
        let (from, until) = period("from", self.from, "until", self.until)?;
        Ok(SendFilter {
            from,
            until,
            unfamiliar_status: self.statuses.contains(&SendStatus::Unknown),
            statuses: self.statuses.into_iter().filter_map(SendStatus::known).collect(),
            outcomes: self.outcomes.into_iter().map(Into::into).collect(),
            reason_codes: self.reason_codes.into_iter().map(ReasonCode::new).collect(),
            reason_categories: self.reason_categories.into_iter().map(Into::into).collect(),
            contact_lists: self
                .contact_list_ids
                .iter()
                .map(node::list_id)
                .collect::<Result<_, _>>()?,
            segments: self
                .segment_ids
                .iter()
                .map(node::segment_id)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Validates a period, which includes `from` and excludes `until`.
pub(super) fn period(
    from_name: &str,
    from: Option<DateTime>,
    until_name: &str,
    until: Option<DateTime>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let (from, until) = (from.map(|date| date.at), until.map(|date| date.at));
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        let message =
            format!("Empty period: `{from_name}` of the filter must be earlier than `{until_name}`.");
        return Err(ApiError::bad_user_input(message));
    }
    Ok((from, until))
}

/// Returns the indexes of the matching sends in the history, in the requested order.
pub(super) fn choose(filter: &SendFilter, history: &SendHistory, order: SendOrder) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..history.len())
        .filter(|&index| filter.matches(&history.sends()[index]))
        .collect();
    if order == SendOrder::NewestFirst {
        chosen.reverse();
    }
    chosen
}

pub(super) fn max_age(seconds: Option<i32>) -> Result<Option<Duration>, ApiError> {
    let seconds = seconds.map(u64::try_from).transpose();
    let seconds = seconds.map_err(|_| ApiError::bad_user_input("`maxAge` must not be negative."))?;
    Ok(seconds.map(Duration::from_secs))
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Whole,
    First(usize),
    Last(usize),
}

impl Part {
    /// Validates `first` and `last`, which exclude each other.
    pub(super) fn new(first: Option<i32>, last: Option<i32>) -> Result<Self, ApiError> {
        match (length("first", first)?, length("last", last)?) {
            (None, None) => Ok(Self::Whole),
            (Some(first), None) => Ok(Self::First(first)),
            (None, Some(last)) => Ok(Self::Last(last)),
            (Some(_), Some(_)) => Err(ApiError::first_and_last()),
        }
    }

    pub(super) fn of<T>(self, items: &[T]) -> &[T] {
        match self {
            Self::Whole => items,
            Self::First(length) => &items[..length.min(items.len())],
            Self::Last(length) => &items[items.len().saturating_sub(length)..],
        }
    }
}
