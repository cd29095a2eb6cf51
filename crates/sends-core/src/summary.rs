//! Totals of a send history.

use jiff::Timestamp;

use crate::{Outcome, SendAttempt};

/// Totals of the attempts to send one activity (inferred). The default describes an activity that was never sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HistorySummary {
    /// Number of readable attempts.
    pub attempts: usize,
    /// Number of attempts with [`Outcome::Failed`].
    pub failed_attempts: usize,
    /// Number of unreadable attempts, which no other total includes. Normally 0.
    pub unreadable_sends: usize,
    /// Saturating sum of the counts of all [sent](Outcome::Sent) attempts, at least 0. The sum is a lower bound of the number of
    /// contacts reached because attempts without a count and partially sent attempts add nothing.
    pub contacts_reached: i64,
    /// Time of the earliest attempt. `None` when no attempt has a date.
    pub first_run_date: Option<Timestamp>,
    /// Time of the most recent attempt. `None` when no attempt has a date.
    pub last_run_date: Option<Timestamp>,
    /// Outcome of the attempt with the greatest `send_id`. `None` if there are no attempts.
    pub latest_outcome: Option<Outcome>,
    /// Whether the latest attempt needs attention. `false` when the activity was never sent.
    ///
    /// An attempt needs attention if it failed, was sent partially or has an unknown outcome. An attempt without recipients
    /// needs attention only if no earlier attempt reached any contact, because a resend without new contacts is normal. A
    /// staged attempt does not need attention because the upstream releases it.
    pub needs_attention: bool,
}

impl HistorySummary {
    /// Computes the totals of attempts in ascending order of `send_id`.
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
