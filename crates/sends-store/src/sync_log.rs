//! Interface of the synchronisation state, which describes the gaps of the [log](crate::SendLog).

mod unreadable;

use jiff::Timestamp;
use sends_core::{ActivityId, ActivityReference, ActivityRole, Campaign, CampaignId, Verbatim};

pub use unreadable::{FailedReading, Finding, Subject, UNCONFIRMED_REMOVAL, Unreadable};

use crate::{Owner, StoreFuture, StoredAnswer};

/// State of an owner's synchronisation: campaigns, progress, queue and failures.
///
/// Every write is one transaction, which is committed when the future completes. Histories are written with
/// [`Store::keep`](crate::Store::keep) before their work is [finished](Self::finish), so that work is processed at least once.
/// [`Store::forget`](crate::Store::forget) deletes the whole state.
pub trait SyncLog: Send + Sync {
    /// Stores a page of a listing with the resulting work and progress.
    fn keep_listing(&self, owner: Owner, listing: Listing) -> StoreFuture<'_, ()>;

    /// Replaces the details and the activities of a campaign. The log then shows the sends of these activities with the
    /// campaign.
    ///
    /// `unlisted` activities are retained although the campaign does not list them. Other activities of the campaign are
    /// deleted with their stored responses. An activity that another campaign lists stays with that campaign, and is
    /// [claimed](Self::claims).
    fn keep_activities(
        &self,
        owner: Owner,
        campaign: Campaign,
        listed: Vec<ActivityReference>,
        unlisted: Vec<ActivityReference>,
    ) -> StoreFuture<'_, ()>;

    /// Returns the claims of other campaigns to `activities`, and all contradictory claims that involve this campaign.
    fn claims<'a>(
        &'a self,
        owner: Owner,
        campaign: CampaignId,
        activities: &'a [ActivityReference],
    ) -> StoreFuture<'a, Vec<Claim>>;

    /// Marks a campaign as deleted upstream, and deletes its activities, their stored responses and its work. Activities that
    /// another campaign [claims](Self::claims) move to that campaign with their responses.
    fn keep_gone(&self, owner: Owner, campaign: CampaignId) -> StoreFuture<'_, ()>;

    /// Deletes the known records that a response lacks if an earlier synchronisation missed exactly the same records. Otherwise
    /// marks them as missing. Returns the number of missing records that are retained.
    fn settle_history(
        &self,
        owner: Owner,
        activity: ActivityId,
        answer: StoredAnswer,
        finding: Finding,
    ) -> StoreFuture<'_, u64>;

    /// Removes a campaign's work from the queue after its results are stored. Work that was added after `work` was taken is
    /// retained, so that a change detected by another process is not lost.
    fn finish(&self, owner: Owner, work: SyncWork) -> StoreFuture<'_, ()>;

    /// Stores a failed read. The failure stays until the subject is read or deleted. [`Store::keep`](crate::Store::keep) clears
    /// the failure of a history, and [`keep_read`](Self::keep_read) clears that of any other subject. A repeated failure
    /// retains its first time, and merges the ranges of missing sends.
    ///
    /// [`Store::keep`](crate::Store::keep) also stores a failure for an incomplete response: a history that has unreadable sends
    /// or dates, or lacks [known](UNCONFIRMED_REMOVAL) records. "Not found" is incomplete if the campaign lists the activity or
    /// sends of the activity are known. Known sends stay in the log.
    fn keep_failed(&self, owner: Owner, failed: FailedReading) -> StoreFuture<'_, ()>;

    /// Deletes the [failure](Self::keep_failed) of a subject that was read completely.
    fn keep_read(&self, owner: Owner, subject: Subject) -> StoreFuture<'_, ()>;

    fn keep_state(&self, owner: Owner, state: SyncState) -> StoreFuture<'_, ()>;

    /// Returns the default before the first synchronisation.
    fn state(&self, owner: Owner) -> StoreFuture<'_, SyncState>;

    /// Returns the next campaigns to read, sorted by their latest possible missing send, newest first. The work stays queued
    /// until it is [finished](Self::finish).
    fn next_work(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<SyncWork>>;

    fn pending(&self, owner: Owner) -> StoreFuture<'_, Pending>;

    fn coverage(&self, owner: Owner) -> StoreFuture<'_, Coverage>;

    /// Returns the completeness at `now` for the sends from `from` (inclusive) until `until` (exclusive). If `from` is `None`,
    /// the range has no start. If `until` is `None`, the range ends with the [coverage](Self::coverage). Queue and failures are
    /// read in one snapshot, so that a subject that moves between them is not missed.
    fn completeness(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreFuture<'_, Completeness>;

    /// Returns the subjects whose last read failed, sorted by their latest possible missing send, newest first.
    fn unreadable(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<Unreadable>>;

    /// Returns the number of unreadable subjects with possible sends from `from` (inclusive) until `until` (exclusive).
    fn unreadable_count(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> StoreFuture<'_, u64>;

    /// Returns `None` for an unknown campaign.
    fn campaigns<'a>(
        &'a self,
        owner: Owner,
        campaigns: &'a [CampaignId],
    ) -> StoreFuture<'a, Vec<Option<KnownCampaign>>>;

    /// Returns the campaigns that have known activities and are neither deleted nor removed.
    fn campaigns_with_activities(&self, owner: Owner) -> StoreFuture<'_, Vec<CampaignId>>;

    /// Returns the activities whose history may still change, sorted by fetch time, oldest first.
    ///
    /// A history may change if it has a send at or after `ran_since`, if it has a [staged](sends_core::Outcome::Staged) send,
    /// or if its campaign has the status `Executing`. Histories fetched from `fetched_before` until `now` are excluded. A fetch
    /// after `now` indicates a wrong clock. Unreadable activities are excluded.
    fn unsettled(
        &self,
        owner: Owner,
        ran_since: Timestamp,
        fetched_before: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<ActivityId>>;
}

/// Page of a listing with the resulting work and progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Campaigns that replace the stored campaigns, including fields that are `None`. A campaign that was marked as deleted is
    /// restored.
    pub campaigns: Vec<Campaign>,
    /// Times of the last sends in the summaries report. `None` clears the stored time. An unknown campaign is added by its id.
    pub last_sent: Vec<(CampaignId, Option<Timestamp>)>,
    /// Work that is added to the queue, merged with queued work of the same campaign. An unknown campaign is added by its id.
    pub work: Vec<SyncWork>,
    /// `None` if the progress is unchanged.
    pub state: Option<SyncState>,
}

/// Campaign to read, with the time range of the sends that may be missing until then. Times are stored in milliseconds, and the
/// range is rounded outwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyncWork {
    pub campaign: CampaignId,
    /// Time before which all sends are in the log. `None` if the campaign was never read.
    pub missing_from: Option<Timestamp>,
    /// Time after which no send is missing: the last send in the summaries report, the last update, or the time of the listing.
    pub missing_until: Timestamp,
}

/// Activity that several campaigns list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub activity: ActivityId,
    /// Campaign to which the activity belongs. The activity moves to a claiming campaign only after this campaign no longer
    /// lists it.
    pub campaign: CampaignId,
    /// Whether `campaign` still lists the activity.
    pub is_listed: bool,
    /// Another campaign that lists the activity.
    pub claimed_by: Option<CampaignId>,
}

