//! Rules for the calls to make: campaigns that may have been sent, and histories that may still change.
//!
//! All functions are pure. Upstream times are compared with each other. If an upstream time is compared with this machine's
//! clock, a time in the future is not credible.

use jiff::{SignedDuration, Timestamp};
use sends_core::{Campaign, CampaignId, CampaignStatus, Outcome, SendAttempt};
use sends_store::{Answer, KnownCampaign, StoredAnswer, SyncWork, Unreadable};

/// Overlap of a listing with the previous listing, since the upstream is not documented to list a change immediately. Records
/// that were already listed cost no call.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// Maximum difference between the dates of the same send in the report and in the history.
const SAME_SEND: SignedDuration = SignedDuration::from_mins(1);

/// Age at which each send is re-read once, regardless of its outcome.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Age up to which an unfinished send is re-read. Staged sends are released within 24 to 48 hours (documented), and a day is
/// added as a margin.
const UNFINISHED_FOR: SignedDuration = SignedDuration::from_hours(72);

const UNSETTLED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Growth factor of the maximum pause per attempt, which limits the effect of a wrong clock at the first attempt.
const GROWTH: i32 = 4;

const PAUSES: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(5), SignedDuration::from_hours(7 * 24));

/// Start and end of a period in which sends may be missing. A start of `None` is the beginning of the account.
pub(crate) type Period = (Option<Timestamp>, Timestamp);

pub(crate) fn period(work: &SyncWork) -> Period {
    (work.missing_from, work.missing_until)
}

pub(crate) fn work(campaign: CampaignId, (missing_from, missing_until): Period) -> SyncWork {
    SyncWork {
        campaign,
        missing_from,
        missing_until,
    }
}

pub(crate) fn both(one: Period, other: Period) -> Period {
    (one.0.min(other.0), one.1.max(other.1))
}

pub(crate) fn listed_from(mark: Timestamp) -> Timestamp {
    back(mark, OVERLAP)
}

/// Returns whether an upstream time is credible. A high-water mark further in the future would hide the changes until then.
pub(crate) fn is_credible(moment: Timestamp, now: Timestamp) -> bool {
    moment <= later(now, OVERLAP)
}

/// Returns whether an upstream time may be after a time of this machine if their clocks differ by up to an hour.
pub(crate) fn may_be_after(upstream: Timestamp, moment: Timestamp) -> bool {
    later(upstream, OVERLAP) >= moment
}

/// Returns whether to read a listing whose first page was last read at `read_at`. Each synchronisation reads the listing,
/// except during growing pauses while its first page fails. A gap after the first page has its own pauses.
pub(crate) fn listing_is_due(read_at: Option<Timestamp>, gap: Option<&Unreadable>, now: Timestamp) -> bool {
    let Some(gap) = gap else { return true };
    // A success that a wrong clock dated in the future would make later failures of the first page look like a gap after it.
    let read_at = read_at.filter(|read_at| *read_at <= now);
    let is_behind = read_at.is_some_and(|read_at| read_at >= gap.tried_at);
    is_behind || pause_is_over(gap.since.max(read_at.unwrap_or(gap.since)), gap, now)
}

pub(crate) fn work_of_listed(
    campaign: &Campaign,
    known: Option<&KnownCampaign>,
    from: Option<Timestamp>,
    now: Timestamp,
) -> Option<SyncWork> {
    if known.is_some_and(|known| is_unchanged(campaign, known)) || !can_have_sends(campaign, known) {
        return None;
    }
    // For a campaign that was never read, the date in the report is closer to its last send.
    let waits_by_report = known
        .is_some_and(|known| known.is_queued && known.last_sent_at.is_some() && known.activities.is_empty());
    let missing_until = campaign.updated_at.unwrap_or(now);
    let missing_from = || known.and_then(|known| complete_before(known, from, missing_until));
    (!waits_by_report).then(|| work(campaign.id, (missing_from(), missing_until)))
}

pub(crate) fn is_changed_draft(campaign: &Campaign, known: Option<&KnownCampaign>) -> bool {
    !can_have_sends(campaign, known) && !known.is_some_and(|known| is_unchanged(campaign, known))
}

