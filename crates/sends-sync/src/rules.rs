//! What is worth a call: which campaigns can have been sent, and which histories may still change by themselves.
//!
//! Pure functions. Moments of the upstream are compared with each other; where one is compared with this machine's clock, one
//! that lies in the future is not believed.

use jiff::{SignedDuration, Timestamp};
use sends_core::{Campaign, CampaignId, CampaignStatus, Outcome, SendAttempt};
use sends_store::{Answer, KnownCampaign, StoredAnswer, SyncWork, Unreadable};

/// So far before the latest change that was listed the next listing begins. What was listed already costs nothing but its line
/// on the page, and whether the upstream lists a change at once is not documented.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// The report and the history may date the same send differently by so much.
const SAME_SEND: SignedDuration = SignedDuration::from_mins(1);

/// How old a send is when it is read once more, whatever it looked like before.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// For so long after it ran a send that is not finished is read again and again: staged sends are released within 24 to 48
/// hours (documented), and a day is for what goes wrong.
const UNFINISHED_FOR: SignedDuration = SignedDuration::from_hours(72);

/// How often a history is read that may be changing by itself.
const UNSETTLED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// In which proportion the longest possible pause grows with each attempt, whatever a clock says that was wrong at the first one.
const GROWTH: i32 = 4;

/// The shortest and the longest pause between two attempts at what cannot be read.
const PAUSES: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(5), SignedDuration::from_hours(7 * 24));

/// From when on records are listed, when everything up to `mark` was listed before.
pub(crate) fn listed_from(mark: Timestamp) -> Timestamp {
    back(mark, OVERLAP)
}

/// Whether a moment of the upstream can be right: a mark further ahead would hide what happens until then.
pub(crate) fn is_credible(moment: Timestamp, now: Timestamp) -> bool {
    moment <= later(now, OVERLAP)
}

/// Whether what the upstream dates like this may have happened after a moment of this machine, as far as their clocks agree.
pub(crate) fn may_be_after(upstream: Timestamp, moment: Timestamp) -> bool {
    later(upstream, OVERLAP) >= moment
}

/// Whether to read a listing whose first page was last read at `read_at` and of which `gap` could not be read: in each
/// synchronisation, but for pauses that grow while its first page fails. What is lacking behind that page has pauses of its own.
pub(crate) fn listing_is_due(read_at: Option<Timestamp>, gap: Option<&Unreadable>, now: Timestamp) -> bool {
    let Some(gap) = gap else { return true };
    // A success that a clock dated in the future would make each later failure one of a listing whose first page can be read.
    let read_at = read_at.filter(|read_at| *read_at <= now);
    let is_behind = read_at.is_some_and(|read_at| read_at >= gap.tried_at);
    is_behind || pause_is_over(gap.since.max(read_at.unwrap_or(gap.since)), gap, now)
}

/// What has to be read because a campaign is listed like this, on a listing of what changed after `from`.
pub(crate) fn work_of_listed(
    campaign: &Campaign,
    known: Option<&KnownCampaign>,
    from: Option<Timestamp>,
    now: Timestamp,
) -> Option<SyncWork> {
    if known.is_some_and(|known| is_unchanged(campaign, known)) || !can_have_sends(campaign, known) {
        return None;
    }
    // What the report says of one that was never read is nearer to its last send.
    let waits_by_report = known
        .is_some_and(|known| known.is_queued && known.last_sent_at.is_some() && known.activities.is_empty());
    let missing_until = campaign.updated_at.unwrap_or(now);
    (!waits_by_report).then(|| SyncWork {
        campaign: campaign.id,
        missing_from: known.and_then(|known| complete_before(known, from, missing_until)),
        missing_until,
    })
}

/// Whether a campaign is listed as a draft of which no send is known, and was not listed like this before.
pub(crate) fn is_changed_draft(campaign: &Campaign, known: Option<&KnownCampaign>) -> bool {
    !can_have_sends(campaign, known) && !known.is_some_and(|known| is_unchanged(campaign, known))
}

/// A campaign that does not say when it changed may have. One that is listed again after it was gone has, unless it is listed
/// as a removed one.
fn is_unchanged(campaign: &Campaign, known: &KnownCampaign) -> bool {
    let (before, status) = (&known.campaign, campaign.status.as_deref());
    let is_back = known.is_gone && status != Some(&CampaignStatus::Removed);
    campaign.updated_at.is_some()
        && before.updated_at == campaign.updated_at
        && before.status.as_deref() == status
        && !is_back
}

/// What has to be read because the summaries report, read back to `from`, has a campaign as last sent then. `None` is a send
/// at a time that it does not tell.
pub(crate) fn work_of_summary(
    campaign: CampaignId,
    last_sent: Option<Timestamp>,
    known: Option<&KnownCampaign>,
    from: Option<Timestamp>,
    now: Timestamp,
) -> Option<SyncWork> {
    let is_known = known.is_some_and(|known| match last_sent {
        // That it was sent at all is known once it was read.
        None => known.is_gone || known.failing_since.is_some() || !known.activities.is_empty(),
        // A date in the future would hide every send until then, and one that goes back may hide another send.
        Some(last_sent) => {
            let goes_back = known.last_sent_at.is_some_and(|before| last_sent < before);
            let is_run =
                |ran| is_credible(ran, now) && (last_sent <= ran || is_report_of(ran, last_sent, known));
            known.last_sent_at == Some(last_sent) || !goes_back && last_run(known).is_some_and(is_run)
        }
    });
    // A reader may have ended the doubt about a history that was named instead.
    let is_unnamed = known.is_some_and(|known| {
        let is_removed = known.campaign.status.as_deref() == Some(&CampaignStatus::Removed);
        let is_noticed = known.failing_since.is_some() || known.is_queued || is_removed;
        !is_noticed && only_reported(known).is_some()
    });
    let missing_until = last_sent.unwrap_or(now);
    (!is_known || is_unnamed).then(|| SyncWork {
        campaign,
        missing_from: known.and_then(|known| complete_before(known, from, missing_until)),
        missing_until,
    })
}

