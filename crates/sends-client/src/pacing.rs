//! The pacer: every call of one API key gets its turn here, within the limits of the second and of the day.
//!
//! Owns the limits, the queue and the count. Must not know what is called, nor that it is done over HTTP.
//!
//! **Several processes.** The limits are the API key's. With a record of [`Departures`] that processes share, each turn is
//! claimed there before it is given, in one step for the second and the day; see [`departures`] for the invariant, the
//! fairness between processes and the clock. What this process knows by itself holds as well, so that a record which cannot
//! be used leaves a process with its own limits: it says so once, and may then be throttled with the others.
//!
//! **The second.** Whether the upstream counts fixed or sliding seconds is unknown, so there may be no window of one second
//! in which more than the limit arrive. The pacer keeps the departures of the last calls; a slot opens again a second and a
//! small margin after the call that took it departed. The margin covers that calls are held up on their way differently,
//! and grows for a while when the upstream says `throttled` all the same. The first calls leave at once, and N calls take
//! ⌊(N−1)/limit⌋ seconds and the margins. The usual limiters do not do that: `tower`'s counts fixed windows of its own, so that
//! twice the limit passes around an edge, and a generic cell rate algorithm either spreads the first calls over a second or,
//! with a burst, lets burst and rate pass in the same second.
//!
//! **The day.** Calls are counted when they depart and written to a [`DayLedger`] by one task, as many at a time as have
//! come together. No call waits for the ledger: a crash forgets what was on its way there, no more. The shared record counts
//! them as they are claimed, and so forgets none; the ledger is what lasts through a power failure.
//!
//! **The turns.** Lanes are served in turn, people before background work, which has one departure of eight while it waits. A
//! call that is given up, in the queue or with its turn in hand, leaves no trace.
//!
//! There is no task while nothing waits and nothing is to be written.

mod background;
mod claims;
mod day;
pub mod departures;
mod ledger;
mod limits;
mod queue;
mod refused;
mod schedule;
mod second;
mod slot;
mod state;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use self::{
    day::{Entry, TimeOfDay},
    schedule::{Admission, Now, Schedule},
};
pub use self::{
    departures::{DepartureFile, Departures},
    ledger::{DayLedger, LedgerError, MemoryLedger},
    limits::Limits,
    refused::{Refused, RefusedReason},
    slot::{Slot, Verdict},
    state::{PacerState, Pause, PauseReason, QueueUse},
};
pub(crate) use self::{schedule::LONGEST_THROTTLING, second::SLOT_CLOSED};
use crate::{CallerGroup, Clock, Lane, Priority, SystemClock};

/// How long the ledger is left alone after it failed.
const LEDGER_RETRY: Duration = Duration::from_secs(1);

/// Who asks for a turn.
#[derive(Clone, Copy, Debug)]
pub struct SlotRequest {
    /// The line to wait in.
    pub lane: Lane,
    /// Whether somebody waits for the answer.
    pub priority: Priority,
    /// When the call gives up.
    pub deadline: Instant,
}

/// Gives turns to the calls of one API key. Clones share the limits.
#[derive(Clone)]
pub struct Pacer {
    shared: Arc<Shared>,
}

/// What the clones of a pacer, its turns and its tasks share.
pub(crate) struct Shared {
    schedule: Mutex<Schedule>,
    ledger: Arc<dyn DayLedger>,
    /// `None` when this process shares with nobody, or has no limits to share.
    departures: Option<Arc<dyn Departures>>,
    /// Whether the shared record could not be used when it was last tried.
    is_alone: AtomicBool,
    clock: Arc<dyn Clock>,
    /// Told when a turn may have become free before its time.
    changed: Notify,
    /// Told when the shared record has a departure back, so that a claim may be granted before its time.
    given_back: Notify,
    /// Told when the ledger knows everything.
    written: Notify,
}

