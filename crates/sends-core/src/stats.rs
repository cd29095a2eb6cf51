//! Statistics of emails in the reports of the upstream.

use alloc::format;

use jiff::Timestamp;

use crate::fields::{self, Fields};
use crate::json::read_as_object;
use crate::lenient::Count;
use crate::{ActivityId, CampaignId, Listed, Oddities};

/// Statistics of one activity (`/reports/stats/email_campaign_activities/{ids}`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActivityStats {
    /// Id of the activity.
    pub id: ActivityId,
    /// Time of the upstream's last count. `None` when it is missing, null or unreadable.
    pub last_refresh_time: Option<Timestamp>,
    /// The counts.
    pub stats: EngagementStats,
    /// Number of unreadable values, which are `None`. Normally 0.
    pub unreadable_values: usize,
}

/// Statistics of all activities of one campaign (`/reports/stats/email_campaigns/{ids}`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignStats {
    /// Id of the campaign.
    pub id: CampaignId,
    /// Time of the upstream's last count. `None` when it is missing, null or unreadable.
    pub last_refresh_time: Option<Timestamp>,
    /// The counts.
    pub stats: EngagementStats,
    /// Number of unreadable values, which are `None`. Normally 0.
    pub unreadable_values: usize,
}

read_as_object! {
    ActivityStats = "the statistics of an activity", |fields, oddities| {
        Self {
            id: fields.require("campaign_activity_id")?,
            last_refresh_time: fields.read("last_refresh_time", oddities),
            stats: EngagementStats::of(&fields, oddities),
            unreadable_values: oddities.values,
        }
    }
    CampaignStats = "the statistics of a campaign", |fields, oddities| {
        Self {
            id: fields.require("campaign_id")?,
            last_refresh_time: fields.read("last_refresh_time", oddities),
            stats: EngagementStats::of(&fields, oddities),
            unreadable_values: oddities.values,
        }
    }
}

/// The response has one page without links, and no record for an unknown id.
impl Listed for ActivityStats {
    const MEMBER: &'static str = "results";
}

impl Listed for CampaignStats {
    const MEMBER: &'static str = "results";
}

/// Statistics of the summaries report: numbers of contacts, each counted once. `None` for a missing, null or unreadable count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UniqueCounts {
    /// Recipients.
    pub sends: Option<i64>,
    /// Contacts who opened the email; an estimate.
    pub opens: Option<i64>,
    /// Contacts who followed a link.
    pub clicks: Option<i64>,
    /// Contacts who forwarded the email.
    pub forwards: Option<i64>,
    /// Contacts who unsubscribed.
    pub optouts: Option<i64>,
    /// Contacts who reported the email as spam.
    pub abuse: Option<i64>,
    /// Contacts whose email bounced.
    pub bounces: Option<i64>,
    /// Contacts without a recorded opening; an estimate.
    pub not_opened: Option<i64>,
}

impl UniqueCounts {
    pub(crate) fn read(counts: &Fields<'_>, oddities: &mut Oddities) -> Self {
        let mut count = |name| counts.read(name, oddities).map(|Count(count)| count);
        Self {
            sends: count("sends"),
            opens: count("opens"),
            clicks: count("clicks"),
            forwards: count("forwards"),
            optouts: count("optouts"),
            abuse: count("abuse"),
            bounces: count("bounces"),
            not_opened: count("not_opened"),
        }
    }
}

/// Defines [`EngagementStats`] from the list of counts and their keys.
macro_rules! engagement_stats {
    ($( $(#[$attribute:meta])* $field:ident = $key:literal, )+) => {
        /// Counts of the statistics reports, at least 0. `None` for a missing, null or unreadable count.
        ///
        /// The vendor's guide separates the parts of some keys by dots and its schema by underscores. Both are accepted, and
        /// numbers as well as strings of digits.
        ///
        /// ```
        /// use sends_core::{ActivityStats, FromJson};
        ///
        /// let stats = ActivityStats::from_json(br#"{
        ///   "campaign_activity_id": "1ead98be-dfa0-4e04-81f7-5f1534d42e9c",
        ///   "stats": {"em_sends": 15, "em_opens.all.mobile": "3"}
        /// }"#)?.stats;
        /// assert_eq!((stats.sends, stats.opens_mobile, stats.clicks), (Some(15), Some(3), None));
        /// # Ok::<(), sends_core::DecodeError>(())
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct EngagementStats {
            $( $(#[$attribute])* pub $field: Option<i64>, )+
        }

        impl EngagementStats {
            /// Counts of a record. A missing `stats` counts as one unreadable value.
            fn of(record: &Fields<'_>, oddities: &mut Oddities) -> Self {
                record.expect_member("stats", oddities);
                let Some(counts) = record.object("stats", oddities) else {
                    return Self::default();
                };
                Self { $( $field: count(&counts, $key, oddities), )+ }
            }
        }
    };
}

/// Count with this key, whose parts are separated by underscores or dots. Both spellings may be present with the same value.
fn count(counts: &Fields<'_>, key: &str, oddities: &mut Oddities) -> Option<i64> {
    let spelled = |found: &str| {
        let same = |(found, meant): (u8, u8)| found == meant || (found, meant) == (b'.', b'_');
        found.len() == key.len() && found.bytes().zip(key.bytes()).all(same)
    };
    let mut found = counts.distinct(spelled).into_iter();
    let (member, other) = (found.next()?, found.next());
    let mut read = |member| fields::read(key, member, oddities).map(|Count(count)| count);
    let value = read(&member);
    let Some(other) = other else { return value };
    let other = read(&other);
    if value.is_some() && other.is_some() && value != other {
        oddities.value(|| format!("field {key}: it comes with two values"));
        return None;
    }
    value.or(other)
}

engagement_stats! {
    /// Recipients.
    sends = "em_sends",
    /// Contacts who opened the email; an estimate.
    opens = "em_opens",
    /// Contacts without a recorded opening; an estimate.
    not_opened = "em_not_opened",
    /// Contacts who followed a link.
    clicks = "em_clicks",
    /// Contacts who forwarded the email.
    forwards = "em_forwards",
    /// Contacts who unsubscribed.
    optouts = "em_optouts",
    /// Reports of the email as spam.
    abuse = "em_abuse",
    /// All openings, repeated ones included.
    opens_all = "em_opens_all",
    /// Openings on a phone.
    opens_mobile = "em_opens_all_mobile",
    /// Openings on a computer.
    opens_computer = "em_opens_all_computer",
    /// Openings on a tablet.
    opens_tablet = "em_opens_all_tablet",
    /// All clicks, repeated ones included.
    clicks_all = "em_clicks_all",
    /// Contacts whose email bounced for any reason.
    bounces = "em_bounces",
    /// Bounces because the receiving system blocked the email.
    bounces_blocked = "em_bounces_blocked",
    /// Bounces because the mailbox was full.
    bounces_mailbox_full = "em_bounces_mailbox_full",
    /// Bounces because the address does not exist.
    bounces_nonexistent_address = "em_bounces_nonexistent_address",
    /// Bounces because the address had been suspended.
    bounces_suspended = "em_bounces_suspended",
    /// Bounces because the email could not be delivered.
    bounces_undeliverable = "em_bounces_undeliverable",
    /// Out-of-office replies.
    bounces_vacation = "em_bounces_vacation",
    /// Bounces for other reasons.
    bounces_other = "em_bounces_other",
}
