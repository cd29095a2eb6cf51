//! Decisions of the pacer: which calls get a slot, wait or are rejected. The module performs no I/O and does not wait.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

use super::{
    Limits, PacerState, Pause, PauseReason, Refused, RefusedReason, SlotRequest,
    day::{Day, Now},
    departures::{Claim, Departure},
    queue::Queue,
    second::{Second, TakenSlot},
};
use crate::Priority;

/// Minimum pause of all calls after a response with `Retry-After`, which the upstream is not documented to send.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// Maximum length of the pause after a `throttled` response, regardless of its `Retry-After`. The limit applies per second, and
/// the response may concern only one request.
pub(crate) const MAX_THROTTLING: Duration = Duration::from_mins(1);
/// Maximum pause after a `quota_exceeded` response with a `Retry-After`.
const MAX_QUOTA_PAUSE: Duration = Duration::from_hours(1);
/// Time after midnight in which a `quota_exceeded` response may concern the previous day, by the upstream's clock.
const CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);
/// Minimum value of [`Refused::retry_after`].
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

const PRIORITIES: [Priority; 2] = [Priority::Interactive, Priority::Background];

/// Notification of a waiting call, or `None` if its slot is already granted.
type Admission = Option<oneshot::Receiver<Result<(), Refused>>>;

#[derive(Debug)]
pub(super) struct Schedule {
    limits: Limits,
    /// Whether each slot requires a claimed departure.
    is_shared: bool,
    pub(super) second: Second,
    pub(super) day: Day,
    pub(super) queue: Queue,
    pause: Option<(Instant, PauseReason)>,
    /// Time of the last `throttled` response that changed the margin. Responses to calls that departed earlier are ignored.
    last_throttling: Option<Instant>,
    last_id: u64,
    /// Time of the last read of the shared count for [`PacerState`].
    pub(super) shown_at: Option<Instant>,
    /// Dispatcher task, which runs while calls wait.
    pub(super) dispatcher: Option<JoinHandle<()>>,
    /// Writer task, which runs while the ledger lacks entries.
    pub(super) writer: Option<JoinHandle<()>>,
}

impl Schedule {
    pub(super) fn new(limits: Limits, now: &Now, used: u64, is_shared: bool) -> Self {
        Self {
            limits,
            is_shared,
            second: Second::new(limits.rate_per_second, now.instant),
            day: Day::new(&limits, now.date, used),
            queue: Queue::new(limits.queue_limit),
            pause: None,
            last_throttling: None,
            last_id: 0,
            shown_at: None,
            dispatcher: None,
            writer: None,
        }
    }

    /// Grants a slot or queues the call. Returns the id of the call.
    pub(super) fn admit(&mut self, turn: SlotRequest, now: &Now) -> Result<(u64, Admission), Refused> {
        self.turn_to(now);
        if !self.day.allows(turn.priority) {
            return Err(day_used_up(now));
        }
        if turn.deadline <= now.instant {
            return Err(self.missed_deadline(now.instant));
        }
        match self.pause {
            Some((until, PauseReason::Throttled)) if until > turn.deadline => {
                return Err(refused(RefusedReason::Paused, until - now.instant));
            }
            Some((_, PauseReason::Throttled)) | None => {}
            Some((until, PauseReason::QuotaExceeded | PauseReason::DayUsedUp)) => {
                return Err(refused(RefusedReason::DayUsedUp, until - now.instant));
            }
        }
        self.last_id += 1;
        let id = self.last_id;
        let is_free = !self.is_shared && self.queue.is_empty() && self.pause.is_none();
        if is_free && self.second.is_open(now.instant) {
            self.grant(id, None, now.instant);
            return Ok((id, None));
        }
        if !self.queue.may_queue(turn.priority) {
            return Err(refused(RefusedReason::QueueFull, self.queue_time(now.instant)));
        }
        let (waiter, admission) = oneshot::channel();
        self.queue.push(turn.priority, turn.lane, id, waiter);
        Ok((id, Some(admission)))
    }

    /// Grants all slots that are open within this process.
    pub(super) fn dispatch(&mut self, now: &Now) {
        while self.has_turn(now) && self.second.is_open(now.instant) {
            self.grant_next(None, now.instant);
        }
    }

    /// Returns the claim for the next call, or `None` if no call may be sent. A claim is made even if this process has no open
    /// slot, because the claim records its waiting calls.
    pub(super) fn next_claim(&mut self, now: &Now) -> Option<Claim> {
        if !self.has_turn(now) || self.second.waits_for_connection(now.instant) {
            return None;
        }
        let (interactive, background) = self.queue.waiting();
        Some(Claim {
            rate_per_second: self.limits.rate_per_second,
            closed_for: self.second.closed_for(now.instant),
            day: now.date,
            rate_per_day: self.limits.rate_per_day,
            reserve: self.limits.reserve,
            used: self.day.own_count(),
            interactive,
            background,
        })
    }

    /// Grants a slot to the next call, with the departure that was claimed for the call and granted no earlier than `granted`.
    /// Returns the departure if no call takes it.
    pub(super) fn grant_next(&mut self, claimed: Option<Departure>, granted: Instant) -> Option<Departure> {
        let granted_for = claimed.map(|departure| departure.priority);
        while let Some((id, waiter)) = self.queue.pop(granted_for) {
            self.grant(id, claimed, granted);
            if waiter.send(Ok(())).is_ok() {
                return None;
            }
            self.give_back(id);
        }
        claimed
    }

