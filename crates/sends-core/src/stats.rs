//! What contacts did with an email, in numbers.
//!
//! Owns the names of the counts in both reports and in both spellings. Must not judge them: that opens are estimates is
//! for whoever shows them to say.

use alloc::format;

use jiff::Timestamp;

use crate::fields::{self, Fields};
use crate::json::read_as_object;
use crate::lenient::Count;
use crate::{ActivityId, CampaignId, Listed, Oddities};

/// The statistics of one activity (`/reports/stats/email_campaign_activities/{ids}`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActivityStats {
    /// The activity's id.
    pub id: ActivityId,
    /// When the upstream last counted.
    pub last_refresh_time: Option<Timestamp>,
    /// The counts.
    pub stats: EngagementStats,
    /// How many values could not be read, and are missing. 0 as a rule.
    pub unreadable_values: usize,
}

/// The statistics of all activities of one campaign together (`/reports/stats/email_campaigns/{ids}`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CampaignStats {
    /// The campaign's id.
    pub id: CampaignId,
    /// When the upstream last counted.
    pub last_refresh_time: Option<Timestamp>,
    /// The counts.
    pub stats: EngagementStats,
    /// How many values could not be read, and are missing. 0 as a rule.
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

/// Both reports answer without links, and so with one page. An id that the upstream does not know is in none of the
/// records.
impl Listed for ActivityStats {
    const MEMBER: &'static str = "results";
}

impl Listed for CampaignStats {
    const MEMBER: &'static str = "results";
}

/// How many contacts did what, each counted once, as the summaries report says it. `None` where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UniqueCounts {
    /// Contacts the email was sent to.
    pub sends: Option<i64>,
    /// Contacts who opened it, as far as can be told.
    pub opens: Option<i64>,
    /// Contacts who followed a link.
    pub clicks: Option<i64>,
    /// Contacts who forwarded it.
    pub forwards: Option<i64>,
    /// Contacts who unsubscribed by it.
    pub optouts: Option<i64>,
    /// Contacts who reported it as unwanted.
    pub abuse: Option<i64>,
    /// Contacts it came back from.
    pub bounces: Option<i64>,
    /// Contacts who are not known to have opened it.
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

/// Writes [`EngagementStats`] from the one list of the counts and their keys.
macro_rules! engagement_stats {
    ($( $(#[$attribute:meta])* $field:ident = $key:literal, )+) => {
        /// How many contacts did what with an email, as the statistics reports say it. `None` where they do not.
        ///
        /// The vendor's guide separates the parts of some keys by dots and its schema by underscores; both are read, and both
        /// numbers and strings of digits.
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
            /// The counts of a record. One without `stats` has none, which counts as one value that cannot be read.
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

/// The count under this key, whose parts are separated by underscores or by dots. Both spellings may come side by side, as
/// long as they say the same.
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
    /// Contacts the email was sent to.
    sends = "em_sends",
    /// Contacts who opened it, as far as can be told.
    opens = "em_opens",
    /// Contacts who are not known to have opened it.
    not_opened = "em_not_opened",
    /// Contacts who followed a link.
    clicks = "em_clicks",
    /// Contacts who forwarded it.
    forwards = "em_forwards",
    /// Contacts who unsubscribed by it.
    optouts = "em_optouts",
    /// Reports of the email as unwanted.
    abuse = "em_abuse",
    /// Every opening, however often by one contact.
    opens_all = "em_opens_all",
    /// Openings on a phone.
    opens_mobile = "em_opens_all_mobile",
    /// Openings on a computer.
    opens_computer = "em_opens_all_computer",
    /// Openings on a tablet.
    opens_tablet = "em_opens_all_tablet",
    /// Every click, however often by one contact.
    clicks_all = "em_clicks_all",
    /// Contacts it came back from, for any reason.
    bounces = "em_bounces",
    /// Bounces because the receiving system blocked it.
    bounces_blocked = "em_bounces_blocked",
    /// Bounces because the mailbox was full.
    bounces_mailbox_full = "em_bounces_mailbox_full",
    /// Bounces because the address does not exist.
    bounces_nonexistent_address = "em_bounces_nonexistent_address",
    /// Bounces because the address had been suspended.
    bounces_suspended = "em_bounces_suspended",
    /// Bounces because it could not be delivered.
    bounces_undeliverable = "em_bounces_undeliverable",
    /// Answers of somebody who is away.
    bounces_vacation = "em_bounces_vacation",
    /// Bounces for other reasons.
    bounces_other = "em_bounces_other",
}
