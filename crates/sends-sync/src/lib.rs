//! Fills and updates the log of all sends of an account with as few upstream calls as possible.
//!
//! The upstream has no list of sends: only the history of one activity, by its id. So a synchronisation lists campaigns, reads
//! their activities, then the histories, and stores the result of each step:
//!
//! | step | calls | file |
//! |---|---|---|
//! | campaigns updated since the last listing; at first, all | one for 500 campaigns | `listing.rs` |
//! | recent sends in the summaries report | one; at first, one for 500 campaigns | `listing.rs` |
//! | histories that may change by themselves | one each | `rereading.rs` |
//! | failed reads | one each, at growing intervals | `rereading.rs` |
//! | a new or changed campaign | one, and one for each activity | `reading.rs` |
//! | a known campaign that a list of all campaigns lacks | one, and one for each activity | `listing.rs` |
//! | known sends that are no longer shown | as for a changed campaign, in the next synchronisation | `removal.rs` |
//! | an endpoint that fails for many ids in a row | one probe with an id that does not fail | `endpoint_health.rs` |
//!
//! `rules.rs` decides on the calls, `failure.rs` on the effect of a failed call. Remaining work is on the queue of the
//! [`SyncLog`](sends_store::SyncLog), newest send first, until it is in the log, so that a synchronisation may be killed at any
//! time and the next one continues. The next synchronisation repeats the calls in flight, the pages of an unfinished listing, and
//! the call for a campaign that was read in part: about six calls per kill (measured: 1,163 instead of 1,105 after ten).
//!
//! A failed read, such as one malformed history or the second page of a listing, does not affect the others: the log lacks the
//! data and reports this. The [`SyncLog`](sends_store::SyncLog) records it for retries after pauses that grow from five minutes
//! to a week. Only a failure that concerns all calls ends a synchronisation.
//!
//! The crate is independent of HTTP, GraphQL and the rate limits: the [`Upstream`] makes calls with background priority. The
//! caller ensures that an account has one synchronisation at a time.

mod endpoint_health;
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
