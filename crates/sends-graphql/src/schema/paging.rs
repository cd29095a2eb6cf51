//! The arithmetic of the Relay cursor connections specification, apart from what is paged: which stretch of a list `first`,
//! `after`, `last` and `before` cut out, and whether there is more of it.
//!
//! A cursor holds a `sendId` and, where several sends of a history have it, which of them. It is a place in the order of the
//! sends rather than one of them, so it stays good when sends are added, and when the filter no longer includes the send it
//! was given out for.

use std::{fmt, ops::Range};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use sends_core::SendHistory;

use super::ApiError;

/// What a cursor says before it is made opaque.
const PREFIX: &str = "sendId:";

/// The place of a send in its history: its `sendId`, and how many sends before it have the same.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place {
    pub(super) send_id: i32,
    pub(super) repeat: usize,
}

/// The place as it is told within an id: the `sendId`, and for the second and later ones of that the number of it.
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
    /// The places of the sends of a history, which are in the order of their `sendId`.
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

    /// The cursor of the send.
    pub(super) fn cursor(self) -> String {
        let Self { send_id, repeat } = self;
        URL_SAFE_NO_PAD.encode(if repeat == 0 {
            format!("{PREFIX}{send_id}")
        } else {
            format!("{PREFIX}{send_id}:{repeat}")
        })
    }

    /// Reads what `Display` writes, in that spelling only: `+1`, `01` or `1:1` would be second keys of a send in a cache.
    pub(super) fn of_id(text: &str) -> Option<Self> {
        let (send_id, number) = text.split_once(':').unwrap_or((text, "1"));
        let place = Self {
            send_id: send_id.parse().ok()?,
            repeat: number.parse::<usize>().ok()?.checked_sub(1)?,
        };
        (place.to_string() == text).then_some(place)
    }

    /// The index of the send in its history.
    pub(super) fn index_in(self, history: &SendHistory) -> Option<usize> {
        let sends = history.sends();
        let first = sends.partition_point(|send| send.send_id < self.send_id);
        let index = first.checked_add(self.repeat)?;
        (sends.get(index)?.send_id == self.send_id).then_some(index)
    }

    fn read(cursor: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let place = text.strip_prefix(PREFIX)?;
        let (send_id, repeat) = place.split_once(':').unwrap_or((place, "0"));
        Some(Self {
            send_id: send_id.parse().ok()?,
            repeat: repeat.parse().ok()?,
        })
    }
}

/// The four arguments, as they came.
#[derive(Debug, Default)]
pub(super) struct PageArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
}

/// The four arguments, understood.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PageRequest {
    first: Option<usize>,
    after: Option<Place>,
    last: Option<usize>,
    before: Option<Place>,
}

/// A stretch of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Page {
    pub(super) places: Range<usize>,
    pub(super) has_previous: bool,
    pub(super) has_next: bool,
}

impl PageArguments {
    pub(super) fn check(&self) -> Result<PageRequest, ApiError> {
        Ok(PageRequest {
            first: length("first", self.first)?,
            after: place("after", self.after.as_deref())?,
            last: length("last", self.last)?,
            before: place("before", self.before.as_deref())?,
        })
    }
}

impl PageRequest {
    /// The page of a list of these places, in rising or in falling order.
    pub(super) fn of(self, places: &[Place], is_rising: bool) -> Page {
        let comes_before = |one: Place, other: Place| if is_rising { one < other } else { one > other };
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
        // The specification asks for `true` where it is cheap to know, and it is here; only the end that the caller pages
        // towards has to be right.
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

fn length(argument: &str, value: Option<i32>) -> Result<Option<usize>, ApiError> {
    let length = value.map(usize::try_from).transpose();
    length.map_err(|_| ApiError::bad_user_input(format!("`{argument}` must not be negative.")))
}

fn place(argument: &str, cursor: Option<&str>) -> Result<Option<Place>, ApiError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let message =
        || ApiError::bad_user_input(format!("`{argument}` must be a cursor that this list gave out."));
    Place::read(cursor).map(Some).ok_or_else(message)
}

#[cfg(test)]
mod tests;
