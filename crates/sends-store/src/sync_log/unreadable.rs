//! Failed readings of single subjects, with the time range of the sends that may be missing.

use jiff::Timestamp;
use sends_core::{ActivityId, Campaign, CampaignId};

/// An upstream resource whose reading can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The listing of campaigns and their changes.
    Campaigns,
    /// The summaries report, with the last send of each campaign.
    Summaries,
    /// The activities of a campaign.
    Campaign(CampaignId),
    History(ActivityId),
}

/// A failed reading. Times are stored in milliseconds, with the range of missing sends rounded outwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReading {
    pub subject: Subject,
    /// Sends before this time are in the log. `None` if the subject was never read.
    pub missing_from: Option<Timestamp>,
    /// No missing send is later.
    pub missing_until: Timestamp,
    pub failed_at: Timestamp,
    /// The number of records of a listing, unreadable ones included. 0 for other subjects.
    pub records: u64,
    /// A sentence for users.
    pub reason: String,
}

/// The reason for a history whose last response lacks known records, and for a campaign that is no longer found. One response
/// may be wrong: the known sends stay in the log until a second synchronisation misses the same ones.
pub const UNCONFIRMED_REMOVAL: &str = "Constant Contact no longer shows these sends. What is known of them stays in the log until the next synchronisation confirms that.";

/// A subject whose last reading failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub subject: Subject,
    /// The campaign of the subject. `None` while unknown.
    pub campaign: Option<Campaign>,
    /// Sends before this time are in the log. `None` if the subject was never read.
    pub missing_from: Option<Timestamp>,
    /// No missing send is later.
    pub missing_until: Timestamp,
    /// The first failure since the last complete reading.
    pub since: Timestamp,
    pub tried_at: Timestamp,
    /// The number of attempts since the first failure, 1 or more.
    pub attempts: u32,
    /// The maximum of [records](FailedReading::records) since the first failure.
    pub records: u64,
    /// A sentence for users about the last failure.
    pub reason: String,
    /// Whether the campaign of the subject is queued; the subject is then read again with it.
    pub is_queued: bool,
}

impl Unreadable {
    /// See [`UNCONFIRMED_REMOVAL`].
    pub fn is_unconfirmed_removal(&self) -> bool {
        self.reason == UNCONFIRMED_REMOVAL
    }
}

/// The discovery of missing records by a synchronisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    pub found_at: Timestamp,
    /// The start of the synchronisation, which confirms earlier findings.
    pub began: Timestamp,
}
