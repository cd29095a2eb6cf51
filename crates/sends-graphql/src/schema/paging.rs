//! Pagination as defined by the Relay cursor connections specification.
//!
//! A cursor of a history contains a `sendId`, and a repeat number if several sends have the same `sendId`. The cursor is a
//! position in the order of sends. It therefore remains valid when sends are added, and when the filter no longer matches its
//! send.

use std::{fmt, ops::Range};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use sends_core::SendHistory;

use super::ApiError;

/// Prefix of the text that a cursor encodes.
const PREFIX: &str = "sendId:";

/// Position of a send in its history: its `sendId`, and the number of earlier sends with the same `sendId`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place {
    pub(super) send_id: i32,
    pub(super) repeat: usize,
}

/// Formats the position for global ids and cursors: the `sendId`, followed by a number from 2 on for a repeated `sendId`.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { send_id, repeat } = self;
        match repeat {
            0 => write!(formatter, "{send_id}"),
            repeat => write!(formatter, "{send_id}:{}", repeat + 1),
        }
    }
}

impl Place {
    /// Returns the positions of all sends of a history, which is sorted by `sendId`.
    pub(super) fn all(history: &SendHistory) -> Vec<Self> {
        let mut places: Vec<Self> = Vec::with_capacity(history.len());
        for send in history {
            let same = places.last().filter(|before| before.send_id == send.send_id);
            places.push(Self {
                send_id: send.send_id,
                repeat: same.map_or(0, |before| before.repeat + 1),
            });
        }
        places
    }

    pub(super) fn cursor(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{PREFIX}{self}"))
    }

    /// Parses the output of `Display`. Other spellings, such as `+1`, `01` or `1:1`, are rejected, because a client cache would
    /// have two keys for one send.
    pub(super) fn of_id(text: &str) -> Option<Self> {
        let (send_id, number) = text.split_once(':').unwrap_or((text, "1"));
        let place = Self {
            send_id: send_id.parse().ok()?,
            repeat: number.parse::<usize>().ok()?.checked_sub(1)?,
        };
        (place.to_string() == text).then_some(place)
    }

    pub(super) fn index_in(self, history: &SendHistory) -> Option<usize> {
        let sends = history.sends();
        let first = sends.partition_point(|send| send.send_id < self.send_id);
        let index = first.checked_add(self.repeat)?;
        (sends.get(index)?.send_id == self.send_id).then_some(index)
    }

    fn read(cursor: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        Self::of_id(text.strip_prefix(PREFIX)?)
    }
}

/// Paging arguments before validation.
#[derive(Debug, Default)]
pub(super) struct PageArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
}

/// Validated paging arguments.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PageRequest {
    first: Option<usize>,
    after: Option<Place>,
    last: Option<usize>,
    before: Option<Place>,
}

/// Range of a list, with the flags of `PageInfo`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Page {
    pub(super) places: Range<usize>,
    pub(super) has_previous: bool,
    pub(super) has_next: bool,
}

impl PageArguments {
    /// Rejects `first` together with `last`, as all lists do: the Relay specification discourages the combination.
    pub(super) fn check(&self) -> Result<PageRequest, ApiError> {
        if self.first.is_some() && self.last.is_some() {
            return Err(ApiError::first_and_last());
        }
        Ok(PageRequest {
            first: length("first", self.first)?,
            after: cursor_argument("after", self.after.as_deref(), Place::read)?,
            last: length("last", self.last)?,
            before: cursor_argument("before", self.before.as_deref(), Place::read)?,
        })
    }
}

impl PageRequest {
    /// Computes the page of a list with these positions, which are in ascending or descending order.
    pub(super) fn of(self, places: &[Place], is_ascending: bool) -> Page {
        let comes_before = |one: Place, other: Place| if is_ascending { one < other } else { one > other };
        let length = places.len();
        let start = self.after.map_or(0, |after| {
            places.partition_point(|&id| id == after || comes_before(id, after))
        });
        let end = self.before.map_or(length, |before| {
            places.partition_point(|&id| comes_before(id, before))
        });
        let end = end.max(start);
        let between = end - start;
        let first_cut = self.first.map_or(end, |first| start + first.min(between));
        let kept = first_cut - start;
        let last_cut = self.last.map_or(start, |last| first_cut - last.min(kept));
        // As the Relay specification requires, the flag in the direction of paging considers only items between the cursors.
        Page {
            places: last_cut..first_cut,
            has_previous: match self.last {
                Some(last) => between > last,
                None => start > 0,
            },
            has_next: match self.first {
                Some(first) => between > first,
                None => end < length,
            },
        }
    }
}

pub(super) fn length(argument: &str, value: Option<i32>) -> Result<Option<usize>, ApiError> {
    let length = value.map(usize::try_from).transpose();
    length.map_err(|_| ApiError::bad_user_input(format!("`{argument}` must not be negative.")))
}

pub(super) fn limited_length(
    argument: &str,
    value: Option<i32>,
    max: usize,
) -> Result<Option<usize>, ApiError> {
    match value.map(usize::try_from) {
        None => Ok(None),
        Some(Ok(length)) if length <= max => Ok(Some(length)),
        Some(_) => Err(ApiError::bad_user_input(format!(
            "`{argument}` must be from 0 to {max}."
        ))),
    }
}

pub(super) fn cursor_argument<T>(
    argument: &str,
    cursor: Option<&str>,
    decode: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    let decode = |cursor| {
        let message =
            || format!("`{argument}` is not a cursor of this list. Use one that the list has returned.");
        decode(cursor).ok_or_else(|| ApiError::bad_user_input(message()))
    };
    cursor.map(decode).transpose()
}

#[cfg(test)]
mod tests;
