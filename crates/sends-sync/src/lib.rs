//! Synchronises the log of all sends of an account with as few upstream calls as possible.
//!
//! The upstream has no list of sends, only the history of one activity by its id. A synchronisation therefore lists campaigns,
//! reads their activities and then their histories, and stores the result of each step:
//!
//! | step | calls | file |
//! |---|---|---|
//! | campaigns updated since the last listing; initially all campaigns | one per 500 campaigns | `listing.rs` |
//! | recent sends in the summaries report | one; initially one per 500 campaigns | `listing.rs` |
//! | histories that may change without an update of their campaign | one each | `rereading.rs` |
//! | failed reads | one each, at growing intervals | `rereading.rs` |
//! | a new or changed campaign | one, and one per activity | `reading.rs` |
//! | a known campaign missing from a list of all campaigns | one, and one per activity | `listing.rs` |
//! | known sends that the upstream no longer shows | one, and one per activity, in the next synchronisation | `removal.rs` |
//! | an endpoint that fails for many consecutive ids | one probe with an id that is expected to succeed | `endpoint_health.rs` |
//!
//! `rules.rs` decides which calls to make, and `failure.rs` classifies failed calls. Remaining work is in the queue of the
//! [`SyncLog`](sends_store::SyncLog), newest send first. Work is removed only after its result is in the log, so that a
//! synchronisation may be killed at any time and the next synchronisation continues.
//!
//! The next synchronisation repeats the calls in flight, the pages of an unfinished listing, and the call for a partially read
//! campaign. The cost is about six calls per kill (measured: 1,163 calls instead of 1,105 after ten kills).
//!
//! A failed read, such as a malformed history or the second page of a listing, does not affect other reads. The
//! [`SyncLog`](sends_store::SyncLog) records the gap, and the read is retried after pauses that grow from five minutes to a
//! week. Only a failure that concerns all calls ends a synchronisation.
//!
//! The crate is independent of HTTP, GraphQL and the rate limits. The [`Upstream`] makes calls with background priority. The
//! caller ensures that an account has only one synchronisation at a time.

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
