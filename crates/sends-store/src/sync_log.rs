//! Interface of the synchronisation state, which shows the gaps of the [log](crate::SendLog).

mod unreadable;

use jiff::Timestamp;
use sends_core::{ActivityId, ActivityReference, ActivityRole, Campaign, CampaignId, Verbatim};

pub use unreadable::{FailedReading, Finding, Subject, UNCONFIRMED_REMOVAL, Unreadable};

use crate::{Owner, StoreFuture, StoredAnswer};

/// The state of an owner's synchronisation: campaigns, progress, queue and failures.
///
/// Every write is one transaction, complete when its future is. Histories are written with [`Store::keep`](crate::Store::keep)
/// before their work is [finished](Self::finish): work is done at least once, and may be done twice.
/// [`Store::forget`](crate::Store::forget) removes all of it.
pub trait SyncLog: Send + Sync {
    /// Stores a page of a listing with the work and the progress that follow from it.
    fn keep_listing(&self, owner: Owner, listing: Listing) -> StoreFuture<'_, ()>;

    /// Replaces the details and the activities of a campaign. The log then shows the campaign with their sends.
    ///
    /// `unlisted` activities stay though the campaign does not list them. Other activities of the campaign are removed with
    /// their stored responses. An activity that another campaign lists stays with that one, and is [claimed](Self::claims).
    fn keep_activities(
        &self,
        owner: Owner,
        campaign: Campaign,
        listed: Vec<ActivityReference>,
        unlisted: Vec<ActivityReference>,
    ) -> StoreFuture<'_, ()>;

    /// The owners of those `activities` that belong to other campaigns, and all contradictory claims by and on this campaign.
    fn claims<'a>(
        &'a self,
        owner: Owner,
        campaign: CampaignId,
        activities: &'a [ActivityReference],
    ) -> StoreFuture<'a, Vec<Claim>>;

    /// Marks a campaign as gone at the upstream, and removes its activities, their stored responses, and its work. Activities
    /// that another campaign [claims](Self::claims) move to that one with their responses.
    fn keep_gone(&self, owner: Owner, campaign: CampaignId) -> StoreFuture<'_, ()>;

    /// Removes the known records that a response lacks if an earlier synchronisation has missed exactly the same ones, and
    /// otherwise marks them as missing. Returns the number of missing records that stay.
    fn settle_history(
        &self,
        owner: Owner,
        activity: ActivityId,
        answer: StoredAnswer,
        finding: Finding,
    ) -> StoreFuture<'_, u64>;

    /// Removes a campaign's work from the queue, once its results are stored. Work that was added after `work` was taken stays,
    /// so that a change seen by another process is not lost.
    fn finish(&self, owner: Owner, work: SyncWork) -> StoreFuture<'_, ()>;

    /// Stores a failed reading. It stays until the subject is read, a history with [`Store::keep`](crate::Store::keep) and
    /// anything else with [`keep_read`](Self::keep_read), or is gone. A repeated failure keeps its first time, and the union of
    /// both ranges of missing sends.
    ///
    /// [`Store::keep`](crate::Store::keep) itself stores a failure for an incomplete response: a history with unreadable sends
    /// or dates, one without [known](UNCONFIRMED_REMOVAL) records, and "not found" for an activity that its campaign shows or
    /// whose sends are known. The known sends stay in the log.
    fn keep_failed(&self, owner: Owner, failed: FailedReading) -> StoreFuture<'_, ()>;

    /// Removes the [failure](Self::keep_failed) of a subject that was read completely.
    fn keep_read(&self, owner: Owner, subject: Subject) -> StoreFuture<'_, ()>;

    fn keep_state(&self, owner: Owner, state: SyncState) -> StoreFuture<'_, ()>;

    /// The default before the first synchronisation.
    fn state(&self, owner: Owner) -> StoreFuture<'_, SyncState>;

    /// The next campaigns to read, the one with the newest possible missing send first. They stay queued until they are
    /// [finished](Self::finish).
    fn next_work(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<SyncWork>>;

    fn pending(&self, owner: Owner) -> StoreFuture<'_, Pending>;

    fn coverage(&self, owner: Owner) -> StoreFuture<'_, Coverage>;

    /// The completeness at `now` for the sends from `from` (inclusive) until `until` (exclusive). Without `from` the range is
    /// unbounded, without `until` it ends where the [coverage](Self::coverage) ends. Queue and failures are read in one
    /// snapshot, so that a subject that moves from one to the other is not missed.
    fn completeness(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreFuture<'_, Completeness>;

    /// The subjects whose last reading failed, the one with the newest possible missing send first.
    fn unreadable(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<Unreadable>>;

    /// The number of unreadable subjects with possible sends from `from` (inclusive) until `until` (exclusive).
    fn unreadable_count(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> StoreFuture<'_, u64>;

    /// `None` for an unknown campaign.
    fn campaigns<'a>(
        &'a self,
        owner: Owner,
        campaigns: &'a [CampaignId],
    ) -> StoreFuture<'a, Vec<Option<KnownCampaign>>>;

    /// The campaigns with known activities that are neither gone nor removed.
    fn campaigns_with_activities(&self, owner: Owner) -> StoreFuture<'_, Vec<CampaignId>>;

    /// The activities whose history may still change and was fetched before `fetched_before`, or after `now` by a wrong clock:
    /// those with a send at `ran_since` or later, with a [staged](sends_core::Outcome::Staged) send, or of a campaign with the
    /// status `Executing`. The oldest response is first. Unreadable activities are excluded.
    fn unsettled(
        &self,
        owner: Owner,
        ran_since: Timestamp,
        fetched_before: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<ActivityId>>;
}

/// A page of a listing, with the work and the progress that follow from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Replaces the stored campaigns, including fields that are `None` now. A campaign that was gone is back.
    pub campaigns: Vec<Campaign>,
    /// The last sends by the summaries report; `None` if it no longer has one. An unknown campaign is added by its id.
    pub last_sent: Vec<(CampaignId, Option<Timestamp>)>,
    /// Added to the queue, and united with queued work of the same campaign. An unknown campaign is added by its id.
    pub work: Vec<SyncWork>,
    /// `None` if the progress has not changed.
    pub state: Option<SyncState>,
}

/// A campaign to read, with the time range of the sends that may be missing until then, stored in milliseconds and rounded
/// outwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyncWork {
    pub campaign: CampaignId,
    /// Earlier sends are in the log. `None` if the campaign was never read.
    pub missing_from: Option<Timestamp>,
    /// No missing send is later: the last send by the summaries report, the last update, or the time of the listing.
    pub missing_until: Timestamp,
}

/// An activity that several campaigns list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub activity: ActivityId,
    /// The campaign of the activity: the first one that listed it, while it still does.
    pub campaign: CampaignId,
    /// Whether that campaign still lists the activity.
    pub is_listed: bool,
    /// Another campaign that lists the activity.
    pub claimed_by: Option<CampaignId>,
}

