//! What is worth a call: which campaigns can have been sent, and which histories may still change by themselves.
//!
//! Pure functions. Must not know how anything is read or kept.

use jiff::{SignedDuration, Timestamp};
use sends_core::{Campaign, CampaignStatus, Outcome, SendAttempt};
use sends_store::{Answer, Kept, KnownCampaign, SyncWork, Unreadable};

use crate::obstacle::Reach;

/// The upstream's clock may be ahead of this machine's. What was fetched so soon after a change may not show it.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(5);

/// So far before the last listing the next one begins. What was listed already costs nothing but its line on the page, and
/// whether the upstream lists a change at once is not documented.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// How often the summaries report is held against the log. Campaigns are found by their updates; that a send is an update is
/// this project's reading, and this is what holds if it is wrong.
const REPORTS_EVERY: SignedDuration = SignedDuration::from_hours(6);

/// The report and the history may date the same send differently by so much.
const SAME_SEND: SignedDuration = SignedDuration::from_mins(1);

/// How old a send is when it is read once more, whatever it looked like before.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// For so long after it ran a send that is not finished is read again and again: staged sends are released within 24 to 48
/// hours (documented), and a day is for what goes wrong.
const UNFINISHED_FOR: SignedDuration = SignedDuration::from_hours(72);

/// How often a history is read that may be changing by itself.
const UNSETTLED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// For so long something is waited for that fails by itself and may work the next time.
const AWAITED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The shortest and the longest time for which something is left alone that cannot be read.
const LEFT_ALONE_FOR: (SignedDuration, SignedDuration) =
    (SignedDuration::from_hours(1), SignedDuration::from_hours(7 * 24));

/// From when on campaigns are listed that were updated, when all changes before `listed_at` are known.
pub(crate) fn listed_from(listed_at: Timestamp) -> Timestamp {
    back(listed_at, OVERLAP)
}

/// Whether it is time to read the summaries report.
pub(crate) fn reports_are_due(read_at: Option<Timestamp>, now: Timestamp) -> bool {
    read_at.is_none_or(|read_at| now.duration_since(read_at) >= REPORTS_EVERY)
}

/// What has to be read because a campaign is listed like this.
pub(crate) fn work_of_listed(
    campaign: &Campaign,
    known: Option<&KnownCampaign>,
    now: Timestamp,
) -> Option<SyncWork> {
    let last_sent = known.and_then(|known| known.last_sent_at);
    let is_the_same = known.is_some_and(|known| {
        let known = &known.campaign;
        known.updated_at == campaign.updated_at && known.status.as_deref() == campaign.status.as_deref()
    });
    if is_the_same || !can_have_sends(campaign, last_sent) {
        return None;
    }
    let read_at = known.and_then(read_at);
    // What the report says of one that was never read is nearer to its last send, and on the queue already. One that was gone
    // and is back is not, and one that could not be read may not be.
    let waits_unread = known
        .is_some_and(|known| known.activities.is_empty() && !known.is_gone && known.failing_since.is_none());
    if waits_unread && last_sent.is_some() {
        return None;
    }
    Some(SyncWork {
        campaign: campaign.id,
        missing_from: read_at,
        missing_until: campaign.updated_at.unwrap_or(now),
    })
}

/// What has to be read because the summaries report has a campaign as last sent then.
pub(crate) fn work_of_summary(
    campaign: sends_core::CampaignId,
    last_sent: Timestamp,
    known: Option<&KnownCampaign>,
) -> Option<SyncWork> {
    let is_known = known.is_some_and(|known| {
        known.last_sent_at.is_some_and(|known| last_sent <= known)
            || last_run(known).is_some_and(|ran| last_sent <= later(ran, SAME_SEND))
    });
    (!is_known).then(|| SyncWork {
        campaign,
        missing_from: known.and_then(read_at),
        missing_until: last_sent,
    })
}

/// From when on an answer shows everything that this work looks for.
pub(crate) fn shown_from(work: &SyncWork, known: &KnownCampaign) -> Timestamp {
    let changed = known
        .campaign
        .updated_at
        .map_or(work.missing_until, |updated| updated.max(work.missing_until));
    later(changed, CLOCK_DIFFERENCE)
}

/// Whether the histories hold the send that the summaries report has as the last.
pub(crate) fn covers_last_sent(known: &KnownCampaign, last_run: Option<Timestamp>) -> bool {
    known
        .last_sent_at
        .is_none_or(|sent| last_run.is_some_and(|ran| sent <= later(ran, SAME_SEND)))
}

/// The moments between which a history may be worth another look although nothing says that it changed: since when its sends
/// ran, and before when it was fetched.
pub(crate) fn unsettled_bounds(now: Timestamp) -> (Timestamp, Timestamp) {
    (back(now, UNFINISHED_FOR), back(now, UNSETTLED_EVERY))
}

/// Whether it is. Each send is read once more a day after it ran, an unfinished one every hour for three days, and an
/// activity without either that is unsettled nevertheless is being sent at the moment.
pub(crate) fn is_due(kept: &Kept, now: Timestamp) -> bool {
    let Answer::History(history) = &kept.answer else {
        return false;
    };
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
pub(crate) fn unsettled_from(kept: &Kept) -> Timestamp {
    let last_run = match &kept.answer {
        Answer::History(history) => history.summary().last_run_date,
        Answer::NotFound => None,
    };
    last_run.map_or(kept.fetched_at, |ran| ran.min(kept.fetched_at))
}

/// Whether the log does without something that failed by itself: at once where the next answer would be the same, and else
/// when it has failed for a day.
pub(crate) fn is_given_up(reach: Reach, failing_since: Option<Timestamp>, now: Timestamp) -> bool {
    match reach {
        Reach::Everything => false,
        Reach::This => true,
        Reach::ThisForNow => failing_since.is_some_and(|since| now.duration_since(since) >= AWAITED_FOR),
    }
}

/// Whether what cannot be read is worth another call, though nothing says that it changed: after a pause as long as it had
/// been failing when it was last tried, so that each pause is twice the one before, from an hour to a week.
pub(crate) fn is_due_again(unreadable: &Unreadable, now: Timestamp) -> bool {
    let (shortest, longest) = LEFT_ALONE_FOR;
    let failed_for = unreadable.tried_at.duration_since(unreadable.since);
    let left_alone_for = now.duration_since(unreadable.tried_at);
    // A clock that was wrong may have dated it in the future.
    left_alone_for >= failed_for.clamp(shortest, longest) || left_alone_for.is_negative()
}

fn is_unfinished(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Staged | Outcome::PartiallySent | Outcome::Unknown
    )
}

/// A draft that was never sent has no history: scheduling it makes it something else.
fn can_have_sends(campaign: &Campaign, last_sent: Option<Timestamp>) -> bool {
    campaign.status.as_deref() != Some(&CampaignStatus::Draft) || last_sent.is_some()
}

/// The moment before which nothing of a campaign is missing. `None` when something of it was never read.
fn read_at(known: &KnownCampaign) -> Option<Timestamp> {
    let sendable = known.activities.iter().filter(|activity| {
        activity
            .role
            .as_deref()
            .is_none_or(sends_core::ActivityRole::can_be_sent)
    });
    let fetched: Option<Vec<Timestamp>> = sendable.map(|activity| activity.fetched_at).collect();
    fetched?.into_iter().min()
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
