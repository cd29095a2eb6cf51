//! Generated campaigns and activities, which are derived from their index and not stored, so that an account can have a million.
//!
//! Activities form groups of eight: seven primary activities of one campaign each, and a resend to non-openers that belongs to
//! the seventh campaign. The dates of update and of the last send decrease strictly with the campaign number. A page of any
//! listing is therefore found without deriving the other campaigns.

use uuid::Uuid;

use super::campaigns::{Activity, Campaign, FROM_EMAIL, ListedActivity, PERMALINK, PRIMARY, RESEND};
use super::identifiers::{Key, Kind};
use super::lists::generated_segment_id;
use super::send::Send;
use crate::clock::Moment;

const GROUP: u64 = 8;
const CAMPAIGNS_PER_GROUP: u64 = GROUP - 1;
/// Update of the newest campaign: 1 June 2026, noon UTC.
const NEWEST: Moment = Moment(1_780_315_200_000);
const TEN_YEARS_MILLIS: u64 = 10 * 365 * 86_400_000;
const DAY_MILLIS: u64 = 86_400_000;
const MAX_LISTS: u64 = 60;
const MAX_SEGMENTS: u64 = 20;

const TOPICS: [&str; 12] = [
    "newsletter",
    "opening hours",
    "new arrivals",
    "reading evening",
    "members &amp; friends",
    "autumn catalogue",
    "last chance",
    "thank you",
    "open day",
    "survey",
    "gift cards",
    "local authors",
];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Generated {
    key: Key,
    activities: u64,
    step_millis: u64,
}

enum Fate {
    Draft,
    Scheduled,
    /// Reason codes of the sends, the oldest first.
    Sent(&'static [i64]),
}

impl Fate {
    fn status(&self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Scheduled => "SCHEDULED",
            Self::Sent(codes) if codes.last().is_some_and(|code| !matches!(code, 0 | 6 | 12)) => "ERROR",
            Self::Sent(_) => "DONE",
        }
    }
}

impl Generated {
    pub(crate) fn new(key: Key, activities: u64) -> Self {
        let step_millis = (TEN_YEARS_MILLIS / activities.max(1)).clamp(1000, DAY_MILLIS);
        Self {
            key,
            activities,
            step_millis,
        }
    }

    pub(crate) fn activities(&self) -> u64 {
        self.activities
    }

    pub(crate) fn campaigns(&self) -> u64 {
        self.activities / GROUP * CAMPAIGNS_PER_GROUP + (self.activities % GROUP).min(CAMPAIGNS_PER_GROUP)
    }

    pub(crate) fn lists(&self) -> u64 {
        self.activities.min(MAX_LISTS)
    }

    pub(crate) fn segments(&self) -> u64 {
        self.activities.min(MAX_SEGMENTS)
    }

    pub(crate) fn activity_id(&self, index: u64) -> Uuid {
        self.key.identifier(Kind::Activity, index)
    }

    pub(crate) fn find_activity(&self, id: Uuid) -> Option<Activity> {
        if let Some(index) = self
            .key
            .index(Kind::Activity, id)
            .filter(|index| *index < self.activities)
        {
            return Some(self.activity(index));
        }
        let campaign = self
            .key
            .index(Kind::Permalink, id)
            .filter(|index| *index < self.campaigns())?;
        Some(self.permalink(campaign))
    }

    pub(crate) fn find_campaign(&self, id: Uuid) -> Option<Campaign> {
        self.key
            .index(Kind::Campaign, id)
            .filter(|index| *index < self.campaigns())
            .map(|index| self.campaign(index))
    }

    /// Returns the update date, which decreases strictly with the campaign number.
    pub(crate) fn updated_at(&self, campaign: u64) -> Moment {
        let jitter = self.key.hash(0x7570, campaign) % (self.step_millis / 2);
        let back = campaign.saturating_mul(self.step_millis) + jitter;
        NEWEST.plus_millis(-i64::try_from(back).unwrap_or(i64::MAX / 2))
    }

