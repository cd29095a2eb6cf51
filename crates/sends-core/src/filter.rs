//! Choosing sends.
//!
//! Owns when a send matches a set of conditions. Must not know where the sends come from, or how a caller words its
//! conditions.

use alloc::vec::Vec;

use jiff::Timestamp;

use crate::{ListId, Outcome, ReasonCategory, ReasonCode, SegmentId, SendAttempt, SendStatus};

/// Conditions a send has to meet, all of them. The default has none and matches every send.
///
/// An empty list is no condition; a list with values is met by a send that has one of them. A send whose record leaves
/// a field out does not meet a condition on that field.
///
/// ```
/// use sends_core::{Outcome, SendFilter, SendHistory};
///
/// let history = SendHistory::from_json(br#"[
///   {"send_id": 1, "run_date": "2019-04-18T20:03:08.000Z", "send_status": "COMPLETED", "reason_code": 0},
///   {"send_id": 2, "run_date": "2019-05-07T14:42:57.000Z", "send_status": "COMPLETED", "reason_code": 12}
/// ]"#)?;
///
/// let empty_handed = SendFilter { outcomes: vec![Outcome::NoRecipients], ..SendFilter::default() };
/// let found: Vec<i32> = history.iter().filter(|send| empty_handed.matches(send)).map(|send| send.send_id).collect();
/// assert_eq!(found, [2]);
/// # Ok::<(), sends_core::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SendFilter {
    /// The upstream's statuses to choose; one that is not documented matches only in the same spelling.
    pub statuses: Vec<SendStatus>,
    /// Whether sends are chosen too whose status is missing or not documented. By itself it is a condition like `statuses`.
    pub unfamiliar_status: bool,
    /// The outcomes to choose.
    pub outcomes: Vec<Outcome>,
    /// The reason codes to choose, documented or not.
    pub reason_codes: Vec<ReasonCode>,
    /// The kinds of reason to choose. A send without a code has none, not even [`ReasonCategory::Unknown`].
    pub reason_categories: Vec<ReasonCategory>,
    /// The contact lists to choose; a send matches that was addressed to one of them.
    pub contact_lists: Vec<ListId>,
    /// The segments to choose; a send matches that was addressed to one of them.
    pub segments: Vec<SegmentId>,
    /// The earliest `run_date` to choose, inclusive. A send without a `run_date` does not match.
    pub from: Option<Timestamp>,
    /// The `run_date` to stop before, exclusive. A send without a `run_date` does not match.
    pub until: Option<Timestamp>,
}

impl SendFilter {
    /// Whether the send meets every condition.
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
