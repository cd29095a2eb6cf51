//! The pacer's decisions: who goes now, who waits, who is sent away.
//!
//! Owns how the limits and the queue work together. It is told the time and never waits itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

use super::{
    Limits, PacerState, Pause, PauseReason, Refused, RefusedReason, SlotRequest,
    day::{Day, TimeOfDay},
    departures::{Claim, Departure},
    queue::Queue,
    second::{Second, TakenSlot},
};
use crate::Priority;

/// `Retry-After` is not documented to be sent. If it is, it stops all calls for no less than that.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// For how long a `throttled` answer stops all calls at most, whatever it asks for: the limit is one of a second, and the answer may
/// be about one request alone.
pub(crate) const LONGEST_THROTTLING: Duration = Duration::from_mins(1);
/// For how long a `quota_exceeded` answer with a `Retry-After` stops all calls at most.
const LONGEST_QUOTA_PAUSE: Duration = Duration::from_hours(1);
/// For so long after midnight a `quota_exceeded` may be about the day before, by the upstream's clock.
const CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);
/// Nobody is told to come back sooner.
const LEAST_RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Schedule {
    limits: Limits,
    /// Whether a departure has to be claimed for each turn.
    is_shared: bool,
    pub(super) second: Second,
    pub(super) day: Day,
    pub(super) queue: Queue,
    pause: Option<(Instant, PauseReason)>,
    /// When the last `throttled` answer was learnt from. Answers to calls that departed before say nothing new.
    last_lesson: Option<Instant>,
    last_id: u64,
    /// When the count of all processes was last read to be shown.
    pub(super) shown_at: Option<Instant>,
    /// The task that hands out turns while calls wait.
    pub(super) dispatcher: Option<JoinHandle<()>>,
    /// The task that tells the ledger what it does not know yet.
    pub(super) writer: Option<JoinHandle<()>>,
}

/// The present, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) timestamp: Timestamp,
    pub(super) day: TimeOfDay,
}

/// What becomes of a call that asks for its turn.
pub(super) enum Admission {
    Now(u64),
    Later(u64, oneshot::Receiver<Result<(), Refused>>),
}

impl Schedule {
    pub(super) fn new(limits: Limits, now: &Now, used: u64, is_shared: bool) -> Self {
        Self {
            limits,
            is_shared,
            second: Second::new(limits.rate_per_second, now.instant),
            day: Day::new(&limits, now.day.date, used),
            queue: Queue::new(limits.queue_limit),
            pause: None,
            last_lesson: None,
            last_id: 0,
            shown_at: None,
            dispatcher: None,
            writer: None,
        }
    }

    pub(super) fn admit(&mut self, turn: SlotRequest, now: &Now) -> Result<Admission, Refused> {
        self.turn_to(now);
        if !self.day.allows(turn.priority) {
            return Err(day_used_up(now));
        }
        if turn.deadline <= now.instant {
            return Err(self.too_late(now.instant));
        }
        match self.pause {
            Some((until, PauseReason::QuotaExceeded | PauseReason::DayUsedUp)) => {
                return Err(refused(RefusedReason::DayUsedUp, until - now.instant));
            }
            Some((until, PauseReason::Throttled)) if until > turn.deadline => {
                return Err(refused(RefusedReason::Paused, until - now.instant));
            }
            Some((_, PauseReason::Throttled)) | None => {}
        }
        self.last_id += 1;
        let id = self.last_id;
        let is_free = !self.is_shared && self.queue.is_empty() && self.pause.is_none();
        if is_free && self.second.is_open(now.instant) {
            self.grant(id, None, now.instant);
            return Ok(Admission::Now(id));
        }
        if !self.queue.has_room(turn.priority) {
            return Err(refused(RefusedReason::QueueFull, self.queue_time(now.instant)));
        }
        let (waiter, turn_comes) = oneshot::channel();
        self.queue.push(turn.priority, turn.lane, id, waiter);
        Ok(Admission::Later(id, turn_comes))
    }

    /// Hands out every turn that can be had now, by what this process knows.
    pub(super) fn dispatch(&mut self, now: &Now) {
        while self.has_turn(now) && self.second.is_open(now.instant) {
            self.hand_out(None, now.instant);
        }
    }

    /// What to claim for the next call. `None` when none may go. Whether a slot is open is for the record to say, so that it
    /// knows of what waits here.
    pub(super) fn next_claim(&mut self, now: &Now) -> Option<Claim> {
        if !self.has_turn(now) || self.second.waits_for_connection(now.instant) {
            return None;
        }
        let (interactive, background) = self.queue.waiting();
        Some(Claim {
            rate_per_second: self.limits.rate_per_second,
            closed_for: self.second.closed_for(now.instant),
            day: now.day.date,
            rate_per_day: self.limits.rate_per_day,
            reserve: self.limits.reserve,
            used: self.day.own_count(),
            interactive,
            background,
        })
    }

