//! What the attempts of a history add up to.
//!
//! Owns the counting and the judgement whether someone should look. Must not know how one attempt ended: that is
//! [`Outcome`]'s.

use jiff::Timestamp;

use crate::{Outcome, SendAttempt};

/// What the attempts to send one activity add up to. This project's reading throughout.
///
/// The default is the summary of an activity that was never sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HistorySummary {
    /// The number of attempts, whatever came of them.
    pub attempts: usize,
    /// The number of attempts whose outcome is [`Outcome::Failed`].
    pub failed_attempts: usize,
    /// The number of attempts that the upstream gave in a form that could not be read, and that nothing else here counts. 0 as
    /// a rule.
    pub unreadable_sends: usize,
    /// The number of contacts the email went out to, over all attempts; never negative.
    ///
    /// The sum of the counts of the attempts that were [sent](Outcome::Sent), up to the greatest `i64`. It is a lower
    /// bound: an attempt without a count adds nothing, nor does one that was sent partially, since how many it reached
    /// is not known.
    pub contacts_reached: i64,
    /// When the earliest attempt was made, or `None` if no attempt states a date.
    pub first_run_date: Option<Timestamp>,
    /// When the most recent attempt was made, or `None` if no attempt states a date.
    pub last_run_date: Option<Timestamp>,
    /// The outcome of the attempt with the greatest `send_id`, or `None` if the activity was never sent.
    pub latest_outcome: Option<Outcome>,
    /// Whether somebody should look at this activity, judged by its latest attempt.
    ///
    /// True when that attempt failed, was sent partially or has an unknown outcome, and when it found no recipients
    /// and no earlier attempt reached anyone either, wholly or in part. A resend that finds no new contacts after the
    /// email went out is normal. A staged attempt only has to be waited for. False when the activity was never sent.
    pub needs_attention: bool,
}

impl HistorySummary {
    /// The summary of attempts in ascending order of `send_id`.
    pub(crate) fn of(sends: &[SendAttempt]) -> Self {
        let mut summary = Self {
            attempts: sends.len(),
            ..Self::default()
        };
        let mut reached_anyone = false;
        for send in sends {
            let outcome = send.outcome();
            match outcome {
                Outcome::Sent => {
                    reached_anyone = true;
                    summary.contacts_reached =
                        summary.contacts_reached.saturating_add(send.count.unwrap_or(0));
                }
                Outcome::PartiallySent => reached_anyone = true,
                Outcome::Failed => summary.failed_attempts += 1,
                Outcome::Staged | Outcome::NoRecipients | Outcome::Unknown => {}
            }
            summary.latest_outcome = Some(outcome);
        }
        summary.first_run_date = sends.iter().filter_map(|send| send.run_date).min();
        summary.last_run_date = sends.iter().filter_map(|send| send.run_date).max();
        summary.needs_attention = match summary.latest_outcome {
            None | Some(Outcome::Sent | Outcome::Staged) => false,
            Some(Outcome::NoRecipients) => !reached_anyone,
            Some(Outcome::PartiallySent | Outcome::Failed | Outcome::Unknown) => true,
        };
        summary
    }
}
