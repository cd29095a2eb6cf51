//! Departures shared by all processes that use one API key.
//!
//! The limits are the API key's, so that several processes have to count together. Before a call leaves, its process claims
//! a departure; a claim is granted by one atomic step on a record that all of them share.
//!
//! **Invariant.** A departure is granted only while the record holds fewer departures younger than a second and a margin than
//! the limit of the second, and counts fewer of the day than its limit:
//! - a departure is recorded before its call leaves, by the same step that finds a slot open;
//! - a call leaves within half a second of its claim, or claims once more;
//! - the record outlives its processes: what a process did within the last second counts after its end, however it ended.
//!
//! **Bounds.** The limit of the day is exact as long as the record lasts. That of the second is exact for calls that leave when
//! they are granted. One that leaves later is recorded again as it leaves ([`Departures::departed`]), so that the record may
//! then hold more departures than the limit, and opens no slot before they have aged. The limit of the second is exceeded
//! - where that could not be recorded, as when the lock of a file is held for a quarter of a second: the slots open to other
//!   processes up to half a second too early, so that up to twice the limit leaves in one second;
//! - where a connection takes longer to come about than a slot is closed: the calls that waited for it arrive on top of those
//!   that other processes were granted meanwhile, and are recorded again as they arrive. Their own process keeps their slots
//!   closed until then.
//!
//! **Fairness.** A process that has to wait leaves a note of how many calls it has waiting. A claim leaves enough open slots to
//! those whose turn comes first: interactive calls of any process before background work of any other, except that one
//! departure of eight is background work's while it waits. Among equals the processes have one departure each in every round
//! (start-time fair queuing): one that begins to wait joins the next round, however few calls it had before, so that processes
//! which come and go do not overtake one that stays. A note expires soon after the moment for which its process was told to
//! come back, so that a killed process holds a slot no longer than that.
//!
//! [`DepartureFile`] keeps the record in a file of the state folder, for the processes of one machine. The trait lets a
//! database keep it, for several machines: one statement for each method, with the database's clock, and a claim that waits
//! for its slot inside [`Departures::claim`].

mod file;
mod record;

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use jiff::civil::Date;

use crate::Priority;

pub use self::file::DepartureFile;

/// How long after its claim a call may leave. Half a slot's time, so that the slot is not open to others again.
pub(super) const LONGEST_HOLD: Duration = Duration::from_millis(500);

/// The record of the departures of one API key. Every method is one atomic step across processes.
pub trait Departures: fmt::Debug + Send + Sync {
    /// Claims the departure of one call of the claimant's queue.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>>;

    /// Records that the calls of these claims leave now, later than they were granted. It must not wait: a database may do
    /// it in the background.
    fn departed(&self, departures: &[Departure]);

    /// Takes back a departure that no call used. It must not wait, and a failure costs one call of the day and closes the slot
    /// as if the call had left.
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
    /// How many interactive calls wait. The record decides whether the departure is for one of them.
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
    /// Which of the claimant's calls it is for.
    pub priority: Priority,
}

/// The shared record could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the departures of other processes cannot be read or written ({place}): {reason}")]
pub struct DeparturesError {
    /// Where the record is, such as a path.
    pub place: String,
    /// What went wrong, and what to do about it where something can be done, in words for the operator.
    pub reason: String,
}
