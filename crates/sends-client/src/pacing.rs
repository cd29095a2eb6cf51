//! Rate limiter for one API key: calls per second and per UTC day, with a queue of waiting calls. Independent of HTTP.
//!
//! **Several processes.** The limits apply to the API key. If processes share a record of [`Departures`], each slot is claimed in
//! the record before it is granted, in one atomic step for both limits. See [`departures`] for the invariant, the fairness
//! between processes and the clock. The limits of this process apply in addition and remain in effect if the record is unusable.
//! Such a failure is logged once, and the upstream may then throttle calls.
//!
//! **The second.** Whether the upstream counts fixed or sliding seconds is unknown, so no window of one second may contain more
//! arrivals than the limit. A slot reopens a second and a margin after the departure of its call. The margin covers differing
//! network delays and grows temporarily after a `throttled` response. The first calls are sent immediately, and N calls take
//! ⌊(N−1)/limit⌋ seconds plus the margins. Common limiters do not meet this requirement. `tower`'s limiter counts fixed windows
//! of its own, so twice the limit passes around an edge. A generic cell rate algorithm either spreads the first calls over a
//! second or, with a burst, admits burst and rate in the same second.
//!
//! **The day.** Calls are counted at their departure and written to a [`DayLedger`] in batches by one task. Calls do not wait
//! for the ledger, so a crash loses the entries in flight. The shared record counts calls when they are claimed and loses none;
//! the ledger survives a power failure.
//!
//! **The queue.** Lanes are served round-robin. Interactive calls precede background calls, except that one departure in eight is
//! for background calls while they wait. A cancelled call has no effect, whether it is still queued or already has a slot.
//!
//! No task runs while no call waits and the ledger has all entries.

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
    day::{Entry, Now},
    schedule::Schedule,
};
pub use self::{
    departures::{DepartureFile, Departures},
    ledger::{DayLedger, LedgerError, MemoryLedger},
    limits::Limits,
    refused::{Refused, RefusedReason},
    slot::{Slot, Verdict},
    state::{PacerState, Pause, PauseReason, QueueUse},
};
pub(crate) use self::{schedule::MAX_THROTTLING, second::SLOT_CLOSED};
use crate::{CallerGroup, Clock, Lane, Priority, SystemClock};

/// Delay before a failed write to the ledger is retried.
const LEDGER_RETRY: Duration = Duration::from_secs(1);

/// Request for a slot for one call.
#[derive(Clone, Copy, Debug)]
pub struct SlotRequest {
    /// Lane in which the call waits.
    pub lane: Lane,
    /// Priority in the queue.
    pub priority: Priority,
    /// End of the wait.
    pub deadline: Instant,
}

/// Rate limiter of one API key. Clones share the limits.
#[derive(Clone)]
pub struct Pacer {
    shared: Arc<Shared>,
}

/// State shared by the clones of a pacer, its slots and its tasks.
pub(crate) struct Shared {
    schedule: Mutex<Schedule>,
    ledger: Arc<dyn DayLedger>,
    /// `None` for a single process, and if there are no limits.
    departures: Option<Arc<dyn Departures>>,
    /// Whether the last access to the shared record failed.
    record_failed: AtomicBool,
    clock: Arc<dyn Clock>,
    /// Notification that a slot may have opened early.
    changed: Notify,
    /// Notification that a departure was given back to the shared record, so that a claim may be granted early.
    given_back: Notify,
    /// Notification that the ledger has all entries.
    written: Notify,
}

impl Pacer {
    /// Creates a pacer for a single process, which continues the ledger's daily call count.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the ledger cannot be read, because a count from 0 could exceed the daily limit.
    pub async fn open(
        limits: Limits,
        ledger: Arc<dyn DayLedger>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let used = ledger.used(Now::of(&*clock).date).await?;
        Ok(Self::starting_from(limits, used, ledger, None, clock))
    }

    /// Creates a pacer that counts from 0 and stores the count only in memory.
    pub fn in_memory(limits: Limits) -> Self {
        let ledger = Arc::<MemoryLedger>::default();
        Self::starting_from(limits, 0, ledger, None, Arc::new(SystemClock))
    }

    fn starting_from(
        limits: Limits,
        used: u64,
        ledger: Arc<dyn DayLedger>,
        departures: Option<Arc<dyn Departures>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let schedule = Schedule::new(limits, &Now::of(&*clock), used, departures.is_some());
        Self {
            shared: Arc::new(Shared {
                schedule: Mutex::new(schedule),
                ledger,
                departures,
                record_failed: AtomicBool::new(false),
                clock,
                changed: Notify::new(),
                given_back: Notify::new(),
                written: Notify::new(),
            }),
        }
    }

    /// Waits for a slot. Dropping the future removes the call from the queue.
    ///
    /// # Errors
    ///
    /// [`Refused`], immediately if no slot can open before the deadline or the queue is full, otherwise at the deadline.
    pub async fn acquire(&self, turn: SlotRequest) -> Result<Slot, Refused> {
        self.acquire_for_group(turn, &CallerGroup::new()).await
    }

