//! One email of the shop as it is written down: who gets it, when it was sent, and what became of it. Makes a campaign with
//! its activities of that.

use std::borrow::Cow;

use uuid::Uuid;

use super::calendar::Slot;
use super::identifier;
use crate::clock::Moment;
use crate::data::campaigns::{Activity, Campaign, PERMALINK, PRIMARY, RESEND};
use crate::data::identifiers::{Key, Kind};
use crate::data::records::{FROM_EMAIL, FROM_NAME, Records};
use crate::data::send::{Row, RunDate, Send};

pub(super) struct Email {
    key: &'static str,
    name: Cow<'static, str>,
    subject: &'static str,
    sender: &'static str,
    lists: Vec<Uuid>,
    segments: Vec<i64>,
    sends: Vec<Row>,
    resend: Option<(Moment, i64)>,
    state: State,
}

/// How far an email has come.
enum State {
    /// Every send has ended.
    Ended,
    /// A send is under way.
    Executing,
    Scheduled {
        at: Moment,
        edited_at: Moment,
    },
    Draft {
        edited_at: Moment,
    },
}

impl Email {
    pub(super) fn new(key: &'static str, name: impl Into<Cow<'static, str>>, subject: &'static str) -> Self {
        Self {
            key,
            name: name.into(),
            subject,
            sender: FROM_EMAIL,
            lists: Vec::new(),
            segments: Vec::new(),
            sends: Vec::new(),
            resend: None,
            state: State::Ended,
        }
    }

    pub(super) fn from(mut self, address: &'static str) -> Self {
        self.sender = address;
        self
    }

    pub(super) fn for_lists(mut self, lists: &[Uuid]) -> Self {
        self.lists = lists.to_vec();
        self
    }

    pub(super) fn for_segments(mut self, segments: &[i64]) -> Self {
        self.segments = segments.to_vec();
        self
    }

    /// One more send, to the audience that the email has today.
    pub(super) fn send(self, slot: Slot<'_>, count: i64, reason_code: i64) -> Self {
        let lists = self.lists.clone();
        self.send_to(&lists, slot, count, reason_code)
    }

    /// One more send, to these lists where the email has no segments.
    pub(super) fn send_to(mut self, lists: &[Uuid], slot: Slot<'_>, count: i64, reason_code: i64) -> Self {
        let run_at = self.begun(slot.moment());
        let send_id = i64::try_from(self.sends.len()).unwrap_or(0) + 1;
        let row = self.row(send_id, lists, count, run_at, reason_code);
        self.sends.push(row);
        self
    }

    /// An activity of its own for the contacts that did not open the email.
    pub(super) fn resend_to_non_openers(mut self, slot: Slot<'_>, count: i64) -> Self {
        self.resend = Some((self.begun(slot.moment()), count));
        self
    }

    pub(super) fn executing(mut self) -> Self {
        self.state = State::Executing;
        self
    }

    pub(super) fn scheduled(mut self, at: Slot<'_>, edited: Slot<'_>) -> Self {
        self.state = State::Scheduled {
            at: at.moment(),
            edited_at: edited.moment(),
        };
        self
    }

    pub(super) fn draft(mut self, edited: Slot<'_>) -> Self {
        self.state = State::Draft {
            edited_at: edited.moment(),
        };
        self
    }

    pub(super) fn add_to(self, records: &mut Records) {
        let id = |kind| identifier(self.key, kind);
        let (status, scheduled_at) = self.status();
        let primary = Activity {
            id: id(Kind::Activity),
            campaign_id: id(Kind::Campaign),
            role: PRIMARY.into(),
            status: status.to_uppercase().into(),
            list_ids: self.lists.clone(),
            segment_ids: self.segments.clone(),
            subject: self.subject.into(),
            from_name: FROM_NAME.into(),
            from_email: self.sender.into(),
            scheduled_at,
            sends: self.sends.iter().cloned().map(Send::Row).collect(),
        };
        let permalink = Activity {
            id: id(Kind::Permalink),
            role: PERMALINK.into(),
            sends: Vec::new(),
            ..primary.clone()
        };
        let resend = self.resend.map(|(run_at, count)| Activity {
            id: identifier(self.key, Kind::Resend),
            role: RESEND.into(),
            sends: vec![Send::Row(self.row(1, &self.lists, count, run_at, 0))],
            ..primary.clone()
        });
        let activities: Vec<Activity> = [primary].into_iter().chain(resend).chain([permalink]).collect();
        let sent = || activities.iter().flat_map(|activity| &activity.sends);
        let (first, last) = (
            sent().filter_map(Send::run_at).min(),
            sent().filter_map(Send::run_at).max(),
        );
        let edited_at = match self.state {
            State::Scheduled { edited_at, .. } | State::Draft { edited_at } => edited_at,
            State::Ended | State::Executing => first.unwrap_or(Moment(0)),
        };
        records.campaigns.push(Campaign {
            id: id(Kind::Campaign),
            name: self.name,
            status: status.into(),
            kind: "NEWSLETTER".into(),
            // Written four days before it was sent, or last changed.
            created_at: edited_at.plus_seconds(-4 * 86_400 + 5_000),
            updated_at: last.map_or(edited_at, |last| last.plus_seconds(120)),
            activities: activities
                .iter()
                .map(|activity| (activity.id, activity.role.clone()))
                .collect(),
            detail_is_gone: false,
        });
        records.activities.extend(activities);
    }

    /// The status, capitalised, and when the email is going to be sent.
    fn status(&self) -> (&'static str, Option<Moment>) {
        match self.state {
            State::Executing => ("Executing", None),
            State::Scheduled { at, .. } => ("Scheduled", Some(at)),
            State::Draft { .. } => ("Draft", None),
            State::Ended if self.sends.last().is_some_and(Row::failed) => ("Error", None),
            State::Ended => ("Done", None),
        }
    }

    fn row(&self, send_id: i64, lists: &[Uuid], count: i64, run_at: Moment, reason_code: i64) -> Row {
        let run_date = RunDate::At(run_at);
        if self.segments.is_empty() {
            Row::to_lists(send_id, lists.to_vec(), count, run_date, reason_code)
        } else {
            Row::to_segments(send_id, self.segments.clone(), count, run_date, reason_code)
        }
    }

    /// A send begins some seconds after the minute it was scheduled for.
    fn begun(&self, scheduled: Moment) -> Moment {
        let place = self.sends.len() as u64 + 100 * u64::from(self.resend.is_some());
        let seconds = Key::derive(1, self.key).hash(0x7365, place) % 50 + 4;
        scheduled.plus_seconds(i64::try_from(seconds).unwrap_or(0))
    }
}
