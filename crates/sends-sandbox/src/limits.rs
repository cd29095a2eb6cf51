//! Rate limits of an API key by second and by day, counted exactly.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use serde::Serialize;

use crate::clock::{Clock, Moment};
use crate::config::settings::{SecondWindow, Settings};
use crate::lock::locked;

const SECOND_MICROS: u64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Throttled,
    QuotaExceeded { seconds_left: i64 },
}

/// Arrivals of the last second, and the maximum over all sliding seconds.
#[derive(Debug, Default)]
pub(crate) struct SlidingSecond {
    arrivals: VecDeque<u64>,
    greatest: usize,
}

impl SlidingSecond {
    pub(crate) fn record(&mut self, now_micros: u64) {
        self.forget(now_micros);
        self.arrivals.push_back(now_micros);
        self.greatest = self.greatest.max(self.arrivals.len());
    }

    pub(crate) fn greatest(&self) -> usize {
        self.greatest
    }

    fn forget(&mut self, now_micros: u64) {
        while self
            .arrivals
            .front()
            .is_some_and(|arrival| now_micros - arrival >= SECOND_MICROS)
        {
            self.arrivals.pop_front();
        }
    }

    fn count(&mut self, now_micros: u64) -> usize {
        self.forget(now_micros);
        self.arrivals.len()
    }
}

#[derive(Debug, Default)]
struct Use {
    day: i64,
    today: u64,
    second: i64,
    this_second: u32,
    passed: SlidingSecond,
    arrived: SlidingSecond,
    counts: KeyCounters,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct KeyCounters {
    passed: u64,
    throttled: u64,
    quota_exceeded: u64,
    /// Number of requests counted against the current day.
    today: u64,
    /// Maximum number of arrivals in a sliding second, including rejected requests.
    greatest_in_a_second: usize,
    /// Maximum number of accepted requests in a sliding second.
    greatest_passed_in_a_second: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Limits {
    keys: Mutex<BTreeMap<String, Use>>,
}

impl Limits {
    /// Counts a request of `key`. A limit of 0 means no limit.
    pub(crate) fn admit(
        &self,
        key: &str,
        (per_second, per_day): (u32, u64),
        settings: &Settings,
        clock: &Clock,
    ) -> Verdict {
        let mut keys = locked(&self.keys);
        let usage = keys.entry(key.to_owned()).or_default();
        // The clocks are read under the lock, so that arrivals are in order.
        let (now, now_micros, second) = (clock.now(), clock.elapsed_micros(), clock.real_second());
        usage.arrived.record(now_micros);
        if usage.day != now.day() {
            usage.day = now.day();
            usage.today = 0;
        }
        if usage.second != second {
            usage.second = second;
            usage.this_second = 0;
        }
        let verdict = usage.verdict((per_second, per_day), settings.second_window, now, now_micros);
        match verdict {
            Verdict::Passed => {
                usage.today += 1;
                usage.this_second += 1;
                usage.passed.record(now_micros);
                usage.counts.passed += 1;
            }
            Verdict::Throttled => usage.counts.throttled += 1,
            Verdict::QuotaExceeded { .. } => usage.counts.quota_exceeded += 1,
        }
        verdict
    }

    pub(crate) fn counters(&self) -> BTreeMap<String, KeyCounters> {
        locked(&self.keys)
            .iter()
            .map(|(key, usage)| {
                let counters = KeyCounters {
                    today: usage.today,
                    greatest_in_a_second: usage.arrived.greatest(),
                    greatest_passed_in_a_second: usage.passed.greatest(),
                    ..usage.counts.clone()
                };
                (key.clone(), counters)
            })
            .collect()
    }

    pub(crate) fn clear(&self) {
        locked(&self.keys).clear();
    }
}

impl Use {
    fn verdict(
        &mut self,
        (per_second, per_day): (u32, u64),
        window: SecondWindow,
        now: Moment,
        now_micros: u64,
    ) -> Verdict {
        if per_day > 0 && self.today >= per_day {
            let seconds_left = DAY_SECONDS - now.0.div_euclid(1000).rem_euclid(DAY_SECONDS);
            return Verdict::QuotaExceeded { seconds_left };
        }
        let in_this_second = match window {
            SecondWindow::Fixed => self.this_second,
            SecondWindow::Sliding => u32::try_from(self.passed.count(now_micros)).unwrap_or(u32::MAX),
        };
        if per_second > 0 && in_this_second >= per_second {
            Verdict::Throttled
        } else {
            Verdict::Passed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(limits: &Limits, key: &str, settings: &Settings, clock: &Clock) -> Verdict {
        limits.admit(
            key,
            (settings.rate_per_second, settings.rate_per_day),
            settings,
            clock,
        )
    }

    #[test]
    fn sliding_second_accepts_four_requests_of_each_key() {
        let (limits, clock) = (Limits::default(), Clock::start());
        let settings = Settings {
            second_window: SecondWindow::Sliding,
            ..Settings::default()
        };
        let verdicts: Vec<_> = (0..5)
            .map(|_| admitted(&limits, "a", &settings, &clock))
            .collect();
        assert_eq!(verdicts[..4], [Verdict::Passed; 4]);
        assert_eq!(verdicts[4], Verdict::Throttled);
        assert_eq!(admitted(&limits, "b", &settings, &clock), Verdict::Passed);
        assert_eq!(limits.counters()["a"].greatest_in_a_second, 5);
    }

    #[test]
    fn throttled_requests_do_not_count_against_the_day() {
        let (limits, clock) = (Limits::default(), Clock::start());
        let settings = Settings {
            rate_per_second: 1,
            second_window: SecondWindow::Sliding,
            ..Settings::default()
        };
        for _ in 0..3 {
            admitted(&limits, "a", &settings, &clock);
        }
        assert_eq!(limits.counters()["a"].today, 1);
    }

    #[test]
    fn daily_limit_resets_at_midnight() {
        let clock = Clock::start();
        let limits = Limits::default();
        let settings = Settings {
            rate_per_second: 0,
            rate_per_day: 2,
            ..Settings::default()
        };
        for _ in 0..2 {
            assert_eq!(admitted(&limits, "a", &settings, &clock), Verdict::Passed);
        }
        assert!(matches!(
            admitted(&limits, "a", &settings, &clock),
            Verdict::QuotaExceeded { .. }
        ));
        clock.advance_to_next_day();
        assert_eq!(admitted(&limits, "a", &settings, &clock), Verdict::Passed);
    }
}