    /// Waits for a slot in the lane of `turn` and concurrently in the lanes of the group's members. The call takes one place in
    /// the queue and has the highest priority among the members.
    ///
    /// # Errors
    ///
    /// Same as for [`acquire`](Self::acquire).
    pub async fn acquire_for_group(&self, turn: SlotRequest, group: &CallerGroup) -> Result<Slot, Refused> {
        let shared = &self.shared;
        let priority = group.effective_priority(turn.priority);
        let turn = SlotRequest { priority, ..turn };
        let (slot, admission) = {
            let mut schedule = shared.schedule();
            let (id, admission) = schedule.admit(turn, &shared.now())?;
            let slot = Slot::waiting(Arc::clone(shared), id, turn);
            let Some(admission) = admission else {
                return Ok(slot.granted());
            };
            shared.ensure_dispatcher(&mut schedule);
            (slot, admission)
        };
        let mut members = group.members();
        let membership = async {
            // The group outlives the wait, so the loop does not end before it.
            while members.changed().await.is_ok() {
                let mut schedule = shared.schedule();
                for &(lane, priority) in members.borrow_and_update().iter() {
                    schedule.queue.add_lane(priority, lane, slot.id());
                }
            }
            std::future::pending().await
        };
        let admission = async {
            tokio::select! {
                turn = admission => turn,
                never = membership => never,
            }
        };
        if let Ok(Ok(granted)) = timeout_at(turn.deadline, admission).await {
            return granted.map(|()| slot.granted());
        }
        let refused = shared.schedule().missed_deadline(Instant::now());
        Err(refused)
    }

    /// Returns the limits, their use and the current pause, as of this process's last call.
    pub fn state(&self) -> PacerState {
        self.shared.schedule().state(&self.shared.now())
    }

    /// Returns a snapshot of the queue of waiting calls.
    pub fn queue(&self) -> QueueUse {
        self.shared.schedule().queue.used()
    }

    /// Waits until the ledger has all calls, so that a graceful shutdown loses none of them. Does not complete while the ledger
    /// fails.
    pub async fn flush(&self) {
        let written = self.shared.written.notified();
        {
            let mut schedule = self.shared.schedule();
            self.shared.ensure_writer(&mut schedule);
        }
        written.await;
    }

    /// Marks a connection to the upstream as being opened until the returned value is dropped. Calls without a response may
    /// wait for the connection, so their slots stay closed.
    pub(crate) fn connecting(&self) -> Connecting {
        self.shared.schedule().second.connecting();
        Connecting(Arc::clone(&self.shared))
    }
}

/// Connection that is being opened.
pub(crate) struct Connecting(Arc<Shared>);

impl Connecting {
    /// Marks the connection as open. Calls without a response may have waited for the connection and count as departed now.
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
    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        // A poisoned schedule is consistent because its methods do not panic between two changes.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Now {
        Now::of(&*self.clock)
    }

    /// Starts the dispatcher if calls wait, and wakes it.
    fn ensure_dispatcher(self: &Arc<Self>, schedule: &mut Schedule) {
        if schedule.queue.is_empty() {
            return;
        }
        ensure_task(&mut schedule.dispatcher, || dispatch(Arc::clone(self)));
        self.changed.notify_one();
    }

    fn ensure_writer(self: &Arc<Self>, schedule: &mut Schedule) {
        ensure_task(&mut schedule.writer, || write(Arc::clone(self)));
    }
}

/// Starts a task unless it is running. A task that ended with its runtime is started again.
fn ensure_task<F: Future<Output = ()> + Send + 'static>(
    task: &mut Option<JoinHandle<()>>,
    start: impl FnOnce() -> F,
) {
    if task.as_ref().is_none_or(JoinHandle::is_finished) {
        // Outside a runtime no call can wait, and the next call inside a runtime starts the task.
        *task = Handle::try_current().ok().map(|runtime| runtime.spawn(start()));
    }
}

/// Grants slots until no call waits.
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
        if let (Some(claim), Some(record)) = (claim, &shared.departures) {
            if let Some(later) = shared.claim(&**record, claim).await {
                tokio::select! {
                    () = sleep_until(later) => {}
                    () = shared.wait_for_urgent_call(&claim) => {}
                    () = shared.given_back.notified() => {}
                }
            }
            continue;
        }
        let turn_opens = async {
            match next_turn {
                Some(instant) => sleep_until(instant).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = turn_opens => {}
            () = shared.changed.notified() => {}
        }
    }
}

/// Writes entries to the ledger until the ledger has all of them.
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
                    shared.log_record_state(record.raise(date, at_least).await);
                }
                shared.ledger.raise(date, at_least).await
            }
        };
        match written {
            Ok(total) => shared.schedule().day.written(total),
            Err(error) => {
                tracing::error!("{error}; the calls are counted in memory and written later");
                sleep(LEDGER_RETRY).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
