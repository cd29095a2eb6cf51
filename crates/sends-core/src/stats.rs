//! Email statistics in the upstream's reports.

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
    /// Time at which the upstream last refreshed the counts. `None` when it is missing, null or unreadable.
    pub last_refresh_time: Option<Timestamp>,
    /// Counts of the activity.
    pub stats: EngagementStats,
    /// Number of values that could not be decoded and are `None`. Normally 0.
    pub unreadable_values: usize,
}

/// Statistics of all activities of one campaign (`/reports/stats/email_campaigns/{ids}`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignStats {
    /// Id of the campaign.
    pub id: CampaignId,
    /// Time at which the upstream last refreshed the counts. `None` when it is missing, null or unreadable.
    pub last_refresh_time: Option<Timestamp>,
    /// Counts of the campaign.
    pub stats: EngagementStats,
    /// Number of values that could not be decoded and are `None`. Normally 0.
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

/// The response is a single page that has no links. Unknown ids have no record.
impl Listed for ActivityStats {
    const MEMBER: &'static str = "results";
}

impl Listed for CampaignStats {
    const MEMBER: &'static str = "results";
}

/// Statistics of the summaries report: numbers of contacts, each counted once. A count is `None` when it is missing, null or
/// unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UniqueCounts {
    /// Number of recipients.
    pub sends: Option<i64>,
    /// Estimated number of contacts who opened the email.
    pub opens: Option<i64>,
    /// Number of contacts who followed a link.
    pub clicks: Option<i64>,
    /// Number of contacts who forwarded the email.
    pub forwards: Option<i64>,
    /// Number of contacts who unsubscribed.
    pub optouts: Option<i64>,
    /// Number of contacts who reported the email as spam.
    pub abuse: Option<i64>,
    /// Number of contacts whose email bounced.
    pub bounces: Option<i64>,
    /// Estimated number of contacts without a recorded open.
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

/// Defines [`EngagementStats`] from a list of counts and their keys.
macro_rules! engagement_stats {
    ($( $(#[$attribute:meta])* $field:ident = $key:literal, )+) => {
        /// Counts of the statistics reports, at least 0. A count is `None` when it is missing, null or unreadable.
        ///
        /// The words of some keys are separated by dots in the vendor's guide, and by underscores in its schema. Both spellings
        /// are accepted, as are numbers and strings of digits.
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
            /// Decodes the counts of a record. A missing `stats` member counts as one unreadable value.
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

/// Returns the count with this key, whose words are separated by underscores or dots. Both spellings may be present if their
/// values are equal.
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
        oddities.value(|| format!("field {key}: the two spellings have different values"));
        return None;
    }
    value.or(other)
}

engagement_stats! {
    /// Number of recipients.
    sends = "em_sends",
    /// Estimated number of contacts who opened the email.
    opens = "em_opens",
    /// Estimated number of contacts without a recorded open.
    not_opened = "em_not_opened",
    /// Number of contacts who followed a link.
    clicks = "em_clicks",
    /// Number of contacts who forwarded the email.
    forwards = "em_forwards",
    /// Number of contacts who unsubscribed.
    optouts = "em_optouts",
    /// Number of spam reports.
    abuse = "em_abuse",
    /// Estimated number of opens, including repeated opens.
    opens_all = "em_opens_all",
    /// Estimated number of opens on phones.
    opens_mobile = "em_opens_all_mobile",
    /// Estimated number of opens on computers.
    opens_computer = "em_opens_all_computer",
    /// Estimated number of opens on tablets.
    opens_tablet = "em_opens_all_tablet",
    /// Number of clicks, including repeated clicks.
    clicks_all = "em_clicks_all",
    /// Number of contacts whose email bounced for any reason.
    bounces = "em_bounces",
    /// Number of bounces because the receiving system blocked the email.
    bounces_blocked = "em_bounces_blocked",
    /// Number of bounces because the mailbox was full.
    bounces_mailbox_full = "em_bounces_mailbox_full",
    /// Number of bounces because the address does not exist.
    bounces_nonexistent_address = "em_bounces_nonexistent_address",
    /// Number of bounces because the address had been suspended.
    bounces_suspended = "em_bounces_suspended",
    /// Number of bounces because the email could not be delivered.
    bounces_undeliverable = "em_bounces_undeliverable",
    /// Number of out-of-office replies.
    bounces_vacation = "em_bounces_vacation",
    /// Number of bounces for other reasons.
    bounces_other = "em_bounces_other",
}