/// Returns whether a listed campaign is known to be unchanged. A campaign without an update time may have changed. A campaign
/// that is listed again after its deletion has changed, unless it is listed as removed.
fn is_unchanged(campaign: &Campaign, known: &KnownCampaign) -> bool {
    let (before, status) = (&known.campaign, campaign.status.as_deref());
    let is_back = known.is_gone && status != Some(&CampaignStatus::Removed);
    campaign.updated_at.is_some()
        && before.updated_at == campaign.updated_at
        && before.status.as_deref() == status
        && !is_back
}

/// Returns the work for a campaign in a summaries report that is read back to `from`. `last_sent` is `None` for a send without
/// a date.
pub(crate) fn work_of_summary(
    campaign: CampaignId,
    last_sent: Option<Timestamp>,
    known: Option<&KnownCampaign>,
    from: Option<Timestamp>,
    now: Timestamp,
) -> Option<SyncWork> {
    let is_known = known.is_some_and(|known| match last_sent {
        // An undated send counts as known after the campaign was read.
        None => known.is_gone || known.failing_since.is_some() || !known.activities.is_empty(),
        // A date in the future would hide the sends until then, and an earlier date than before may hide another send.
        Some(last_sent) => {
            let goes_back = known.last_sent_at.is_some_and(|before| last_sent < before);
            let is_run =
                |ran| is_credible(ran, now) && (last_sent <= ran || is_report_of(ran, last_sent, known));
            known.last_sent_at == Some(last_sent) || !goes_back && last_run(known).is_some_and(is_run)
        }
    });
    // Another process may have read the unreadable history that covered the missing send.
    let is_unrecorded = known.is_some_and(|known| {
        let is_removed = known.campaign.status.as_deref() == Some(&CampaignStatus::Removed);
        let is_noticed = known.failing_since.is_some() || known.is_queued || is_removed;
        !is_noticed && only_reported(known).is_some()
    });
    let missing_until = last_sent.unwrap_or(now);
    let missing_from = || known.and_then(|known| complete_before(known, from, missing_until));
    (!is_known || is_unrecorded).then(|| work(campaign, (missing_from(), missing_until)))
}

/// Returns whether `last_sent` in the report may be the send at `ran`. If the report already had a date for that send, a later
/// date belongs to the next send.
fn is_report_of(ran: Timestamp, last_sent: Timestamp, known: &KnownCampaign) -> bool {
    let is_reported = known
        .last_sent_at
        .is_some_and(|before| later(before, SAME_SEND) >= ran);
    !is_reported && last_sent <= later(ran, SAME_SEND)
}

/// Returns the period of a missing send that only the report shows. Returns `None` as well if a history of the campaign is
/// unreadable, since that failure is already recorded and may be the cause.
pub(crate) fn only_reported(known: &KnownCampaign) -> Option<Period> {
    let last_sent = known.last_sent_at?;
    let is_recorded = known
        .activities
        .iter()
        .any(|activity| activity.failing_since.is_some());
    let ran = last_run(known);
    let is_shown = ran.is_some_and(|ran| last_sent <= later(ran, SAME_SEND));
    (!is_shown && !is_recorded && !known.is_gone).then_some((ran, last_sent))
}

pub(crate) fn unsettled_bounds(now: Timestamp) -> (Timestamp, Timestamp) {
    (back(now, UNFINISHED_FOR), back(now, UNSETTLED_EVERY))
}

/// Returns whether a history needs a re-read. Each send is re-read once, a day after its run, and an unfinished send every hour
/// for three days. An unsettled activity that meets neither condition is currently being sent.
pub(crate) fn is_due(stored: &StoredAnswer, now: Timestamp) -> bool {
    let Answer::History(history) = &stored.answer else {
        return false;
    };
    if stored.fetched_at > now {
        return true;
    }
    let age_of = |send: &SendAttempt| send.run_date.map(|ran| now.duration_since(ran));
    let settles = |send: &SendAttempt| {
        let Some(ran) = send.run_date else { return false };
        stored.fetched_at.duration_since(ran) < SETTLED_AFTER && now.duration_since(ran) >= SETTLED_AFTER
    };
    let is_recent = |send: &SendAttempt| age_of(send).is_some_and(|age| age < UNFINISHED_FOR);
    let is_ongoing = |send: &SendAttempt| is_recent(send) && is_unfinished(send.outcome());
    let is_staged = |send: &SendAttempt| send.outcome() == Outcome::Staged;
    history.iter().any(|send| settles(send) || is_ongoing(send))
        || !history.iter().any(|send| is_recent(send) || is_staged(send))
}