    /// Rejects the calls that the daily limit does not allow. Returns whether another call waits for a slot.
    fn has_turn(&mut self, now: &Now) -> bool {
        self.turn_to(now);
        for priority in PRIORITIES {
            if !self.day.allows(priority) {
                self.queue.refuse_all(priority, day_used_up(now));
            }
        }
        self.has_waiting()
    }

    /// Returns whether calls wait for a slot rather than for the end of a pause.
    pub(super) fn has_waiting(&self) -> bool {
        !self.queue.is_empty() && self.pause.is_none()
    }

    /// Returns the time of the next [`dispatch`](Self::dispatch), or `None` if the time depends on another event.
    pub(super) fn next_turn(&self, now: Instant) -> Option<Instant> {
        let paused_until = self.pause.map(|(until, _)| until);
        self.second.opens_at(now).max(paused_until)
    }

    /// Takes back an unused slot. Returns `None` if the call has no such slot.
    pub(super) fn give_back(&mut self, id: u64) -> Option<TakenSlot> {
        let slot = self.second.give_back(id)?;
        self.day.give_back();
        Some(slot)
    }

    /// Counts a departure and returns its claim.
    pub(super) fn depart(&mut self, id: u64, now: &Now) -> Option<Departure> {
        self.turn_to(now);
        self.day.depart();
        self.second.depart(id, now.instant)
    }

    pub(super) fn accepted(&mut self, departed: Instant) {
        if self.last_throttling.is_none_or(|throttled| departed > throttled) {
            self.second.accepted();
        }
    }

    pub(super) fn throttled(&mut self, departed: Instant, retry_after: Option<Duration>, now: &Now) {
        if self.last_throttling.is_none_or(|throttled| departed > throttled) {
            self.last_throttling = Some(now.instant);
            let pause = self.second.widen_margin(now.instant);
            tracing::warn!(
                pause_ms = pause.as_millis(),
                "throttled by the upstream; all calls pause"
            );
            self.pause_for(pause, PauseReason::Throttled, now.instant);
        }
        if let Some(wait) = retry_after {
            let wait = wait.clamp(MIN_PAUSE, MAX_THROTTLING);
            self.pause_for(wait, PauseReason::Throttled, now.instant);
        }
    }

    /// Stops all calls after a `quota_exceeded` response. Returns the length of the pause.
    pub(super) fn quota_exceeded(&mut self, retry_after: Option<Duration>, now: &Now) -> Duration {
        self.turn_to(now);
        let short_pause = retry_after
            .map(|wait| wait.clamp(MIN_PAUSE, MAX_QUOTA_PAUSE))
            .or_else(|| CLOCK_DIFFERENCE.checked_sub(now.since_midnight()));
        let wait = short_pause.unwrap_or(now.until_midnight());
        if short_pause.is_some() {
            self.pause_for(wait, PauseReason::QuotaExceeded, now.instant);
        } else {
            self.day.exhaust();
        }
        tracing::warn!(
            pause_s = wait.as_secs(),
            "daily limit used up, as the upstream reports; all calls pause"
        );
        for priority in PRIORITIES {
            let refused = refused(RefusedReason::DayUsedUp, wait);
            self.queue.refuse_all(priority, refused);
        }
        wait
    }

    pub(super) fn missed_deadline(&self, now: Instant) -> Refused {
        refused(RefusedReason::Deadline, self.queue_time(now))
    }

    pub(super) fn state(&mut self, now: &Now) -> PacerState {
        self.turn_to(now);
        let rest_of_day = |reason| {
            Some(Pause {
                until: now.next_midnight,
                reason,
            })
        };
        let pause = if self.day.is_exhausted() {
            rest_of_day(PauseReason::QuotaExceeded)
        } else if !self.day.allows(Priority::Interactive) {
            rest_of_day(PauseReason::DayUsedUp)
        } else {
            self.pause.map(|(until, reason)| Pause {
                until: SignedDuration::try_from(until - now.instant)
                    .ok()
                    .and_then(|wait| now.timestamp.checked_add(wait).ok())
                    .unwrap_or(now.next_midnight),
                reason,
            })
        };
        PacerState {
            per_second_limit: (self.limits.rate_per_second > 0).then_some(self.limits.rate_per_second),
            per_day_limit: (self.limits.rate_per_day > 0).then_some(self.limits.rate_per_day),
            used_today: self.day.used(),
            remaining_today: self.day.remaining(Priority::Interactive),
            remaining_for_background: self.day.remaining(Priority::Background),
            resets_at: now.next_midnight,
            queue_length: self.queue.len(),
            queue_limit: self.limits.queue_limit,
            pause,
        }
    }

    fn grant(&mut self, id: u64, claimed: Option<Departure>, granted: Instant) {
        self.second.grant(id, claimed, granted);
        self.day.reserve();
    }

    fn turn_to(&mut self, now: &Now) {
        self.day.turn_to(now.date);
        self.pause = self.pause.filter(|(until, _)| *until > now.instant);
    }

    fn pause_for(&mut self, wait: Duration, reason: PauseReason, now: Instant) {
        let until = now + wait;
        if self.pause.is_none_or(|(other, _)| until > other) {
            self.pause = Some((until, reason));
        }
    }

    fn queue_time(&self, now: Instant) -> Duration {
        let paused_until = self.pause.map_or(now, |(until, _)| until);
        let pause = paused_until.saturating_duration_since(now);
        pause + self.second.time_for(self.queue.len() + 1, now)
    }
}

fn refused(reason: RefusedReason, retry_after: Duration) -> Refused {
    Refused {
        reason,
        retry_after: retry_after.max(MIN_RETRY_AFTER),
    }
}

fn day_used_up(now: &Now) -> Refused {
    refused(RefusedReason::DayUsedUp, now.until_midnight())
}