impl Pacer {
    /// A pacer that goes on from what `ledger` says about the present day.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] when the ledger cannot be read. Going on without it could use the day's calls twice.
    pub async fn open(
        limits: Limits,
        ledger: Arc<dyn DayLedger>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let used = ledger.used(TimeOfDay::at(clock.now()).date).await?;
        Ok(Self::starting_from(limits, used, ledger, None, clock))
    }

    /// A pacer that counts from 0 and forgets with the process.
    pub fn in_memory(limits: Limits) -> Self {
        Self::starting_from(
            limits,
            0,
            Arc::<MemoryLedger>::default(),
            None,
            Arc::new(SystemClock),
        )
    }

    fn starting_from(
        limits: Limits,
        used: u64,
        ledger: Arc<dyn DayLedger>,
        departures: Option<Arc<dyn Departures>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = Now::of(&*clock);
        let schedule = Mutex::new(Schedule::new(limits, &now, used, departures.is_some()));
        Self {
            shared: Arc::new(Shared {
                schedule,
                ledger,
                departures,
                is_alone: AtomicBool::new(false),
                clock,
                changed: Notify::new(),
                given_back: Notify::new(),
                written: Notify::new(),
            }),
        }
    }

    /// Waits for a turn. Dropping the future gives the place in the queue back.
    ///
    /// # Errors
    ///
    /// [`Refused`], at once when it is certain that no turn comes in time, at the deadline otherwise.
    pub async fn acquire(&self, turn: SlotRequest) -> Result<Slot, Refused> {
        self.acquire_for_group(turn, &CallerGroup::new()).await
    }

    /// Waits for a turn in the lane that `turn` names and in those of its group, whichever comes first. It is one place in
    /// the queue and one call, a person's as soon as a person is in its group.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    pub async fn acquire_for_group(&self, turn: SlotRequest, group: &CallerGroup) -> Result<Slot, Refused> {
        let shared = &self.shared;
        let priority = group.lifted(turn.priority);
        let turn = SlotRequest { priority, ..turn };
        let (slot, turn_comes) = {
            let mut schedule = shared.schedule();
            match schedule.admit(turn, &shared.now())? {
                Admission::Now(id) => return Ok(Slot::waiting(Arc::clone(shared), id, turn).granted()),
                Admission::Later(id, turn_comes) => {
                    shared.keep_dispatching(&mut schedule);
                    (Slot::waiting(Arc::clone(shared), id, turn), turn_comes)
                }
            }
        };
        let mut members = group.members();
        let others_join = async {
            // The group outlives the wait, so the changes do not end before it does.
            while members.changed().await.is_ok() {
                let mut schedule = shared.schedule();
                for &(lane, priority) in members.borrow_and_update().iter() {
                    schedule.queue.add_lane(priority, lane, slot.id());
                }
            }
            std::future::pending().await
        };
        let turn_comes = async {
            tokio::select! {
                turn = turn_comes => turn,
                never = others_join => never,
            }
        };
        match timeout_at(turn.deadline, turn_comes).await {
            Ok(Ok(Ok(()))) => Ok(slot.granted()),
            Ok(Ok(Err(refused))) => Err(refused),
            Ok(Err(_)) | Err(_) => {
                let refused = shared.schedule().too_late(Instant::now());
                Err(refused)
            }
        }
    }

    /// The limits, what is used of them, and what stands in the way, as this process knew it when it last made a call.
    pub fn state(&self) -> PacerState {
        self.shared.schedule().state(&self.shared.now())
    }

    /// The calls that wait for their turn.
    pub fn queue(&self) -> QueueUse {
        self.shared.schedule().queue.used()
    }

    /// Waits until the ledger knows of every call, so that a process which ends in good order forgets none. It does not end
    /// while the ledger fails.
    pub async fn flush(&self) {
        let written = self.shared.written.notified();
        {
            let mut schedule = self.shared.schedule();
            self.shared.keep_writing(&mut schedule);
        }
        written.await;
    }

    /// A connection to the upstream is being opened, until this is dropped. Calls without an answer may wait for it, so that
    /// their slots stay closed.
    pub(crate) fn connecting(&self) -> Connecting {
        self.shared.schedule().second.connecting();
        Connecting(Arc::clone(&self.shared))
    }
}

