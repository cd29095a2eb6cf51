//! State of a synchronisation: known campaigns, marks, queue and unreadable subjects, and what they say about gaps in the
//! [log](crate::SendLog).

mod unreadable;

use jiff::Timestamp;
use sends_core::{ActivityId, ActivityReference, ActivityRole, Campaign, CampaignId, Verbatim};

pub use unreadable::{FailedReading, Finding, Subject, UNCONFIRMED_REMOVAL, Unreadable};

use crate::{Owner, StoreFuture, StoredAnswer};

/// The memory of a sync: the campaigns of an owner, and the work that is left.
///
/// Every method that writes is one transaction, done when its future is. Whoever is killed at any moment finds either all of
/// it or nothing. Histories are written with [`Store::keep`](crate::Store::keep), before the work that asked for them is
/// [finished](Self::finish): work is done at least once, and may be done twice.
///
/// All of it goes with [`Store::forget`](crate::Store::forget).
pub trait SyncLog: Send + Sync {
    /// Keeps a page of a listing: what it says of campaigns, the work that follows from it, and how far the reader has come
    /// with it.
    fn keep_listing(&self, owner: Owner, listing: Listing) -> StoreFuture<'_, ()>;

    /// Keeps which activities a campaign has, in place of those that were kept before, and what it says of itself. The log
    /// then knows the campaign of their sends.
    ///
    /// An activity that is neither among the `listed` nor among the `unlisted` ones, which stay though the campaign does not
    /// list them, is dropped with its kept answer. One that another campaign lists stays with that, and is [claimed](Self::claims).
    fn keep_activities(
        &self,
        owner: Owner,
        campaign: Campaign,
        listed: Vec<ActivityReference>,
        unlisted: Vec<ActivityReference>,
    ) -> StoreFuture<'_, ()>;

