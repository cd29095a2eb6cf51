//! Claims in the shared record: a slot is granted once the record grants its departure.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    DayLedger, LedgerError, Limits, Pacer, PacerState, Shared,
    departures::{Claim, Claimed, Departure, Departures, DeparturesError},
};
use crate::Clock;

/// Maximum age of the shared count in [`Pacer::current_state`].
const SHARED_COUNT_AGE: Duration = Duration::from_millis(500);

/// Delay before the next claim if only granted calls that have not been sent keep slots closed.
const UNKNOWN_OPENING: Duration = Duration::from_millis(20);

impl Pacer {
    /// Creates a pacer for one of several processes with a shared record of departures.
    ///
    /// # Errors
    ///
    /// Same as for [`open`](Self::open). An unusable record is logged instead.
    pub async fn open_shared(
        limits: Limits,
        ledger: Arc<dyn DayLedger>,
        departures: Arc<dyn Departures>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let pacer = Self::open(limits, Arc::clone(&ledger), Arc::clone(&clock)).await?;
        if limits.rate_per_second == 0 && limits.rate_per_day == 0 {
            return Ok(pacer);
        }
        let used = pacer.state().used_today;
        let pacer = Self::starting_from(limits, used, Arc::clone(&ledger), Some(departures), clock);
        // The date is read before the shared count, which may already be the count of the next day.
        let today = pacer.shared.now().date;
        // After a crash, the record may contain calls that the ledger lacks.
        if let Some(shared) = pacer.refresh_shared_count().await
            && shared > used
        {
            let used = ledger.raise(today, shared).await.unwrap_or_else(|error| {
                tracing::warn!("{error}; the count of the shared record is used");
                shared
            });
            pacer.shared.schedule().day.set_ledger_count(today, used);
        }
        Ok(pacer)
    }

    /// Returns the [`state`](Self::state) including the calls of other processes up to at most half a second ago.
    pub async fn current_state(&self) -> PacerState {
        let now = Instant::now();
        let is_due = {
            let shown_at = &mut self.shared.schedule().shown_at;
            let is_due = shown_at.is_none_or(|shown| now >= shown + SHARED_COUNT_AGE);
            if is_due {
                *shown_at = Some(now);
            }
            is_due
        };
        if is_due {
            self.refresh_shared_count().await;
        }
        self.state()
    }

    /// Reads the daily call count of all processes. Returns `None` if there is no record or the record cannot be read.
    async fn refresh_shared_count(&self) -> Option<u64> {
        let shared = &self.shared;
        let departures = shared.departures.as_ref()?;
        let (today, own) = (shared.now().date, shared.schedule().day.own_count());
        let used = shared.log_record_state(departures.raise(today, own).await)?;
        shared.schedule().day.set_shared_count(today, used);
        Some(used)
    }
}

impl Shared {
    /// Records that calls are sent now, later than they were granted.
    pub(super) fn departed(&self, departures: &[Departure]) {
        if let Some(record) = &self.departures
            && !departures.is_empty()
        {
            record.departed(departures);
        }
    }

    pub(super) fn give_back(&self, departure: Option<Departure>) {
        if let (Some(record), Some(departure)) = (&self.departures, departure) {
            record.give_back(departure);
        }
    }

    /// Logs when the shared record becomes unusable or usable again.
    pub(super) fn log_record_state<T>(&self, outcome: Result<T, DeparturesError>) -> Option<T> {
        let had_failed = self.record_failed.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Ok(_) if had_failed => tracing::info!("departures are shared with other processes again"),
            Err(error) if !had_failed => tracing::error!(
                "departures cannot be shared, so the calls of other processes may cause throttling: {error}"
            ),
            _ => {}
        }
        outcome.ok()
    }

    /// Claims a departure for the next call and grants its slot. Returns the time of the next claim, or `None` if the next
    /// claim is due immediately.
    pub(super) async fn claim(&self, record: &dyn Departures, claim: Claim) -> Option<Instant> {
        // This time is a lower bound of the time of the grant. When the response of the record arrives, the slot may soon open to
        // other processes.
        let claimed_at = Instant::now();
        let claimed = self.log_record_state(record.claim(claim).await);
        let (unused, later) = {
            let mut schedule = self.schedule();
            let now = self.now();
            match claimed {
                Some(Claimed::Granted(departure, used)) => {
                    schedule.day.set_shared_count(claim.day, used);
                    if !schedule.has_waiting() {
                        // The calls were cancelled or paused in the meantime.
                        (Some(departure), None)
                    } else if schedule.second.is_open(now.instant) {
                        (schedule.grant_next(Some(departure), claimed_at), None)
                    } else {
                        // The record lacks departures of this process, for example because its file was replaced.
                        let opens_at = schedule.second.opens_at(now.instant);
                        let opens_at = opens_at.unwrap_or(now.instant + UNKNOWN_OPENING);
                        (Some(departure), Some(opens_at))
                    }
                }
                Some(Claimed::Later(wait, used)) => {
                    schedule.day.set_shared_count(claim.day, used);
                    (None, Some(now.instant + wait))
                }
                Some(Claimed::DayUsedUp(used)) => {
                    schedule.day.set_shared_count(claim.day, used);
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

    /// Waits until a claim would be more urgent than `claim`, or until no call waits.
    pub(super) async fn wait_for_urgent_call(&self, claim: &Claim) {
        loop {
            self.changed.notified().await;
            let (interactive, background) = self.schedule().queue.waiting();
            if interactive + background == 0 || (claim.interactive == 0 && interactive > 0) {
                return;
            }
        }
    }
}
