//! Readings that failed by themselves while others succeed, and the stretch of time in which sends may be missing for it.

use jiff::Timestamp;
use sends_core::{ActivityId, Campaign, CampaignId};

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Which campaigns there are and which of them changed.
    Campaigns,
    /// When campaigns were last sent: the summaries report.
    Summaries,
    /// Which activities a campaign has.
    Campaign(CampaignId),
    /// The history of an activity.
    History(ActivityId),
}

/// A reading that failed.
///
/// Moments are kept to the millisecond, rounded so that the stretch in which sends may be missing is never smaller than it
/// was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReading {
    /// What was read.
    pub subject: Subject,
    /// Sends of it that ran before this moment are in the log. `None` when it was never read.
    pub missing_from: Option<Timestamp>,
    /// No missing send ran after this moment.
    pub missing_until: Timestamp,
    /// When it failed.
    pub failed_at: Timestamp,
    /// How many records a listing had, those that could not be read included. 0 for everything else.
    pub records: u64,
    /// Why, in words for people.
    pub reason: String,
}

/// Why a history is named of which the last answer lacks known records, and a campaign that is found no more: one answer may be
/// wrong. The known sends stay in the log until a second synchronisation finds the same ones missing.
pub const UNCONFIRMED_REMOVAL: &str = "Constant Contact no longer shows these sends. What is known of them stays in the log until the next synchronisation confirms that.";

/// Something that could not be read when it was last tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What it is.
    pub subject: Subject,
    /// The campaign that it is or belongs to. `None` while nobody has read which one that is.
    pub campaign: Option<Campaign>,
    /// Sends of it that ran before this moment are in the log. `None` when it was never read.
    pub missing_from: Option<Timestamp>,
    /// No missing send ran after this moment.
    pub missing_until: Timestamp,
    /// When it first failed. It was never read as a whole since.
    pub since: Timestamp,
    /// When it was last tried.
    pub tried_at: Timestamp,
    /// How often it was tried since it first failed; 1 or more.
    pub attempts: u32,
    /// The most [records](FailedReading::records) that a listing had since it first failed.
    pub records: u64,
    /// Why it failed then, in words for people.
    pub reason: String,
    /// Whether its campaign is on the queue, and read again with that.
    pub is_queued: bool,
}

impl Unreadable {
    /// Whether known sends were not shown once, and stay until that is [confirmed](UNCONFIRMED_REMOVAL).
    pub fn is_unconfirmed_removal(&self) -> bool {
        self.reason == UNCONFIRMED_REMOVAL
    }
}

/// That a synchronisation found known records missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// When it found that.
    pub found_at: Timestamp,
    /// When it began: what was found earlier is confirmed.
    pub began: Timestamp,
}