    /// To whom those of these activities belong that are another campaign's, and what is contradictory about the activities of
    /// this campaign: what it claims of others, and others of it.
    fn claims<'a>(
        &'a self,
        owner: Owner,
        campaign: CampaignId,
        activities: &'a [ActivityReference],
    ) -> StoreFuture<'a, Vec<Claim>>;

    /// Keeps that the upstream knows a campaign no more. The kept answers of its activities are dropped, and its work with
    /// them. Activities that another campaign [claims](Self::claims) become activities of that one, with their answers.
    fn keep_gone(&self, owner: Owner, campaign: CampaignId) -> StoreFuture<'_, ()>;

    /// Decides on the known records that an answer lacks, which [`Store::keep`](crate::Store::keep) has kept: they are dropped
    /// when an earlier synchronisation has found just the same ones missing, and are marked as found missing otherwise.
    ///
    /// Returns how many records stay that the answer lacks.
    fn settle_history(
        &self,
        owner: Owner,
        activity: ActivityId,
        kept: StoredAnswer,
        finding: Finding,
    ) -> StoreFuture<'_, u64>;

    /// Takes a campaign's work off the queue, once everything that it asked for is kept.
    ///
    /// Work that was added for the campaign after `work` was taken from the queue stays, so that a change seen by another
    /// process meanwhile is not lost.
    fn finish(&self, owner: Owner, work: SyncWork) -> StoreFuture<'_, ()>;

    /// Keeps that something could not be read. So it stays until it is read, by whomever: a history with
    /// [`Store::keep`](crate::Store::keep), anything else with [`keep_read`](Self::keep_read), and until it is gone.
    ///
    /// What had failed before keeps the moment when it first did, and sends of it may be missing in the stretch that covers
    /// both.
    ///
    /// [`Store::keep`](crate::Store::keep) does the same by itself with an answer that lacks something: a history of which some
    /// sends or their dates cannot be read, one that lacks [known](UNCONFIRMED_REMOVAL) records of a campaign, and that there
    /// is no such activity while its campaign shows it or its sends are known. The known sends stay in the log.
    fn keep_failed(&self, owner: Owner, failed: FailedReading) -> StoreFuture<'_, ()>;

    /// Keeps that something which had [failed](Self::keep_failed) was read, with everything that it lacked.
    fn keep_read(&self, owner: Owner, subject: Subject) -> StoreFuture<'_, ()>;

    /// Keeps how far the reader has come.
    fn keep_state(&self, owner: Owner, state: SyncState) -> StoreFuture<'_, ()>;

    /// How far the reader has come; the default when it never has.
    fn state(&self, owner: Owner) -> StoreFuture<'_, SyncState>;

    /// The next campaigns to read, the one whose missing sends may be the newest first. They stay on the queue until they
    /// are [finished](Self::finish).
    fn next_work(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<SyncWork>>;

    /// How much is left to do.
    fn pending(&self, owner: Owner) -> StoreFuture<'_, Pending>;

    /// Since when and until when the log is complete, but for what cannot be [read](Self::unreadable).
    fn coverage(&self, owner: Owner) -> StoreFuture<'_, Coverage>;

    /// How complete the log is at `now` for the sends that ran at `from` or later and before `until`; without `from` from the
    /// first send on, without `until` up to where the [coverage](Self::coverage) ends. Queue and unreadable subjects are read as
    /// of one moment: a subject that moves from the one to the other is never missed.
    fn completeness(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreFuture<'_, Completeness>;

    /// What could not be read when it was last tried, the one whose missing sends may be the newest first.
    fn unreadable(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<Unreadable>>;

    /// How much of that sends may be missing of which ran at `from` or later and before `until`; without an end the stretch
    /// has none.
    fn unreadable_count(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> StoreFuture<'_, u64>;

    /// What is kept of these campaigns, in their order; `None` for one that is not known.
    fn campaigns<'a>(
        &'a self,
        owner: Owner,
        campaigns: &'a [CampaignId],
    ) -> StoreFuture<'a, Vec<Option<KnownCampaign>>>;

    /// The campaigns that have known activities, but for those that are gone or removed.
    fn campaigns_with_activities(&self, owner: Owner) -> StoreFuture<'_, Vec<CampaignId>>;

    /// The activities that have a send at `ran_since` or later, or one that is [staged](sends_core::Outcome::Staged), or that
    /// belong to a campaign whose status is `Executing`, and whose answer was fetched before `fetched_before`, or after `now`
    /// by a clock that was wrong. The one fetched longest ago comes first. What cannot be read is not among them.
    fn unsettled(
        &self,
        owner: Owner,
        ran_since: Timestamp,
        fetched_before: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<ActivityId>>;
}

/// What a page of a listing says, and what follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The campaigns, whatever was known of them before. One that was gone is back. Fields that are `None` replace what was
    /// known: the upstream says so.
    pub campaigns: Vec<Campaign>,
    /// When campaigns were last sent, as the summaries report has it; `None` when it names no send of the campaign any more. A
    /// campaign that is not known yet is added by its id.
    pub last_sent: Vec<(CampaignId, Option<Timestamp>)>,
    /// What is to be read. A campaign that is not known yet is added by its id. Work that is on the queue already for a
    /// campaign becomes one with the new: sends may be missing in the stretch that covers both.
    pub work: Vec<SyncWork>,
    /// How far the reader has come with this page; `None` when that has not changed.
    pub state: Option<SyncState>,
}

/// One campaign to read, and which sends the log may lack until that is done.
///
/// Moments are kept to the millisecond, rounded so that the stretch is never smaller than it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyncWork {
    /// The campaign.
    pub campaign: CampaignId,
    /// Sends that ran before this moment are in the log. `None` when the campaign was never read.
    pub missing_from: Option<Timestamp>,
    /// No missing send ran after this moment: when the campaign was last sent by the summaries report, or was last updated,
    /// or was listed.
    pub missing_until: Timestamp,
}

/// To which campaign an activity belongs, and which other one lists it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The activity.
    pub activity: ActivityId,
    /// The campaign that it belongs to: the first one that listed it, as long as it does.
    pub campaign: CampaignId,
    /// Whether that still lists it.
    pub is_listed: bool,
    /// The other campaign that lists it. `None` when none does.
    pub claimed_by: Option<CampaignId>,
}