/// A connection that is coming about.
pub(crate) struct Connecting(Arc<Shared>);

impl Connecting {
    /// It is there just now. Calls without an answer may have been waiting for it, so from here on they count as departed now.
    pub(crate) fn succeeded(&self) {
        let moved = self.0.schedule().second.connected(Instant::now());
        self.0.departed(&moved);
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.0.schedule().second.connecting_ended();
        self.0.changed.notify_one();
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pacer").field(&self.state()).finish()
    }
}

impl Shared {
    /// The schedule's methods do not panic half way, so a poisoned lock is as good as any.
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Now {
        Now::of(&*self.clock)
    }

    /// Sees to it that waiting calls get their turns.
    fn keep_dispatching(self: &Arc<Self>, schedule: &mut Schedule) {
        if schedule.queue.is_empty() {
            return;
        }
        keep_running(&mut schedule.dispatcher, || dispatch(Arc::clone(self)));
        self.changed.notify_one();
    }

    /// Sees to it that the ledger learns what was counted.
    fn keep_writing(self: &Arc<Self>, schedule: &mut Schedule) {
        keep_running(&mut schedule.writer, || write(Arc::clone(self)));
    }
}

impl Now {
    fn of(clock: &dyn Clock) -> Self {
        let timestamp = clock.now();
        Self {
            instant: Instant::now(),
            timestamp,
            day: TimeOfDay::at(timestamp),
        }
    }
}

/// Starts a task unless it runs. A task that was lost, as with the runtime it ran on, is started again.
fn keep_running<F: Future<Output = ()> + Send + 'static>(
    task: &mut Option<JoinHandle<()>>,
    start: impl FnOnce() -> F,
) {
    if task.as_ref().is_none_or(JoinHandle::is_finished) {
        // Outside a runtime nothing can wait for a turn, and the next call inside one starts the task.
        *task = Handle::try_current().ok().map(|runtime| runtime.spawn(start()));
    }
}

/// Hands out turns until nobody waits.
async fn dispatch(shared: Arc<Shared>) {
    loop {
        let (next_turn, claim) = {
            let mut schedule = shared.schedule();
            let now = shared.now();
            let claim = if shared.departures.is_some() {
                schedule.next_claim(&now)
            } else {
                schedule.dispatch(&now);
                None
            };
            if schedule.queue.is_empty() {
                schedule.dispatcher = None;
                return;
            }
            (schedule.next_turn(now.instant), claim)
        };
        let turn_opens = async {
            match next_turn {
                Some(instant) => sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        if let (Some(claim), Some(record)) = (claim, &shared.departures) {
            if let Some(later) = shared.claim(&**record, claim).await {
                tokio::select! {
                    () = sleep_until(later) => {}
                    () = shared.more_is_urgent(&claim) => {}
                    () = shared.given_back.notified() => {}
                }
            }
        } else {
            tokio::select! {
                () = turn_opens => {}
                () = shared.changed.notified() => {}
            }
        }
    }
}

/// Tells the ledger what it does not know yet, until it knows everything.
async fn write(shared: Arc<Shared>) {
    loop {
        let entry = {
            let mut schedule = shared.schedule();
            let Some(entry) = schedule.day.next_entry() else {
                schedule.writer = None;
                shared.written.notify_waiters();
                return;
            };
            entry
        };
        let written = match entry {
            Entry::Add(date, calls) => shared.ledger.add(date, calls).await,
            Entry::Raise(date, at_least) => {
                if let Some(record) = &shared.departures {
                    shared.note_record(record.raise(date, at_least).await);
                }
                shared.ledger.raise(date, at_least).await
            }
        };
        match written {
            Ok(total) => shared.schedule().day.written(total),
            Err(error) => {
                tracing::error!("{error}; the count is kept in memory and written later");
                shared.schedule().day.not_written();
                sleep(LEDGER_RETRY).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