/// Whether the report may date the send that ran last like this. A date that follows another one of the same send is that of the
/// next send.
fn is_report_of(ran: Timestamp, last_sent: Timestamp, known: &KnownCampaign) -> bool {
    let is_reported = known
        .last_sent_at
        .is_some_and(|before| later(before, SAME_SEND) >= ran);
    !is_reported && last_sent <= later(ran, SAME_SEND)
}

/// In which stretch sends of a campaign are missing that the report has as sent later than its histories do. Where one of them
/// is in doubt, that is named already and may be why.
pub(crate) fn only_reported(known: &KnownCampaign) -> Option<(Option<Timestamp>, Timestamp)> {
    let last_sent = known.last_sent_at?;
    let is_named = known
        .activities
        .iter()
        .any(|activity| activity.failing_since.is_some());
    let ran = last_run(known);
    let is_shown = ran.is_some_and(|ran| last_sent <= later(ran, SAME_SEND));
    (!is_shown && !is_named && !known.is_gone).then_some((ran, last_sent))
}

/// The moments between which a history may be worth another look although nothing says that it changed: since when its sends
/// ran, and before when it was fetched.
pub(crate) fn unsettled_bounds(now: Timestamp) -> (Timestamp, Timestamp) {
    (back(now, UNFINISHED_FOR), back(now, UNSETTLED_EVERY))
}

/// Whether a history is worth another look. Each send is read once more a day after it ran, an unfinished one every hour for three days, and an
/// activity without either that is unsettled nevertheless is being sent at the moment.
pub(crate) fn is_due(kept: &StoredAnswer, now: Timestamp) -> bool {
    let Answer::History(history) = &kept.answer else {
        return false;
    };
    if kept.fetched_at > now {
        return true;
    }
    let age_of = |send: &SendAttempt| send.run_date.map(|ran| now.duration_since(ran));
    let settles = |send: &SendAttempt| {
        let Some(ran) = send.run_date else { return false };
        kept.fetched_at.duration_since(ran) < SETTLED_AFTER && now.duration_since(ran) >= SETTLED_AFTER
    };
    let is_recent = |send: &SendAttempt| age_of(send).is_some_and(|age| age < UNFINISHED_FOR);
    let goes_on = |send: &SendAttempt| is_recent(send) && is_unfinished(send.outcome());
    let is_staged = |send: &SendAttempt| send.outcome() == Outcome::Staged;
    history.iter().any(|send| settles(send) || goes_on(send))
        || !history.iter().any(|send| is_recent(send) || is_staged(send))
}

/// Since when sends may be missing of a history that may be changing by itself.
pub(crate) fn unsettled_from(kept: &StoredAnswer) -> Timestamp {
    let last_run = match &kept.answer {
        Answer::History(history) => history.summary().last_run_date,
        Answer::NotFound => None,
    };
    last_run.map_or(kept.fetched_at, |ran| ran.min(kept.fetched_at))
}

/// Whether what cannot be read is worth another call, though nothing says that it changed.
pub(crate) fn is_due_again(unreadable: &Unreadable, now: Timestamp) -> bool {
    pause_is_over(unreadable.since, unreadable, now)
}

/// A pause is as long as something had been failing when it was last tried, so that each is twice the one before, from five
/// minutes to a week. A clock that was behind when it first failed would make the second pause the longest, so that only many
/// attempts make a long one.
fn pause_is_over(fails_since: Timestamp, failed: &Unreadable, now: Timestamp) -> bool {
    let (shortest, longest) = PAUSES;
    let failed_for = failed.tried_at.duration_since(fails_since);
    let growths = failed.attempts.saturating_sub(1).min(16);
    let possible = shortest
        .saturating_mul(GROWTH.saturating_pow(growths))
        .min(longest);
    let left_alone_for = now.duration_since(failed.tried_at);
    // A clock that was ahead may have dated it in the future.
    left_alone_for >= failed_for.clamp(shortest, possible) || left_alone_for.is_negative()
}

/// Whether a synchronisation that began then may confirm that known sends are gone: not the one that found it first.
pub(crate) fn removal_is_due(unreadable: &Unreadable, began: Timestamp, now: Timestamp) -> bool {
    let (tried_at, now) = (unreadable.tried_at, now.max(began));
    // Kept to the millisecond, and a clock that was wrong may have dated it in the future.
    let was_found_before = tried_at.as_millisecond() < began.as_millisecond() || tried_at > now;
    unreadable.is_unconfirmed_removal() && was_found_before
}

fn is_unfinished(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Staged | Outcome::PartiallySent | Outcome::Unknown
    )
}

/// A draft has no history, as long as it was never anything else: scheduling it changes its status. One that was sent and made
/// a draft again before it was listed is told by the summaries report.
fn can_have_sends(campaign: &Campaign, known: Option<&KnownCampaign>) -> bool {
    let was_more = known.is_some_and(|known| {
        !known.activities.is_empty() || known.failing_since.is_some() || known.last_sent_at.is_some()
    });
    was_more || campaign.status.as_deref() != Some(&CampaignStatus::Draft)
}

/// The moment before which nothing of a campaign is missing although it changed or was sent at `changed`: when it was read,
/// but no later than the upstream's own moment `from` of a listing that did not show the change. `None` when something of it
/// was never read.
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
    // The clock was ahead when it was read.
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
