//! The limit on one UTC day.
//!
//! Owns the count of the day: what the ledger knew last, and what it has not been told yet. Must not know how the ledger
//! is reached, nor anything of seconds.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::Date, tz::Offset};

use super::Limits;
use crate::Priority;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// A moment within a UTC day. Unix time has no leap seconds, so every day has the same length.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeOfDay {
    pub(super) date: Date,
    pub(super) since_midnight: Duration,
    pub(super) until_midnight: Duration,
    pub(super) next_midnight: Timestamp,
}

impl TimeOfDay {
    pub(super) fn at(now: Timestamp) -> Self {
        let midnight = now.as_second().div_euclid(SECONDS_PER_DAY) * SECONDS_PER_DAY;
        let next_midnight = Timestamp::from_second(midnight + SECONDS_PER_DAY).unwrap_or(Timestamp::MAX);
        let until_midnight = Duration::try_from(now.duration_until(next_midnight)).unwrap_or(Duration::ZERO);
        let day = Duration::from_secs(SECONDS_PER_DAY.unsigned_abs());
        Self {
            date: Offset::UTC.to_datetime(now).date(),
            since_midnight: day.saturating_sub(until_midnight),
            until_midnight,
            next_midnight,
        }
    }
}

/// Something the ledger has to be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    Add(Date, u64),
    Raise(Date, u64),
}

#[derive(Debug)]
pub(super) struct Day {
    /// 0 for no limit.
    limit: u64,
    reserve: u64,
    date: Date,
    /// The total that the ledger gave last, which includes other processes.
    known: u64,
    /// The calls that departed and are not in the ledger yet, by day.
    unwritten: BTreeMap<Date, u64>,
    raise: Option<(Date, u64)>,
    /// What the ledger is being told at the moment.
    writing: Option<Entry>,
    /// The count in the record that processes share, with the turns that were given, and the day that it is of.
    shared: Option<(Date, u64)>,
    /// The calls that have their turn and have not departed.
    reserved: u64,
    /// The upstream has said that the day is used up.
    exhausted: bool,
}

impl Day {
    pub(super) fn new(limits: &Limits, date: Date, used: u64) -> Self {
        Self {
            limit: limits.rate_per_day,
            reserve: limits.reserve,
            date,
            known: used,
            unwritten: BTreeMap::new(),
            raise: None,
            writing: None,
            shared: None,
            reserved: 0,
            exhausted: false,
        }
    }

    /// Begins another day when it is one.
    pub(super) fn turn_to(&mut self, date: Date) {
        if date != self.date {
            self.date = date;
            self.known = 0;
            self.exhausted = false;
            // Another process may have made calls on this day already; counting none asks for the total.
            self.unwritten.entry(date).or_insert(0);
        }
    }

    /// Notes the count in the record that processes share.
    pub(super) fn learn_shared(&mut self, date: Date, used: u64) {
        self.shared = Some((date, used));
    }

    /// Notes a total of the ledger.
    pub(super) fn learn_ledger(&mut self, date: Date, total: u64) {
        if date == self.date {
            self.known = self.known.max(total);
        }
    }

    pub(super) fn used(&self) -> u64 {
        self.own_count().max(self.shared_count())
    }

    fn shared_count(&self) -> u64 {
        let of_today = self.shared.filter(|(date, _)| *date == self.date);
        of_today.map_or(0, |(_, used)| used)
    }

    /// The ledger's count and what it does not know yet.
    pub(super) fn own_count(&self) -> u64 {
        let writing = match self.writing {
            Some(Entry::Add(date, calls)) if date == self.date => calls,
            _ => 0,
        };
        let unwritten = self.unwritten.get(&self.date).copied().unwrap_or(0);
        self.known.saturating_add(writing).saturating_add(unwritten)
    }

    /// What is left for calls of this priority. `None` without a limit.
    pub(super) fn remaining(&self, priority: Priority) -> Option<u64> {
        if self.exhausted {
            return Some(0);
        }
        let kept = match priority {
            Priority::Interactive => 0,
            Priority::Background => self.reserve,
        };
        let own = self.own_count().saturating_add(self.reserved);
        let taken = own.max(self.shared_count()).saturating_add(kept);
        (self.limit > 0).then(|| self.limit.saturating_sub(taken))
    }

    pub(super) fn allows(&self, priority: Priority) -> bool {
        self.remaining(priority) != Some(0)
    }

    /// Whether the upstream has said that the day is used up.
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
        *self.unwritten.entry(self.date).or_insert(0) += 1;
    }

    /// The upstream says that the day is used up: the count was too low, or the limit too high.
    pub(super) fn exhaust(&mut self) {
        self.exhausted = true;
        if self.limit > 0 {
            self.raise = Some((self.date, self.limit));
        }
    }

    /// The next thing to tell the ledger, which counts as being told until [`written`](Self::written) or
    /// [`not_written`](Self::not_written).
    pub(super) fn next_entry(&mut self) -> Option<Entry> {
        // An entry that nobody confirmed, since the task was lost, may be counted twice rather than not at all.
        self.not_written();
        self.writing = self
            .unwritten
            .pop_first()
            .map(|(date, calls)| Entry::Add(date, calls))
            .or_else(|| {
                self.raise
                    .take()
                    .map(|(date, at_least)| Entry::Raise(date, at_least))
            });
        self.writing
    }

    pub(super) fn written(&mut self, total: u64) {
        if let Some(Entry::Add(date, _) | Entry::Raise(date, _)) = self.writing.take() {
            self.learn_ledger(date, total);
        }
    }

    pub(super) fn not_written(&mut self) {
        match self.writing.take() {
            Some(Entry::Add(date, calls)) => *self.unwritten.entry(date).or_insert(0) += calls,
            Some(Entry::Raise(date, at_least)) => self.raise = Some((date, at_least)),
            None => {}
        }
    }
}