    /// Returns the date of the last send if the campaign is sent. The dates decrease strictly with the campaign number.
    pub(crate) fn last_sent_at(&self, campaign: u64) -> Moment {
        self.updated_at(campaign)
            .plus_millis(-i64::try_from((self.step_millis / 4).min(600_000)).unwrap_or(0))
    }

    pub(crate) fn campaign_id(&self, campaign: u64) -> Uuid {
        self.key.identifier(Kind::Campaign, campaign)
    }

    pub(crate) fn campaign(&self, campaign: u64) -> Campaign {
        let primary = primary_of(campaign);
        let (initial, rest) = self.fate(primary).status().split_at(1);
        let mut activities = vec![
            ListedActivity::new(self.activity_id(primary), PRIMARY),
            ListedActivity::new(self.key.identifier(Kind::Permalink, campaign), PERMALINK),
        ];
        if self.has_resend(campaign) {
            activities.push(ListedActivity::new(self.activity_id(primary + 1), RESEND));
        }
        // The order is arbitrary, so that clients must select activities by role.
        let turn = usize::try_from(self.key.hash(0x7475, campaign) % 3).unwrap_or(0);
        let length = activities.len();
        activities.rotate_left(turn % length);
        let updated_at = self.updated_at(campaign);
        Campaign {
            id: self.campaign_id(campaign),
            name: self.wording(primary),
            status: format!("{initial}{}", rest.to_lowercase()),
            created_at: updated_at.plus_seconds(-40 * 86_400),
            updated_at,
            activities,
            detail_is_gone: false,
        }
    }

    pub(crate) fn activity(&self, index: u64) -> Activity {
        let campaign = campaign_of(index);
        let is_resend = index % GROUP == GROUP - 1;
        let fate = self.fate(index);
        let hash = self.key.hash(0x6175, index);
        let by_segment = hash.is_multiple_of(5);
        let list_ids = if by_segment {
            Vec::new()
        } else {
            self.audience_lists(hash)
        };
        let segment_ids = if by_segment {
            vec![generated_segment_id((hash >> 8) % self.segments().max(1))]
        } else {
            Vec::new()
        };
        let scheduled_at = matches!(fate, Fate::Scheduled).then(|| NEWEST.plus_seconds(30 * 86_400));
        let status = fate.status();
        let codes = if let Fate::Sent(codes) = fate { codes } else { &[] };
        let last = self.last_sent_at(campaign);
        // A resend follows its primary email after three days.
        let last = if !is_resend && self.has_resend(campaign) {
            last.plus_seconds(-3 * 86_400)
        } else {
            last
        };
        let sends = (1..).zip(codes).map(|(send_id, code)| {
            let back = (i64::try_from(codes.len()).unwrap_or(0) - send_id) * 2 * 86_400;
            let run_at = last.plus_seconds(-back);
            let count = if *code == 12 {
                0
            } else {
                i64::try_from((hash >> 16) % 40_000).unwrap_or(0) / send_id + 1
            };
            Send::new(send_id, &list_ids, &segment_ids, count, run_at, *code)
        });
        Activity {
            id: self.activity_id(index),
            campaign_id: self.campaign_id(campaign),
            role: if is_resend { RESEND } else { PRIMARY }.to_owned(),
            status: status.to_owned(),
            sends: sends.collect(),
            subject: self.wording(index),
            from_email: FROM_EMAIL.to_owned(),
            list_ids,
            segment_ids,
            scheduled_at,
        }
    }

    fn permalink(&self, campaign: u64) -> Activity {
        Activity {
            id: self.key.identifier(Kind::Permalink, campaign),
            role: PERMALINK.to_owned(),
            sends: Vec::new(),
            scheduled_at: None,
            ..self.activity(primary_of(campaign))
        }
    }

    fn has_resend(&self, campaign: u64) -> bool {
        campaign % CAMPAIGNS_PER_GROUP == CAMPAIGNS_PER_GROUP - 1
            && primary_of(campaign) + 1 < self.activities
    }

    fn audience_lists(&self, hash: u64) -> Vec<Uuid> {
        (0..=hash >> 8 & 1)
            .map(|turn| {
                self.key
                    .identifier(Kind::List, (hash >> (16 + 8 * turn)) % self.lists().max(1))
            })
            .collect()
    }

