//! Failed reads of single subjects, with the time range of the sends that may be missing.

use jiff::Timestamp;
use sends_core::{ActivityId, Campaign, CampaignId};

/// Upstream resource whose read can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Listing of campaigns and their changes.
    Campaigns,
    /// Summaries report, with the last send of each campaign.
    Summaries,
    /// Activities of a campaign.
    Campaign(CampaignId),
    History(ActivityId),
}

/// Failed read. Times are stored in milliseconds, and the range of missing sends is rounded outwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReading {
    pub subject: Subject,
    /// Time before which all sends are in the log. `None` if the subject was never read.
    pub missing_from: Option<Timestamp>,
    /// Time after which no send is missing.
    pub missing_until: Timestamp,
    pub failed_at: Timestamp,
    /// Number of records of a listing, including unreadable records. 0 for other subjects.
    pub records: u64,
    /// Explanation for users, as a sentence.
    pub reason: String,
}

/// Failure reason of a history whose last response lacks known records, and of a campaign that is no longer found. A single
/// response may be wrong, so the known sends stay in the log until a second synchronisation misses the same records.
pub const UNCONFIRMED_REMOVAL: &str = "Constant Contact no longer shows these sends. They stay in the log until the next synchronisation confirms their removal.";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub subject: Subject,
    /// Campaign of the subject. `None` while the campaign is unknown.
    pub campaign: Option<Campaign>,
    /// Time before which all sends are in the log. `None` if the subject was never read.
    pub missing_from: Option<Timestamp>,
    /// Time after which no send is missing.
    pub missing_until: Timestamp,
    /// Time of the first failure since the last complete read.
    pub since: Timestamp,
    pub tried_at: Timestamp,
    /// Number of attempts since the first failure, 1 or more.
    pub attempts: u32,
    /// Maximum of [`FailedReading::records`] since the first failure.
    pub records: u64,
    /// Explanation of the last failure, as a sentence for users.
    pub reason: String,
    /// Whether the campaign of the subject is queued. The subject is then read again with the campaign.
    pub is_queued: bool,
}

impl Unreadable {
    /// Returns whether the reason is [`UNCONFIRMED_REMOVAL`].
    pub fn is_unconfirmed_removal(&self) -> bool {
        self.reason == UNCONFIRMED_REMOVAL
    }
}

/// Discovery of missing records by a synchronisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    pub found_at: Timestamp,
    /// Start of the synchronisation, which confirms only findings before this time.
    pub began: Timestamp,
}
