//! Filter for sends.

use alloc::vec::Vec;

use jiff::Timestamp;

use crate::{ListId, Outcome, ReasonCategory, ReasonCode, SegmentId, SendAttempt, SendStatus};

/// Conditions on a send, all of which must match. The default has no condition and matches every send.
///
/// An empty list imposes no condition; otherwise one of its values must match. A send that lacks the field does not match.
///
/// ```
/// use sends_core::{Outcome, SendFilter, SendHistory};
///
/// let history = SendHistory::from_json(br#"[
///   {"send_id": 1, "run_date": "2019-04-18T20:03:08.000Z", "send_status": "COMPLETED", "reason_code": 0},
///   {"send_id": 2, "run_date": "2019-05-07T14:42:57.000Z", "send_status": "COMPLETED", "reason_code": 12}
/// ]"#)?;
///
/// let without_recipients = SendFilter { outcomes: vec![Outcome::NoRecipients], ..SendFilter::default() };
/// let found: Vec<i32> = history.iter().filter(|send| without_recipients.matches(send)).map(|send| send.send_id).collect();
/// assert_eq!(found, [2]);
/// # Ok::<(), sends_core::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendFilter {
    /// Accepted statuses. An undocumented status matches only in the same spelling.
    pub statuses: Vec<SendStatus>,
    /// Whether sends with a missing or undocumented status match as well. If `statuses` is empty, only such sends match.
    pub unfamiliar_status: bool,
    /// Accepted outcomes.
    pub outcomes: Vec<Outcome>,
    /// Accepted reason codes, documented or not.
    pub reason_codes: Vec<ReasonCode>,
    /// Accepted categories of the reason. A send without a code has no category, not even [`ReasonCategory::Unknown`].
    pub reason_categories: Vec<ReasonCategory>,
    /// Accepted contact lists.
    pub contact_lists: Vec<ListId>,
    /// Accepted segments.
    pub segments: Vec<SegmentId>,
    /// Minimum `run_date`, inclusive. `None` for no bound.
    pub from: Option<Timestamp>,
    /// Maximum `run_date`, exclusive. `None` for no bound.
    pub until: Option<Timestamp>,
}

impl SendFilter {
    /// Returns whether the send matches all conditions.
    pub fn matches(&self, send: &SendAttempt) -> bool {
        self.matches_status(send.send_status.as_deref())
            && chosen(&self.outcomes, Some(&send.outcome()))
            && chosen(&self.reason_codes, send.reason_code.as_ref())
            && chosen(
                &self.reason_categories,
                send.reason().map(|reason| reason.category).as_ref(),
            )
            && any_chosen(&self.contact_lists, &send.contact_list_ids)
            && any_chosen(&self.segments, &send.segment_ids)
            && self
                .from
                .is_none_or(|from| send.run_date.is_some_and(|date| date >= from))
            && self
                .until
                .is_none_or(|until| send.run_date.is_some_and(|date| date < until))
    }

    fn matches_status(&self, status: Option<&SendStatus>) -> bool {
        let is_familiar = matches!(status, Some(SendStatus::Completed | SendStatus::Errored));
        (self.unfamiliar_status && !is_familiar)
            || (chosen(&self.statuses, status) && !(self.unfamiliar_status && self.statuses.is_empty()))
    }
}

fn chosen<T: PartialEq>(choices: &[T], value: Option<&T>) -> bool {
    choices.is_empty() || value.is_some_and(|value| choices.contains(value))
}

fn any_chosen<T: PartialEq>(choices: &[T], values: &[T]) -> bool {
    choices.is_empty() || values.iter().any(|value| choices.contains(value))
}
