//! Departures shared by all processes that use one API key.
//!
//! The limits are the API key's, so that several processes have to count together. Before a call leaves, its process claims
//! a departure; a claim is granted by one atomic step on a record that all of them share.
//!
//! **Invariant.** At no moment does the record hold more departures younger than a second and a margin than the limit of the
//! second, nor does a day count more of them than its limit. It holds because
//! - a departure is recorded before its call leaves, by the same step that finds a slot open;
//! - a call that leaves later than it was granted is recorded again as it leaves ([`Departures::departed`]), and one that
//!   leaves too late for that, half a second after its claim, claims once more;
//! - the record outlives its processes: what a process did within the last second counts after its end, however it ended.
//!
//! **Fairness.** A process that has to wait leaves a note of how many calls it has waiting and how many departures it was
//! granted meanwhile. A claim leaves enough open slots to those whose turn comes first: interactive calls of any process
//! before background work of any other, and among equals the process that was granted fewer. A note expires soon after the
//! moment for which its process was told to come back, so that a killed process holds a slot no longer than that.
//!
//! [`DepartureFile`] keeps the record in a file of the state folder, for the processes of one machine. The trait lets a
//! database keep it, for several machines: one statement for each method, with the database's clock, and a claim that waits
//! for its slot inside [`Departures::claim`].

mod file;
mod record;

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use jiff::civil::Date;

pub use self::file::DepartureFile;

/// How long after its claim a call may leave. Half a slot's time, so that the slot is not open to others again.
pub(super) const LONGEST_HOLD: Duration = Duration::from_millis(500);

/// The record of the departures of one API key. Every method is one atomic step across processes.
pub trait Departures: fmt::Debug + Send + Sync {
    /// Claims the departure of one call, the one whose turn is next in the claimant's queue.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>>;

    /// Records that the calls of these claims leave now, later than they were granted. It must not wait: a database may do
    /// it in the background.
    fn departed(&self, departures: &[Departure]);

    /// Takes back a departure that no call used. It must not wait, and a failure costs one call of the day.
    fn give_back(&self, departure: Departure);

    /// Sets the day's count to `at_least` unless it is higher, and yields the count. 0 asks for the count.
    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, DeparturesError>>;
}

/// What a claimant has waiting and by which limits it goes. All processes of an API key should have the same limits.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Departures in any one second; 0 for no limit.
    pub rate_per_second: u32,
    /// How long a departure closes its slot: a second and a margin.
    pub closed_for: Duration,
    /// The UTC day.
    pub day: Date,
    /// Departures in that day; 0 for no limit.
    pub rate_per_day: u64,
    /// How many of the day's departures background work leaves alone.
    pub reserve: u64,
    /// The day's count as the claimant knows it otherwise, should the record have lost it.
    pub used: u64,
    /// How many interactive calls wait. The claim is for one of them if there is any, else for background work.
    pub interactive: usize,
    /// How many background calls wait.
    pub background: usize,
}

/// What became of a claim, and the day's count after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claimed {
    /// The call leaves now.
    Granted(Departure, u64),
    /// No slot is open to this claimant; it claims again after this time.
    Later(Duration, u64),
    /// The day's departures are used up; for background work, up to the reserve.
    DayUsedUp(u64),
}

/// A departure that was granted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Departure {
    /// Its number among those of the claimant.
    pub number: u64,
    /// The day that it counts for.
    pub day: Date,
}

/// The shared record could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the departures of other processes cannot be read or written ({place}): {reason}")]
pub struct DeparturesError {
    /// Where the record is, such as a path.
    pub place: String,
    /// What went wrong, in words for the operator.
    pub reason: String,
}
