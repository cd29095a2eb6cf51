//! Record of departures shared by all processes that use one API key.
//!
//! The limits apply to the API key, so all processes that use the key have to count together. Before a call is sent, its
//! process claims a departure, which one atomic step on the shared record grants.
//!
//! **Invariant.** A departure is granted only while the record has fewer recent departures than the limit per second, and fewer
//! departures of the day than the daily limit. Recent departures are younger than a second and a margin.
//! - A departure is recorded before its call is sent, by the step that finds an open slot.
//! - A call is sent within half a second of its claim, or a new claim is made.
//! - The record outlives its processes, so departures of the last second count after their process has ended.
//!
//! **Bounds.** The daily limit is exact as long as the record exists. The limit per second is exact for calls that are sent
//! when they are granted. A departure later than its grant is recorded again ([`Departures::departed`]), so the record may have
//! more departures than the limit, and opens no slot until those have aged. The limit per second is exceeded in two cases:
//! - The later departure could not be recorded, for example because another process held the lock of a file for a quarter of a
//!   second. The slots then open to other processes up to half a second too early, so up to twice the limit is sent in one
//!   second.
//! - Opening a connection takes longer than a slot is closed. Calls that waited for the connection then arrive in addition to
//!   the calls granted to other processes in the meantime, and are recorded again on arrival. Until then, their own process
//!   keeps their slots closed.
//!
//! **Fairness.** A waiting process records the numbers of its waiting calls. A claim yields open slots to calls of other
//! processes that take precedence. Interactive calls of any process precede background calls of any other process, except that
//! one departure in eight is for background calls while they wait. Among calls of one priority, each process has one departure
//! per round (start-time fair queuing). A process that begins to wait joins the next round, so short-lived processes do not
//! overtake a long-lived process. The entry of a waiting process expires shortly after its next claim is due, so a killed process
//! keeps a slot closed no longer than this time.
//!
//! [`DepartureFile`] stores the record in a file of the state folder, for the processes of one machine. The trait also allows a
//! record in a database for several machines, with one statement per method, the database's clock, and a claim that waits for
//! its slot in [`Departures::claim`].

mod file;
mod record;

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use jiff::civil::Date;

use crate::Priority;

pub use self::file::DepartureFile;

/// Maximum time from a claim to its departure: half of the time for which a slot is closed, so that the slot cannot have
/// reopened.
pub(super) const MAX_HOLD: Duration = Duration::from_millis(500);

/// Record of the departures of one API key. Each method is one atomic step across processes. The futures return
/// [`DeparturesError`] if the record cannot be read or written.
pub trait Departures: fmt::Debug + Send + Sync {
    /// Claims a departure for one call of the claimant's queue.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>>;

    /// Records that the calls of these claims are sent now, later than they were granted. The method must not block, but may
    /// complete in the background.
    fn departed(&self, departures: &[Departure]);

    /// Returns an unused departure to the record. The method must not block. After a failure, the departure counts as used.
    fn give_back(&self, departure: Departure);

    /// Raises the daily call count to `at_least` if the count is lower, and returns the resulting count. 0 only reads the count.
    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, DeparturesError>>;
}

/// Waiting calls and limits of a claimant. All processes of an API key should have the same limits.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Maximum number of departures in any one second; 0 for no limit.
    pub rate_per_second: u32,
    /// Time for which a departure closes its slot: a second and a margin.
    pub closed_for: Duration,
    /// Current UTC day.
    pub day: Date,
    /// Maximum number of departures in that day; 0 for no limit.
    pub rate_per_day: u64,
    /// Number of departures of the day that background calls may not use.
    pub reserve: u64,
    /// Number of departures of the day that the claimant has counted. This number restores the count of a lost record.
    pub used: u64,
    /// Number of waiting interactive calls. The record decides whether the departure is for one of them.
    pub interactive: usize,
    /// Number of waiting background calls.
    pub background: usize,
}

/// Outcome of a claim. Each variant contains the daily call count after the claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claimed {
    /// The call may be sent now.
    Granted(Departure, u64),
    /// No slot is open to this claimant, which should claim again after this time.
    Later(Duration, u64),
    /// The daily limit is used up or, for background calls, only the reserve is left.
    DayUsedUp(u64),
}

/// Granted departure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Departure {
    /// Number of the departure, unique for the claimant.
    pub number: u64,
    /// UTC day that the departure counts towards.
    pub day: Date,
    /// Priority of the call.
    pub priority: Priority,
}

/// Error of a shared record that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the departures of other processes cannot be read or written ({place}): {reason}")]
pub struct DeparturesError {
    /// Location of the record, such as a path.
    pub place: String,
    /// Cause and possible remedy, for the operator.
    pub reason: String,
}