/// How far a reader of the whole account has come. Moments are kept to the millisecond, rounded down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// When the account was last listed, by this machine's clock. What had changed before is in the log, on the queue or
    /// unreadable. `None` until a first listing has reached its end.
    pub listed_at: Option<Timestamp>,
    /// When the summaries report was last read, by this machine's clock.
    pub reports_read_at: Option<Timestamp>,
    /// The latest change of a campaign that a listing has shown, by the upstream's clock: where the next listing begins.
    pub changes_until: Option<Timestamp>,
    /// The latest send that the summaries report has shown, by the upstream's clock.
    pub sends_until: Option<Timestamp>,
    /// When the queue was last empty after a listing.
    pub finished_at: Option<Timestamp>,
    /// When the reader goes on, if it had to stop because the day's calls were used up.
    pub paused_until: Option<Timestamp>,
    /// When it last failed. `None` when it has succeeded since.
    pub failed_at: Option<Timestamp>,
    /// Why it last failed, in words for people. `None` when it has succeeded since.
    pub failure: Option<String>,
}

/// How much is left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// The campaigns that were never read.
    pub unread_campaigns: u64,
    /// The campaigns that changed since they were read.
    pub changed_campaigns: u64,
    /// The activities of these campaigns that are known and can have a history: a call each, beside one for each campaign and
    /// as many more as it turns out to have activities.
    pub known_activities: u64,
}

/// Which stretch of time the log is complete for: it has every send that the upstream showed and that ran in there, but for
/// those of what cannot be [read](SyncLog::unreadable).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// None. The log has what was asked for so far.
    #[default]
    Nothing,
    /// Everything that ran after `since` and before `until`.
    Between {
        /// `None` when nothing older is missing.
        since: Option<Timestamp>,
        /// When the account was last listed, or the earliest moment at which a campaign changed that has yet to be read.
        until: Timestamp,
    },
}

impl Coverage {
    /// The same unless it ends after `now`: then the account was listed while the clock was ahead, and until when the log is
    /// complete is not known.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        match self {
            Self::Between { until, .. } if until > now => Self::Nothing,
            known => known,
        }
    }

    /// Whether all sends in this stretch are in the log; without an end it reaches from the beginning, or to `now`.
    pub fn contains(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        match *self {
            Self::Nothing => false,
            Self::Between { since, until: end } => {
                let begins = since.is_none_or(|since| from.is_some_and(|from| from > since));
                begins && until.is_none_or(|until| until <= end)
            }
        }
    }
}

/// How complete the log is for a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completeness {
    /// Which stretch the log is complete for, but for what cannot be read, as of the moment that was asked for.
    pub coverage: Coverage,
    /// How many subjects cannot be read for which sends in the stretch may be missing.
    pub unreadable_count: u64,
    /// Whether the log has every send of the stretch that the upstream showed.
    pub is_complete: bool,
}

impl Completeness {
    /// The decision from the coverage as it is kept, at `now`, and the number of subjects that cannot be read.
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

/// What is kept of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCampaign {
    /// What the upstream said of it last.
    pub campaign: Campaign,
    /// When it was last sent, as the summaries report had it.
    pub last_sent_at: Option<Timestamp>,
    /// Whether the upstream listed it and knew it no more when it was asked for.
    pub is_gone: bool,
    /// Since when its activities cannot be read. `None` when they could be, or were never tried.
    pub failing_since: Option<Timestamp>,
    /// Whether it is on the queue.
    pub is_queued: bool,
    /// Its activities; empty until they were read, and when it is gone.
    pub activities: Vec<KnownActivity>,
}

/// What is kept of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownActivity {
    /// The activity.
    pub id: ActivityId,
    /// What it is within its campaign.
    pub role: Option<Verbatim<ActivityRole>>,
    /// When its history was fetched. `None` when no answer is kept.
    pub fetched_at: Option<Timestamp>,
    /// How many sends its history has. `None` when no history is kept.
    pub send_count: Option<u64>,
    /// When it was last sent, by that history.
    pub last_run_date: Option<Timestamp>,
    /// Since when its history cannot be read. `None` when it could be, or was never tried.
    pub failing_since: Option<Timestamp>,
}
