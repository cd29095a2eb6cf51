//! Limit per UTC day: the calls of this process, the ledger's count, and the entries that the ledger lacks.

use std::{collections::VecDeque, time::Duration};

use jiff::{Timestamp, civil::Date, tz::Offset};
use tokio::time::Instant;

use super::Limits;
use crate::{Clock, Priority};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Current time on the monotonic clock and on the wall clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) timestamp: Timestamp,
    pub(super) date: Date,
    pub(super) next_midnight: Timestamp,
}

impl Now {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        let timestamp = clock.now();
        // Unix time has no leap seconds, so all days have the same length.
        let midnight = timestamp.as_second().div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY;
        Self {
            instant: Instant::now(),
            timestamp,
            date: Offset::UTC.to_datetime(timestamp).date(),
            next_midnight: Timestamp::from_second(midnight + SECONDS_PER_DAY).unwrap_or(Timestamp::MAX),
        }
    }

    pub(super) fn until_midnight(&self) -> Duration {
        Duration::try_from(self.timestamp.duration_until(self.next_midnight)).unwrap_or(Duration::ZERO)
    }

    pub(super) fn since_midnight(&self) -> Duration {
        Duration::from_secs(SECONDS_PER_DAY.unsigned_abs()).saturating_sub(self.until_midnight())
    }
}

/// Pending change of the ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    Add(Date, u64),
    Raise(Date, u64),
}

#[derive(Debug)]
pub(super) struct Day {
    /// Maximum number of calls per day; 0 for no limit.
    limit: u64,
    reserve: u64,
    date: Date,
    /// Last total of the ledger, which includes other processes.
    ledger_total: u64,
    /// Entries that the ledger lacks, oldest first.
    unwritten: VecDeque<Entry>,
    /// Whether the first unwritten entry is being written and must not change.
    is_writing: bool,
    /// Daily call count of the shared record, and its day. The count includes granted slots.
    shared: Option<(Date, u64)>,
    /// Granted slots whose calls have not departed.
    reserved: u64,
    /// Whether the upstream has reported that the daily limit is used up.
    exhausted: bool,
}

impl Day {
    pub(super) fn new(limits: &Limits, date: Date, used: u64) -> Self {
        Self {
            limit: limits.rate_per_day,
            reserve: limits.reserve,
            date,
            ledger_total: used,
            unwritten: VecDeque::new(),
            is_writing: false,
            shared: None,
            reserved: 0,
            exhausted: false,
        }
    }

    /// Resets the count if the day has changed.
    pub(super) fn turn_to(&mut self, date: Date) {
        if date != self.date {
            self.date = date;
            self.ledger_total = 0;
            self.exhausted = false;
            // Other processes may already have made calls on this day; adding 0 requests the total.
            self.add(0);
        }
    }

    pub(super) fn set_shared_count(&mut self, date: Date, used: u64) {
        self.shared = Some((date, used));
    }

    pub(super) fn set_ledger_count(&mut self, date: Date, total: u64) {
        if date == self.date {
            self.ledger_total = self.ledger_total.max(total);
        }
    }

    /// Returns the highest daily call count that the ledger, the shared record or this process has reported.
    pub(super) fn used(&self) -> u64 {
        self.own_count().max(self.shared_count())
    }

    fn shared_count(&self) -> u64 {
        let today = self.shared.filter(|(date, _)| *date == self.date);
        today.map_or(0, |(_, used)| used)
    }

    /// Returns the ledger's count plus the entries that the ledger lacks.
    pub(super) fn own_count(&self) -> u64 {
        let calls = self.unwritten.iter().map(|entry| match entry {
            Entry::Add(date, calls) if *date == self.date => *calls,
            Entry::Add(..) | Entry::Raise(..) => 0,
        });
        calls.fold(self.ledger_total, u64::saturating_add)
    }

    /// Returns the number of calls left for a priority, or `None` if there is no limit.
    pub(super) fn remaining(&self, priority: Priority) -> Option<u64> {
        if self.exhausted {
            return Some(0);
        }
        let reserve = match priority {
            Priority::Interactive => 0,
            Priority::Background => self.reserve,
        };
        let own = self.own_count().saturating_add(self.reserved);
        let taken = own.max(self.shared_count()).saturating_add(reserve);
        (self.limit > 0).then(|| self.limit.saturating_sub(taken))
    }

    pub(super) fn allows(&self, priority: Priority) -> bool {
        self.remaining(priority) != Some(0)
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    pub(super) fn reserve(&mut self) {
        self.reserved += 1;
    }

    pub(super) fn give_back(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
    }

    pub(super) fn depart(&mut self) {
        self.give_back();
        self.add(1);
    }

    fn add(&mut self, more: u64) {
        let is_last_written = self.is_writing && self.unwritten.len() == 1;
        match self.unwritten.back_mut() {
            Some(Entry::Add(date, calls)) if *date == self.date && !is_last_written => *calls += more,
            _ => self.unwritten.push_back(Entry::Add(self.date, more)),
        }
    }

    /// Records that the upstream reports the daily limit as used up. Either the count was too low, or the configured limit is too
    /// high.
    pub(super) fn exhaust(&mut self) {
        if self.limit > 0 && !self.exhausted {
            self.unwritten.push_back(Entry::Raise(self.date, self.limit));
        }
        self.exhausted = true;
    }

    /// Returns the next entry to write, and the same entry again until [`written`](Self::written) is called. An entry whose
    /// outcome is unknown is therefore counted twice rather than lost.
    pub(super) fn next_entry(&mut self) -> Option<Entry> {
        let next = self.unwritten.front().copied();
        self.is_writing = next.is_some();
        next
    }

    pub(super) fn written(&mut self, total: u64) {
        self.is_writing = false;
        if let Some(Entry::Add(date, _) | Entry::Raise(date, _)) = self.unwritten.pop_front() {
            self.set_ledger_count(date, total);
        }
    }
}
