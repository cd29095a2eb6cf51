//! Claims in the record that processes share: a turn is given when its departure was granted there.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    DayLedger, LedgerError, Limits, Pacer, PacerState, Shared,
    day::TimeOfDay,
    departures::{Claim, Claimed, Departure, Departures, DeparturesError},
};
use crate::Clock;

/// How old the shared count of the day may be that is shown.
const SHARED_COUNT_AGE: Duration = Duration::from_millis(500);

/// When to look again at slots whose calls have their turns and have not left.
const UNKNOWN_OPENING: Duration = Duration::from_millis(20);

impl Pacer {
    /// The same for one of several processes, whose departures are all in one record.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open). A record that cannot be used is logged.
    pub async fn open_shared(
        limits: Limits,
        ledger: Arc<dyn DayLedger>,
        departures: Arc<dyn Departures>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let today = TimeOfDay::at(clock.now()).date;
        let used = ledger.used(today).await?;
        if limits.rate_per_second == 0 && limits.rate_per_day == 0 {
            return Ok(Self::starting_from(limits, used, ledger, None, clock));
        }
        let pacer = Self::starting_from(limits, used, Arc::clone(&ledger), Some(departures), clock);
        // What a crash kept from one of the two is in the other.
        let used = match pacer.refresh_shared_count().await {
            Some(shared) if shared > used => ledger.raise(today, shared).await.unwrap_or_else(|error| {
                tracing::warn!("{error}; the count of the shared record is used");
                shared
            }),
            _ => used,
        };
        pacer.shared.schedule().day.learn_ledger(today, used);
        Ok(pacer)
    }

    /// [`state`](Self::state) with what other processes have used until half a second ago.
    pub async fn current_state(&self) -> PacerState {
        let is_due = {
            let mut schedule = self.shared.schedule();
            let now = Instant::now();
            let is_due = schedule
                .shown_at
                .is_none_or(|shown| now >= shown + SHARED_COUNT_AGE);
            if is_due {
                schedule.shown_at = Some(now);
            }
            is_due
        };
        if is_due {
            self.refresh_shared_count().await;
        }
        self.state()
    }

    /// Reads the day's count of all processes. `None` where there is no record or it cannot be read.
    async fn refresh_shared_count(&self) -> Option<u64> {
        let shared = &self.shared;
        let departures = shared.departures.as_ref()?;
        let (today, own) = {
            let schedule = shared.schedule();
            (shared.now().day.date, schedule.day.own_count())
        };
        let used = shared.note_record(departures.raise(today, own).await)?;
        shared.schedule().day.learn_shared(today, used);
        Some(used)
    }
}

impl Shared {
    /// Tells the other processes that calls leave now, not when they were granted.
    pub(super) fn departed(&self, departures: &[Departure]) {
        if let Some(record) = &self.departures
            && !departures.is_empty()
        {
            record.departed(departures);
        }
    }

    /// Gives a claimed departure to the other processes again.
    pub(super) fn give_back(&self, departure: Option<Departure>) {
        if let (Some(record), Some(departure)) = (&self.departures, departure) {
            record.give_back(departure);
        }
    }

    /// Logs that the shared record cannot be used, or can be again, when that changes.
    pub(super) fn note_record<T>(&self, outcome: Result<T, DeparturesError>) -> Option<T> {
        let was_alone = self.is_alone.swap(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Ok(value) => {
                if was_alone {
                    tracing::info!("departures are shared with other processes again");
                }
                Some(value)
            }
            Err(error) => {
                if !was_alone {
                    tracing::error!(
                        "departures cannot be shared with other processes, and calls may be throttled if there are \
                         any: {error}"
                    );
                }
                None
            }
        }
    }

    /// Claims the next turn from all processes, and hands it out. Yields when to claim again; `None` for at once.
    pub(super) async fn claim(&self, record: &dyn Departures, claim: Claim) -> Option<Instant> {
        // The record grants no sooner. Its answer may come late, when the slot is about to open to other processes.
        let asked = Instant::now();
        let claimed = self.note_record(record.claim(claim).await);
        let (unused, later) = {
            let mut schedule = self.schedule();
            let now = self.now();
            match claimed {
                Some(Claimed::Granted(departure, used)) => {
                    schedule.day.learn_shared(claim.day, used);
                    if !schedule.has_waiting() {
                        // Given up, or paused, meanwhile.
                        (Some(departure), None)
                    } else if schedule.second.is_open(now.instant) {
                        (schedule.hand_out(Some(departure), asked), None)
                    } else {
                        // The record has lost departures that this process knows of.
                        let opens_at = schedule.second.opens_at(now.instant);
                        (
                            Some(departure),
                            Some(opens_at.unwrap_or(now.instant + UNKNOWN_OPENING)),
                        )
                    }
                }
                Some(Claimed::Later(wait, used)) => {
                    schedule.day.learn_shared(claim.day, used);
                    return Some(now.instant + wait);
                }
                Some(Claimed::DayUsedUp(used)) => {
                    schedule.day.learn_shared(claim.day, used);
                    (None, None)
                }
                None => {
                    schedule.dispatch(&now);
                    let next = schedule.next_turn(now.instant);
                    (None, Some(next.unwrap_or(now.instant + UNKNOWN_OPENING)))
                }
            }
        };
        self.give_back(unused);
        later
    }

    /// Waits until a claim would be for more than `claim` was, or for nothing.
    pub(super) async fn more_is_urgent(&self, claim: &Claim) {
        loop {
            self.changed.notified().await;
            let (interactive, background) = self.schedule().queue.waiting();
            if interactive + background == 0 || (claim.interactive == 0 && interactive > 0) {
                return;
            }
        }
    }
}