/// Progress of a synchronisation. Times are stored in milliseconds, rounded down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// Time of the last complete listing, by this machine's clock. Earlier changes are in the log, queued or unreadable.
    pub listed_at: Option<Timestamp>,
    /// Time of the last read of the summaries report, by this machine's clock.
    pub reports_read_at: Option<Timestamp>,
    /// Time of the latest change in a listing, by the upstream's clock. The next listing starts at this time.
    pub changes_until: Option<Timestamp>,
    /// Time of the latest send in the summaries report, by the upstream's clock.
    pub sends_until: Option<Timestamp>,
    /// Last time at which the queue was empty after a listing.
    pub finished_at: Option<Timestamp>,
    /// Time at which work resumes after the daily quota was used up.
    pub paused_until: Option<Timestamp>,
    /// Time of the last failure. `None` after a success.
    pub failed_at: Option<Timestamp>,
    /// Explanation of the last failure, as a sentence for users. `None` after a success.
    pub failure: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Number of campaigns that were never read.
    pub unread_campaigns: u64,
    /// Number of campaigns that changed since their last read.
    pub changed_campaigns: u64,
    /// Number of known activities of unread and changed campaigns that can have a history. Each of these activities costs a
    /// call, and so does each campaign and each newly discovered activity.
    pub known_activities: u64,
}

/// Time range in which the log has every send that the upstream showed, except those of [unreadable](SyncLog::unreadable)
/// subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// Empty range. The log has only histories that were requested individually.
    #[default]
    Nothing,
    Between {
        /// Exclusive start. `None` if no older send is missing.
        since: Option<Timestamp>,
        /// Exclusive end: the last listing, or the earliest change that is still queued.
        until: Timestamp,
    },
}

impl Coverage {
    /// Returns [`Nothing`](Self::Nothing) if the range ends after `now`. The account was then listed while the clock was ahead,
    /// and the true end is unknown.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        match self {
            Self::Between { until, .. } if until > now => Self::Nothing,
            known => known,
        }
    }

    /// Returns whether a range is covered. If `from` is `None`, the range has no start. If `until` is `None`, the range ends with
    /// the coverage and must begin within the coverage.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completeness {
    pub coverage: Coverage,
    /// Number of unreadable subjects with possible sends in the range.
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCampaign {
    pub campaign: Campaign,
    /// Time of the last send in the summaries report.
    pub last_sent_at: Option<Timestamp>,
    /// Whether the campaign was listed but is no longer found by its id.
    pub is_gone: bool,
    /// Time of the first failure to read the campaign's activities. `None` after a success.
    pub failing_since: Option<Timestamp>,
    pub is_queued: bool,
    /// Empty before the first read, and for a deleted campaign.
    pub activities: Vec<KnownActivity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownActivity {
    pub id: ActivityId,
    pub role: Option<Verbatim<ActivityRole>>,
    /// `None` if there is no stored response.
    pub fetched_at: Option<Timestamp>,
    /// `None` if there is no stored history.
    pub send_count: Option<u64>,
    pub last_run_date: Option<Timestamp>,
    /// Time of the first failure to read the activity's history. `None` after a success.
    pub failing_since: Option<Timestamp>,
}