    fn wording(&self, index: u64) -> String {
        let topic = self.key.hash(0x746F, index) % TOPICS.len() as u64;
        let topic = usize::try_from(topic)
            .ok()
            .and_then(|topic| TOPICS.get(topic))
            .unwrap_or(&"newsletter");
        format!("No. {}: {topic}", index + 1)
    }

    fn fate(&self, index: u64) -> Fate {
        // A campaign with a resend was sent before, so its last send is the resend.
        if index % GROUP >= GROUP - 2 {
            return Fate::Sent(&[0]);
        }
        match self.key.hash(0x6661, index) % 100 {
            0..=2 => Fate::Draft,
            3 => Fate::Scheduled,
            4..=11 => Fate::Sent(&[0, 0]),
            12..=14 => Fate::Sent(&[0, 12]),
            15 => Fate::Sent(&[1]),
            16 => Fate::Sent(&[2]),
            17 => Fate::Sent(&[3]),
            18 => Fate::Sent(&[4, 0]),
            19 => Fate::Sent(&[5, 0]),
            20 => Fate::Sent(&[6]),
            21 => Fate::Sent(&[7, 0]),
            22 => Fate::Sent(&[8, 0]),
            23 => Fate::Sent(&[9]),
            24 => Fate::Sent(&[10]),
            25 => Fate::Sent(&[11]),
            26 => Fate::Sent(&[12]),
            27 => Fate::Sent(&[0, 0, 0, 12]),
            _ => Fate::Sent(&[0]),
        }
    }
}

const fn campaign_of(activity: u64) -> u64 {
    let place = activity % GROUP;
    activity / GROUP * CAMPAIGNS_PER_GROUP
        + if place < CAMPAIGNS_PER_GROUP {
            place
        } else {
            CAMPAIGNS_PER_GROUP - 1
        }
}

const fn primary_of(campaign: u64) -> u64 {
    campaign / CAMPAIGNS_PER_GROUP * GROUP + campaign % CAMPAIGNS_PER_GROUP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(activities: u64) -> Generated {
        Generated::new(Key::derive(1, "main"), activities)
    }

    #[test]
    fn every_activity_is_listed_only_by_its_own_campaign() {
        let generated = generated(1003);
        let mut listed = 0;
        for number in 0..generated.campaigns() {
            let campaign = generated.campaign(number);
            for ListedActivity { id, role } in &campaign.activities {
                let activity = generated.find_activity(*id).unwrap();
                assert_eq!((activity.campaign_id, &activity.role), (campaign.id, role));
                listed += u64::from(role != PERMALINK);
            }
        }
        assert_eq!(listed, 1003);
    }

    #[test]
    fn campaign_dates_decrease_and_match_the_order_of_last_sends() {
        let generated = generated(1000);
        for number in 0..generated.campaigns() {
            let campaign = generated.campaign(number);
            let sent = campaign
                .activities
                .iter()
                .filter_map(|listed| generated.find_activity(listed.id)?.last_sent_at());
            if let Some(sent) = sent.max() {
                assert_eq!(sent, generated.last_sent_at(number));
            }
            assert!(generated.updated_at(number + 1) < campaign.updated_at);
            assert!(generated.last_sent_at(number) < campaign.updated_at);
        }
    }

    #[test]
    fn millionth_activity_is_found_by_its_id() {
        let generated = generated(1_000_000);
        let id = generated.activity_id(999_999);
        assert_eq!(generated.find_activity(id).unwrap().id, id);
        assert!(
            generated
                .find_activity(generated.activity_id(1_000_000))
                .is_none()
        );
    }

    #[test]
    fn every_documented_reason_code_occurs() {
        let generated = generated(2000);
        let mut codes = std::collections::BTreeSet::new();
        for index in 0..2000 {
            if let Fate::Sent(fate) = generated.fate(index) {
                codes.extend(fate);
            }
        }
        assert_eq!(codes, (0..=12).collect());
    }
}
