//! Wall clock that control requests can move, and a monotonic clock for the rate limits.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use jiff::Timestamp;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Milliseconds since 1970. The upstream's format is `2019-04-18T20:03:08.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(from = "Timestamp")]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(Self::from)
    }

    /// Parses a UTC date and time without an offset.
    pub(crate) fn parse_without_offset(text: &str) -> Option<Self> {
        let at: jiff::civil::DateTime = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(at).ok().map(Self::from)
    }

    pub(crate) const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0 + millis)
    }

    pub(crate) const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1000)
    }

    pub(crate) const fn day(self) -> i64 {
        self.0.div_euclid(MILLIS_PER_DAY)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        write!(formatter, "{timestamp:.3}")
    }
}

impl From<Timestamp> for Moment {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.as_millisecond())
    }
}

impl serde::Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Moment,
    advanced_millis: AtomicI64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            started_at: Moment(Timestamp::now().as_millisecond()),
            advanced_millis: AtomicI64::new(0),
        }
    }

    /// Returns the time of the wall clock, including all advances.
    pub(crate) fn now(&self) -> Moment {
        self.real_now()
            .plus_millis(self.advanced_millis.load(Ordering::Relaxed))
    }

    pub(crate) fn elapsed_micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Returns the second of the wall clock, excluding all advances. This second is the fixed window of a request.
    pub(crate) fn real_second(&self) -> i64 {
        self.real_now().0.div_euclid(1000)
    }

    fn real_now(&self) -> Moment {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX / 2);
        self.started_at.plus_millis(elapsed)
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.advanced_millis.fetch_add(millis, Ordering::Relaxed);
    }

    pub(crate) fn advance_to_next_day(&self) {
        let now = self.now();
        self.advance((now.day() + 1) * MILLIS_PER_DAY - now.0);
    }

    pub(crate) fn return_to_real_time(&self) {
        self.advanced_millis.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_has_the_format_of_the_upstream() {
        let moment = Moment::parse("2019-04-18T16:03:08-04:00").unwrap();
        assert_eq!(moment.to_string(), "2019-04-18T20:03:08.000Z");
    }

    #[test]
    fn next_day_starts_at_midnight_utc() {
        let clock = Clock::start();
        let today = clock.now().day();
        clock.advance_to_next_day();
        assert_eq!(clock.now().day(), today + 1);
        assert!(clock.now().0.rem_euclid(MILLIS_PER_DAY) < 60_000);
    }
}
