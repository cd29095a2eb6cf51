//! Fills the log of every send of an account and keeps it in step, with as few upstream calls as can be.
//!
//! The upstream tells the sends of one activity at a time, and only of an activity that is named. So a synchronisation finds
//! the campaigns, then their activities, then the histories, and remembers what it found:
//!
//! | step | calls | file |
//! |---|---|---|
//! | what was updated since the last listing; at first, everything | one for 500 campaigns | `listing.rs` |
//! | what was sent lately, as the summaries report has it | one; at first, one for 500 campaigns | `listing.rs` |
//! | histories that may change by themselves | one each | `rereading.rs` |
//! | what could not be read before | one each, more and more rarely | `rereading.rs` |
//! | a campaign that was never read, or that changed | one, and one for each activity | `reading.rs` |
//! | a known campaign that a list of all campaigns lacks | one, and one for each activity | `listing.rs` |
//! | known sends that are no longer shown | the same for their campaign, in the next synchronisation | `removal.rs` |
//! | an endpoint that fails for many ids in a row | one for an id that does not fail, each time | `answering.rs` |
//!
//! What is worth a call is decided in `rules.rs`, what a failed call means for the rest in `failure.rs`. What is left to do
//! is on the queue of the [`SyncLog`](sends_store::SyncLog), newest send first, from the moment it was found until it is in
//! the log: a synchronisation may be killed at any moment, and the next one goes on where it was. It repeats what was in
//! flight, the pages of a listing that had not come to its end, and the call for a campaign that was read only in part: six
//! calls or so for a kill (1,163 instead of 1,105 after ten of them).
//!
//! What the upstream lists and cannot be read, such as one malformed history or the second page of a listing, stands in the way
//! of nothing else: the log goes without it and says so. Until it is read the [`SyncLog`](sends_store::SyncLog) remembers it,
//! and it is tried again after pauses that grow from five minutes to a week. Only what would fail every other call too ends a
//! synchronisation.
//!
//! Whom to ask and where to keep the answers is given to it ([`Upstream`], [`SyncLog`](sends_store::SyncLog)). Neither HTTP nor
//! GraphQL is known here, nor how calls are spaced: that each of them is background work, which leaves people their turns
//! and the day's reserve, is for the [`Upstream`] to see to. That no two synchronisations of an account run at a time is for
//! the caller.

mod answering;
mod failure;
mod listing;
mod progress;
mod reading;
mod removal;
mod rereading;
mod rules;
mod run;
mod upstream;

pub use progress::{Progress, Stage};
pub use run::{Ended, Report, Synchronisation};
pub use upstream::{Reading, Upstream};