    /// Gives the next call its turn, with the departure that was claimed for it and granted no sooner than `granted`. Yields
    /// the departure when nobody takes it.
    pub(super) fn hand_out(&mut self, claimed: Option<Departure>, granted: Instant) -> Option<Departure> {
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

    /// Sends away what the day does not allow, and says whether one of those left may go when a slot is open.
    fn has_turn(&mut self, now: &Now) -> bool {
        self.turn_to(now);
        for priority in [Priority::Interactive, Priority::Background] {
            if !self.day.allows(priority) {
                self.queue.refuse_all(priority, day_used_up(now));
            }
        }
        self.has_waiting()
    }

    /// Whether calls wait and no pause holds them up.
    pub(super) fn has_waiting(&self) -> bool {
        !self.queue.is_empty() && self.pause.is_none()
    }

    /// When [`dispatch`](Self::dispatch) may have something to do again. `None` when only another event can bring that about.
    pub(super) fn next_turn(&self, now: Instant) -> Option<Instant> {
        let opens_at = self.second.opens_at(now);
        match self.pause {
            Some((until, _)) => Some(opens_at.map_or(until, |opens_at| opens_at.max(until))),
            None => opens_at,
        }
    }

    /// Takes back a turn that was not used, and yields its slot. `None` when there was none.
    pub(super) fn give_back(&mut self, id: u64) -> Option<TakenSlot> {
        let slot = self.second.give_back(id)?;
        self.day.give_back();
        Some(slot)
    }

    /// A call leaves. Yields what was claimed for it.
    pub(super) fn depart(&mut self, id: u64, now: &Now) -> Option<Departure> {
        self.turn_to(now);
        self.day.depart();
        self.second.depart(id, now.instant)
    }

    pub(super) fn accepted(&mut self, departed: Instant) {
        if self.last_lesson.is_none_or(|lesson| departed > lesson) {
            self.second.accepted();
        }
    }

    pub(super) fn throttled(&mut self, departed: Instant, retry_after: Option<Duration>, now: &Now) {
        if self.last_lesson.is_none_or(|lesson| departed > lesson) {
            self.last_lesson = Some(now.instant);
            let pause = self.second.learn(now.instant);
            tracing::warn!(
                pause_ms = pause.as_millis(),
                "throttled by the upstream: all calls wait"
            );
            self.pause_for(pause, PauseReason::Throttled, now.instant);
        }
        if let Some(wait) = retry_after {
            let wait = wait.clamp(LEAST_PAUSE, LONGEST_THROTTLING);
            self.pause_for(wait, PauseReason::Throttled, now.instant);
        }
    }

    /// Stops all calls and says for how long.
    pub(super) fn quota_exceeded(&mut self, retry_after: Option<Duration>, now: &Now) -> Duration {
        self.turn_to(now);
        let short_pause = retry_after
            .map(|wait| wait.clamp(LEAST_PAUSE, LONGEST_QUOTA_PAUSE))
            .or_else(|| CLOCK_DIFFERENCE.checked_sub(now.day.since_midnight));
        let wait = short_pause.unwrap_or(now.day.until_midnight);
        if short_pause.is_some() {
            self.pause_for(wait, PauseReason::QuotaExceeded, now.instant);
        } else {
            self.day.exhaust();
        }
        tracing::warn!(
            pause_s = wait.as_secs(),
            "the upstream says that the day's calls are used up: no call leaves until then"
        );
        for priority in [Priority::Interactive, Priority::Background] {
            self.queue
                .refuse_all(priority, refused(RefusedReason::DayUsedUp, wait));
        }
        wait
    }

    pub(super) fn too_late(&self, now: Instant) -> Refused {
        refused(RefusedReason::Deadline, self.queue_time(now))
    }

    pub(super) fn state(&mut self, now: &Now) -> PacerState {
        self.turn_to(now);
        let rest_of_day = |reason| Pause {
            until: now.day.next_midnight,
            reason,
        };
        let pause = if self.day.is_exhausted() {
            Some(rest_of_day(PauseReason::QuotaExceeded))
        } else if self.day.allows(Priority::Interactive) {
            self.pause.map(|(until, reason)| Pause {
                until: SignedDuration::try_from(until - now.instant)
                    .ok()
                    .and_then(|wait| now.timestamp.checked_add(wait).ok())
                    .unwrap_or(now.day.next_midnight),
                reason,
            })
        } else {
            Some(rest_of_day(PauseReason::DayUsedUp))
        };
        PacerState {
            per_second_limit: (self.limits.rate_per_second > 0).then_some(self.limits.rate_per_second),
            per_day_limit: (self.limits.rate_per_day > 0).then_some(self.limits.rate_per_day),
            used_today: self.day.used(),
            remaining_today: self.day.remaining(Priority::Interactive),
            remaining_for_background: self.day.remaining(Priority::Background),
            resets_at: now.day.next_midnight,
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
        self.day.turn_to(now.day.date);
        if self.pause.is_some_and(|(until, _)| until <= now.instant) {
            self.pause = None;
        }
    }

    /// A pause does not shorten another one.
    fn pause_for(&mut self, wait: Duration, reason: PauseReason, now: Instant) {
        let until = now + wait;
        if self.pause.is_none_or(|(other, _)| until > other) {
            self.pause = Some((until, reason));
        }
    }

    fn queue_time(&self, now: Instant) -> Duration {
        let pause = self
            .pause
            .map_or(Duration::ZERO, |(until, _)| until.saturating_duration_since(now));
        pause + self.second.time_for(self.queue.len() + 1, now)
    }
}

fn refused(reason: RefusedReason, retry_after: Duration) -> Refused {
    Refused {
        reason,
        retry_after: retry_after.max(LEAST_RETRY_AFTER),
    }
}

fn day_used_up(now: &Now) -> Refused {
    refused(RefusedReason::DayUsedUp, now.day.until_midnight)
}