pub(crate) fn unsettled_from(stored: &StoredAnswer) -> Timestamp {
    let last_run = match &stored.answer {
        Answer::History(history) => history.summary().last_run_date,
        Answer::NotFound => None,
    };
    last_run.map_or(stored.fetched_at, |ran| ran.min(stored.fetched_at))
}

pub(crate) fn is_due_again(unreadable: &Unreadable, now: Timestamp) -> bool {
    pause_is_over(unreadable.since, unreadable, now)
}

/// Returns whether the pause after a failure is over. A pause is as long as the failure had lasted at the last attempt, so that
/// pauses double from five minutes to a week. The number of attempts also limits the pause. Otherwise a clock that was behind
/// at the first failure would extend the second pause to a week.
fn pause_is_over(fails_since: Timestamp, failed: &Unreadable, now: Timestamp) -> bool {
    let (minimum, maximum) = PAUSES;
    let failed_for = failed.tried_at.duration_since(fails_since);
    let growths = failed.attempts.saturating_sub(1).min(16);
    let possible = minimum
        .saturating_mul(GROWTH.saturating_pow(growths))
        .min(maximum);
    let paused_for = now.duration_since(failed.tried_at);
    // A time in the future is from a clock that was ahead.
    paused_for >= failed_for.clamp(minimum, possible) || paused_for.is_negative()
}

/// Returns whether a synchronisation that began at `began` may confirm the removal of known sends that an earlier
/// synchronisation missed.
pub(crate) fn removal_is_due(unreadable: &Unreadable, began: Timestamp, now: Timestamp) -> bool {
    let (tried_at, now) = (unreadable.tried_at, now.max(began));
    // Times are stored in milliseconds. A time in the future is from a clock that was ahead.
    let was_found_before = tried_at.as_millisecond() < began.as_millisecond() || tried_at > now;
    unreadable.is_unconfirmed_removal() && was_found_before
}

fn is_unfinished(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Staged | Outcome::PartiallySent | Outcome::Unknown
    )
}

/// Returns `false` for a draft that never had another status, since such a draft has no history. A campaign that was sent and
/// reverted to a draft before it was listed is in the summaries report.
fn can_have_sends(campaign: &Campaign, known: Option<&KnownCampaign>) -> bool {
    let was_more = known.is_some_and(|known| {
        !known.activities.is_empty() || known.failing_since.is_some() || known.last_sent_at.is_some()
    });
    was_more || campaign.status.as_deref() != Some(&CampaignStatus::Draft)
}

/// Returns the time before which no sends are missing of a campaign that was updated or sent at `changed`. This is the time of
/// the last read, but at most `from`, the start of a listing by the upstream's clock. Returns `None` if an activity was never
/// read.
fn complete_before(known: &KnownCampaign, from: Option<Timestamp>, changed: Timestamp) -> Option<Timestamp> {
    let sendable = known.activities.iter().filter(|activity| {
        let role = activity.role.as_deref();
        role.is_none_or(sends_core::ActivityRole::can_be_sent)
    });
    let fetched: Option<Vec<Timestamp>> = sendable.map(|activity| activity.fetched_at).collect();
    let read_at = fetched?.into_iter().min()?;
    let complete = from.map_or(read_at, |from| from.min(read_at));
    if complete <= changed {
        return Some(complete);
    }
    // This machine's clock was ahead when the campaign was read.
    known.campaign.updated_at.filter(|before| *before <= changed)
}

fn last_run(known: &KnownCampaign) -> Option<Timestamp> {
    known
        .activities
        .iter()
        .filter_map(|activity| activity.last_run_date)
        .max()
}

fn back(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