/// The progress of a synchronisation. Times are stored in milliseconds, rounded down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// The last complete listing, by this machine's clock. Earlier changes are in the log, queued or unreadable.
    pub listed_at: Option<Timestamp>,
    /// The last reading of the summaries report, by this machine's clock.
    pub reports_read_at: Option<Timestamp>,
    /// The latest change in a listing, by the upstream's clock: the start of the next listing.
    pub changes_until: Option<Timestamp>,
    /// The latest send in the summaries report, by the upstream's clock.
    pub sends_until: Option<Timestamp>,
    /// The last time that the queue was empty after a listing.
    pub finished_at: Option<Timestamp>,
    /// The time to continue after the day's calls were used up.
    pub paused_until: Option<Timestamp>,
    /// The last failure. `None` after a success.
    pub failed_at: Option<Timestamp>,
    /// A sentence for users about the last failure. `None` after a success.
    pub failure: Option<String>,
}

/// The remaining work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Campaigns that were never read.
    pub unread_campaigns: u64,
    /// Campaigns that changed since they were read.
    pub changed_campaigns: u64,
    /// The known activities of the unread and changed campaigns that can have a history. Each costs a call, as does each
    /// campaign and each activity that is discovered.
    pub known_activities: u64,
}

/// The time range for which the log has every send that the upstream showed, except those of [unreadable](SyncLog::unreadable)
/// subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// No range. The log has the histories that were requested.
    #[default]
    Nothing,
    Between {
        /// Exclusive. `None` if no older send is missing.
        since: Option<Timestamp>,
        /// Exclusive. The last listing, or the earliest change that is still queued.
        until: Timestamp,
    },
}

impl Coverage {
    /// [`Nothing`](Self::Nothing) if the range ends after `now`: the account was listed while the clock was ahead, and the true
    /// end is unknown.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        match self {
            Self::Between { until, .. } if until > now => Self::Nothing,
            known => known,
        }
    }

    /// Whether the range is covered. Without `from` it is unbounded, without `until` it ends with the coverage, in which it must begin.
    pub fn contains(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        match *self {
            Self::Nothing => false,
            Self::Between { since, until: end } => {
                let begins = since.is_none_or(|since| from.is_some_and(|from| from > since));
                let ends = until.map_or(from.is_none_or(|from| from < end), |until| until <= end);
                begins && ends
            }
        }
    }
}

/// The completeness of the log for a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completeness {
    pub coverage: Coverage,
    /// Unreadable subjects with possible sends in the range.
    pub unreadable_count: u64,
    /// Whether the log has every send of the range that the upstream showed.
    pub is_complete: bool,
}

impl Completeness {
    pub fn new(
        coverage: Coverage,
        unreadable_count: u64,
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
    ) -> Self {
        let coverage = coverage.as_of(now);
        Self {
            coverage,
            unreadable_count,
            is_complete: coverage.contains(from, until) && unreadable_count == 0,
        }
    }
}

/// A stored campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCampaign {
    pub campaign: Campaign,
    /// By the summaries report.
    pub last_sent_at: Option<Timestamp>,
    /// Whether the campaign was listed, but not found by its id.
    pub is_gone: bool,
    /// The first failure to read its activities. `None` after a success.
    pub failing_since: Option<Timestamp>,
    pub is_queued: bool,
    /// Empty before the first reading, and for a campaign that is gone.
    pub activities: Vec<KnownActivity>,
}

/// A stored activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownActivity {
    pub id: ActivityId,
    pub role: Option<Verbatim<ActivityRole>>,
    /// `None` without a stored response.
    pub fetched_at: Option<Timestamp>,
    /// `None` without a stored history.
    pub send_count: Option<u64>,
    pub last_run_date: Option<Timestamp>,
    /// The first failure to read its history. `None` after a success.
    pub failing_since: Option<Timestamp>,
}
