//! Account of a small bookshop for exploration: newsletters, a sale, events, a survey, and failures with every documented reason
//! code. Identifiers are fixed, and dates are relative to the start of the sandbox. The crate's documentation lists the
//! activities.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::campaigns::{Activity, Campaign, ListedActivity, PERMALINK, PRIMARY, RESEND, from_email};
use super::identifiers::{Key, Kind};
use super::records::Records;
use super::send::Send;
use crate::clock::Moment;

/// US/Eastern as a POSIX rule, because the named zone needs a time zone database.
const ZONE: &str = "EST5EDT,M3.2.0,M11.1.0";

#[derive(Deserialize)]
struct Shop {
    #[serde(flatten)]
    records: Records,
    emails: Vec<Email>,
}

#[derive(Deserialize)]
struct Email {
    /// Seed of the identifiers.
    key: String,
    /// `{season}` is replaced by the season of six weeks ago.
    name: String,
    subject: String,
    #[serde(default = "from_email")]
    from: String,
    #[serde(default)]
    lists: Vec<Uuid>,
    #[serde(default)]
    segments: Vec<i64>,
    #[serde(default)]
    sends: Vec<Sending>,
    /// Separate activity for contacts that did not open the email.
    resend: Option<Sending>,
    #[serde(default)]
    is_executing: bool,
    scheduled_at: Option<Slot>,
    edited_at: Option<Slot>,
}

#[derive(Deserialize)]
struct Sending {
    at: Slot,
    count: i64,
    #[serde(default)]
    reason_code: i64,
    /// Lists of this sending, which replace the lists of the email.
    lists: Option<Vec<Uuid>>,
}

/// Weekday or `today`, weeks from today, additional days, and the time of day. Week -1 has the last such weekday before today,
/// and week 1 the next such weekday.
#[derive(Deserialize)]
struct Slot(String, i32, i64, Time);

struct Calendar {
    today: Date,
    zone: TimeZone,
}

pub(super) fn shop(started_at: Moment) -> Records {
    let shop: Shop = serde_json::from_str(include_str!("shop.json")).expect("the shop's records are valid");
    let calendar = Calendar::of(started_at);
    let mut records = shop.records;
    for email in shop.emails {
        email.add_to(&mut records, &calendar);
    }
    records
}

impl Calendar {
    fn of(started_at: Moment) -> Self {
        let zone = TimeZone::posix(ZONE).unwrap_or(TimeZone::UTC);
        let started_at = Timestamp::from_millisecond(started_at.0).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            today: zone.to_datetime(started_at).date(),
            zone,
        }
    }

    fn moment(&self, Slot(day, weeks, days, time): &Slot) -> Moment {
        let weekday: Option<Weekday> = strtime::parse("%A", day).ok().and_then(|parsed| parsed.weekday());
        let day = match weekday {
            Some(weekday) => self.today.nth_weekday(*weeks, weekday).unwrap_or(self.today),
            None => self.today,
        };
        let local = plus_days(day, *days).to_datetime(*time);
        let timestamp = self.zone.to_timestamp(local);
        Moment(timestamp.map_or(0, Timestamp::as_millisecond))
    }

    fn season(&self) -> &'static str {
        match plus_days(self.today, -42).month() {
            3..=5 => "Spring",
            6..=8 => "Summer",
            9..=11 => "Autumn",
            _ => "Winter",
        }
    }
}

fn plus_days(day: Date, days: i64) -> Date {
    day.checked_add(jiff::Span::new().days(days)).unwrap_or(day)
}

impl Email {
    fn add_to(self, records: &mut Records, calendar: &Calendar) {
        // The identifiers are the same for every seed.
        let id = |kind| Key::derive(0x6C61_6E74, &self.key).identifier(kind, 0);
        let sends = (0..).zip(&self.sends);
        let sends: Vec<Send> = sends
            .map(|(index, send)| self.send(index, index + 1, send, calendar))
            .collect();
        let (status, scheduled_at) = self.status(&sends, calendar);
        let resend = self.resend.as_ref().map(|send| {
            let index = i64::try_from(sends.len()).unwrap_or(0);
            self.send(index, 1, send, calendar)
        });
        let primary = Activity {
            id: id(Kind::Activity),
            campaign_id: id(Kind::Campaign),
            role: PRIMARY.to_owned(),
            status: status.to_uppercase(),
            list_ids: self.lists.clone(),
            segment_ids: self.segments.clone(),
            subject: self.subject.clone(),
            from_email: self.from.clone(),
            scheduled_at,
            sends,
        };
        let permalink = Activity {
            id: id(Kind::Permalink),
            role: PERMALINK.to_owned(),
            sends: Vec::new(),
            ..primary.clone()
        };
        let resend = resend.map(|send| Activity {
            id: id(Kind::Resend),
            role: RESEND.to_owned(),
            sends: vec![send],
            ..primary.clone()
        });
        let activities: Vec<Activity> = [primary].into_iter().chain(resend).chain([permalink]).collect();
        let sent = || {
            activities
                .iter()
                .flat_map(|activity| &activity.sends)
                .filter_map(Send::run_at)
        };
        let edited_at = match &self.edited_at {
            Some(slot) => calendar.moment(slot),
            None => sent().min().unwrap_or(Moment(0)),
        };
        records.campaigns.push(Campaign {
            id: id(Kind::Campaign),
            name: self.name.replace("{season}", calendar.season()),
            status: status.to_owned(),
            created_at: edited_at.plus_seconds(-4 * 86_400 + 5_000),
            updated_at: sent().max().map_or(edited_at, |last| last.plus_seconds(120)),
            activities: activities
                .iter()
                .map(|activity| ListedActivity::new(activity.id, &activity.role))
                .collect(),
            detail_is_gone: false,
        });
        records.activities.extend(activities);
    }

    fn status(&self, sends: &[Send], calendar: &Calendar) -> (&'static str, Option<Moment>) {
        let scheduled_at = self.scheduled_at.as_ref().map(|slot| calendar.moment(slot));
        let status = match sends.last() {
            _ if self.is_executing => "Executing",
            _ if scheduled_at.is_some() => "Scheduled",
            None => "Draft",
            Some(last) if last.failed() => "Error",
            Some(_) => "Done",
        };
        (status, scheduled_at)
    }

    /// Creates a send, which starts several seconds after the scheduled minute.
    fn send(&self, index: i64, send_id: i64, send: &Sending, calendar: &Calendar) -> Send {
        let lists = send.lists.as_ref().unwrap_or(&self.lists);
        let seconds = Key::derive(1, &self.key).hash(0x7365, index.unsigned_abs()) % 50 + 4;
        let run_at = calendar
            .moment(&send.at)
            .plus_seconds(i64::try_from(seconds).unwrap_or(0));
        Send::new(
            send_id,
            lists,
            &self.segments,
            send.count,
            run_at,
            send.reason_code,
        )
    }
}

#[cfg(test)]
mod tests;
