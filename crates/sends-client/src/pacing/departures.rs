//! Record of departures shared by all processes that use one API key.
//!
//! The limits apply to the API key, so all processes that use the key have to count together. Before a call is sent, its process
//! claims a departure, which is granted by one atomic step on the shared record.
//!
//! **Invariant.** A departure is granted only while the record has fewer departures younger than a second and a margin than the
//! limit per second, and fewer of the day than the daily limit:
//! - a departure is recorded before its call is sent, by the step that finds an open slot;
//! - a call is sent within half a second of its claim, or claims again;
//! - the record outlives its processes, so that departures of the last second count after their process has ended.
//!
//! **Bounds.** The daily limit is exact as long as the record lasts. The limit per second is exact for calls that are sent when
//! they are granted. A departure later than its grant is recorded again ([`Departures::departed`]), so that the record may have
//! more departures than the limit, and opens no slot until those have aged. The limit per second is exceeded
//! - when the later departure could not be recorded, as while another process holds the lock of a file for a quarter of a second:
//!   the slots open to other processes up to half a second too early, so that up to twice the limit is sent in one second;
//! - when opening a connection takes longer than a slot is closed: calls that waited for the connection arrive in addition to
//!   those granted to other processes in the meantime, and are recorded again on arrival. Until then their own process keeps
//!   their slots closed.
//!
//! **Fairness.** A waiting process records its numbers of waiting calls. A claim yields open slots to calls of other processes
//! that go first: interactive calls of any process before background calls of any other, except that one departure of eight is
//! for background calls while they wait. Among calls of one priority, each process has one departure per round (start-time fair
//! queuing): a process that begins to wait joins the next round, so that short-lived processes do not overtake a long-lived one.
//! The entry of a waiting process expires shortly after the time of its next claim, so that a killed process keeps a slot closed
//! no longer than that.
//!
//! [`DepartureFile`] stores the record in a file of the state folder, for the processes of one machine. The trait allows a record
//! in a database for several machines: one statement per method, with the database's clock, and a claim that waits for its slot
//! in [`Departures::claim`].

mod file;
mod record;

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use jiff::civil::Date;

use crate::Priority;

pub use self::file::DepartureFile;

/// Maximum time from a claim to its departure: half of the time for which a slot is closed, so that the slot has not opened
/// again.
pub(super) const MAX_HOLD: Duration = Duration::from_millis(500);

/// Record of the departures of one API key. Each method is one atomic step across processes.
pub trait Departures: fmt::Debug + Send + Sync {
    /// Claims a departure for one call of the claimant's queue.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>>;

    /// Records that the calls of these claims are sent now, later than they were granted. Must not block; it may complete in the
    /// background.
    fn departed(&self, departures: &[Departure]);

    /// Returns an unused departure. Must not block. After a failure the departure counts as used.
    fn give_back(&self, departure: Departure);

    /// Sets the day's count to `at_least` unless it is higher, and returns it. 0 only reads the count.
    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, DeparturesError>>;
}

/// Waiting calls and limits of a claimant. All processes of an API key should have the same limits.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Maximum number of departures in any one second; 0 for no limit.
    pub rate_per_second: u32,
    /// Time for which a departure closes its slot: a second and a margin.
    pub closed_for: Duration,
    /// The UTC day.
    pub day: Date,
    /// Maximum number of departures in that day; 0 for no limit.
    pub rate_per_day: u64,
    /// Departures of the day that background calls may not use.
    pub reserve: u64,
    /// The claimant's own count of the day, for a record that was lost.
    pub used: u64,
    /// Number of waiting interactive calls. The record decides whether the departure is for one of them.
    pub interactive: usize,
    /// Number of waiting background calls.
    pub background: usize,
}

/// Outcome of a claim, with the day's count after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claimed {
    /// The call may be sent now.
    Granted(Departure, u64),
    /// No slot is open to this claimant, which claims again after this time.
    Later(Duration, u64),
    /// The daily limit is used up; for background calls, up to the reserve.
    DayUsedUp(u64),
}

/// Granted departure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Departure {
    /// Number, unique for the claimant.
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
    /// The cause and, if there is one, the remedy, for the operator.
    pub reason: String,
}
