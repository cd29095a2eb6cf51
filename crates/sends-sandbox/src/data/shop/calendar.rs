//! The dates of the shop: days of the week and hours of its time zone, counted from the day the sandbox was started on.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::clock::Moment;

/// US/Eastern, written out so that no database of time zones is needed.
const ZONE: &str = "EST5EDT,M3.2.0,M11.1.0";

/// The day the sandbox was started on, in the shop's time zone.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    today: Date,
    zone: TimeZone,
}

/// A date and a time of the shop's clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'c> {
    calendar: &'c Calendar,
    day: Date,
    hour: i8,
    minute: i8,
}

impl Calendar {
    pub(crate) fn of(started_at: Moment) -> Self {
        let zone = TimeZone::posix(ZONE).unwrap_or(TimeZone::UTC);
        let started_at = Timestamp::from_millisecond(started_at.0).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            today: zone.to_datetime(started_at).date(),
            zone,
        }
    }

    /// The last such weekday before today for 1, the one before that for 2.
    pub(super) fn back(&self, weeks: i32, weekday: Weekday, hour: i8, minute: i8) -> Slot<'_> {
        self.slot(self.weekday(-weeks, weekday), hour, minute)
    }

    pub(super) fn days_back(&self, days: i64, hour: i8, minute: i8) -> Slot<'_> {
        self.slot(plus_days(self.today, -days), hour, minute)
    }

    /// The first such weekday after today.
    pub(super) fn ahead(&self, weekday: Weekday, hour: i8, minute: i8) -> Slot<'_> {
        self.slot(self.weekday(1, weekday), hour, minute)
    }

    /// The season of six weeks ago, in the north.
    pub(super) fn season(&self) -> &'static str {
        match plus_days(self.today, -42).month() {
            3..=5 => "Spring",
            6..=8 => "Summer",
            9..=11 => "Autumn",
            _ => "Winter",
        }
    }

    fn weekday(&self, number: i32, weekday: Weekday) -> Date {
        self.today.nth_weekday(number, weekday).unwrap_or(self.today)
    }

    fn slot(&self, day: Date, hour: i8, minute: i8) -> Slot<'_> {
        Slot {
            calendar: self,
            day,
            hour,
            minute,
        }
    }
}

impl Slot<'_> {
    /// Another time of a later day, or of the same one.
    pub(super) fn later(self, days: i64, hour: i8, minute: i8) -> Self {
        Self {
            day: plus_days(self.day, days),
            hour,
            minute,
            ..self
        }
    }

    pub(super) fn moment(self) -> Moment {
        let local = self.day.at(self.hour, self.minute, 0, 0);
        let timestamp = self.calendar.zone.to_timestamp(local);
        Moment(timestamp.map_or(0, Timestamp::as_millisecond))
    }
}

fn plus_days(day: Date, days: i64) -> Date {
    day.checked_add(jiff::Span::new().days(days)).unwrap_or(day)
}
