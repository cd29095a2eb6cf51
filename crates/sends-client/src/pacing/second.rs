//! The limit on any one second.
//!
//! Owns the slots: as many as calls may arrive in one second, each closed for a second and a margin after the call that
//! took it departed. Must not know who waits for a slot, nor anything of days.

use std::time::Duration;

use tokio::time::Instant;

use super::departures::{Departure, LONGEST_HOLD};

const SECOND: Duration = Duration::from_secs(1);
/// Two calls that depart a second apart arrive closer together when the first is held up on its way longer than the second.
/// This much difference is covered from the start; it costs 3.5 % of the rate.
const LEAST_MARGIN: Duration = Duration::from_millis(35);
/// How long a departure closes its slot while no `throttled` answer has added to the margin.
pub(crate) const SLOT_CLOSED: Duration = SECOND.saturating_add(LEAST_MARGIN);
/// What one `throttled` answer adds to the margin.
const LESSON: Duration = Duration::from_millis(50);
/// What lessons may add at most, so that a key which another program uses up cannot slow this one down without end.
const MOST_LEARNT: Duration = Duration::from_millis(450);
/// What was learnt is halved in this time, since the network that made it necessary changes.
const HALF_LIFE: Duration = Duration::from_mins(1);
/// Below this, what was learnt is forgotten.
const LEAST_LEARNT: Duration = Duration::from_millis(1);
/// The longest that `throttled` answers in a row stop all calls.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(super) struct Second {
    /// 0 for no limit.
    rate: usize,
    slots: Vec<TakenSlot>,
    learnt: Duration,
    learnt_at: Instant,
    /// Connections that are coming about.
    connecting: usize,
    /// The pauses since the last call that was not throttled.
    pauses_in_a_row: u32,
}

#[derive(Debug)]
pub(super) struct TakenSlot {
    id: u64,
    granted: Instant,
    /// The departure that was claimed for it, where departures are shared with other processes.
    pub(super) claimed: Option<Departure>,
    /// `None` while the call has its turn and has not used it yet.
    departed: Option<Instant>,
    answered: bool,
}

impl Second {
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        Self {
            rate: usize::try_from(rate).unwrap_or(usize::MAX),
            slots: Vec::new(),
            learnt: Duration::ZERO,
            learnt_at: now,
            connecting: 0,
            pauses_in_a_row: 0,
        }
    }

    /// Whether a call may have its turn now.
    pub(super) fn is_open(&mut self, now: Instant) -> bool {
        if self.rate == 0 {
            return true;
        }
        let (closed_for, is_connecting) = (self.closed_for(now), self.connecting > 0);
        self.slots.retain(|slot| {
            (is_connecting && !slot.answered)
                || slot.departed.is_none_or(|departed| departed + closed_for > now)
        });
        self.slots.len() < self.rate
    }

    /// Whether a turn depends on a connection that is coming about: the calls that wait for it depart once it is there, and keep
    /// their slots until then.
    pub(super) fn waits_for_connection(&mut self, now: Instant) -> bool {
        !self.is_open(now) && self.connecting > 0 && {
            let closed_for = self.closed_for(now);
            let is_held =
                |slot: &TakenSlot| slot.departed.is_some_and(|departed| departed + closed_for <= now);
            self.slots.iter().any(is_held)
        }
    }

    /// When the next slot opens. `None` when that depends on a call that has its turn and has not departed, or on a connection
    /// that is coming about.
    pub(super) fn opens_at(&self, now: Instant) -> Option<Instant> {
        let closed_for = self.closed_for(now);
        let departures = self.slots.iter().filter_map(|slot| slot.departed);
        let openings = departures.map(|departed| departed + closed_for);
        openings
            .filter(|opening| self.connecting == 0 || *opening > now)
            .min()
    }

    pub(super) fn grant(&mut self, id: u64, claimed: Option<Departure>, granted: Instant) {
        self.slots.push(TakenSlot {
            id,
            granted,
            claimed,
            departed: None,
            answered: false,
        });
    }

    /// Takes back a turn that was not used, and yields its slot. `None` when there is no such turn.
    pub(super) fn give_back(&mut self, id: u64) -> Option<TakenSlot> {
        let place = self
            .slots
            .iter()
            .position(|slot| slot.id == id && slot.departed.is_none())?;
        Some(self.slots.swap_remove(place))
    }

    /// Whether a turn was claimed so long ago that its slot may soon be open to other processes.
    pub(super) fn has_lapsed(&self, id: u64, now: Instant) -> bool {
        let is_it = |slot: &&TakenSlot| slot.id == id && slot.claimed.is_some();
        self.rate > 0
            && self
                .slots
                .iter()
                .find(is_it)
                .is_some_and(|slot| now.saturating_duration_since(slot.granted) > LONGEST_HOLD)
    }

    /// A call leaves. Yields what was claimed for it.
    pub(super) fn depart(&mut self, id: u64, now: Instant) -> Option<Departure> {
        if self.rate == 0 {
            self.give_back(id);
            return None;
        }
        let slot = self.slots.iter_mut().find(|slot| slot.id == id)?;
        slot.departed = Some(now);
        slot.claimed
    }

    /// A call has ended. Yields whether that may have opened its slot: it may have waited for a connection.
    pub(super) fn answered(&mut self, id: u64) -> bool {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
            slot.answered = true;
        }
        self.connecting > 0
    }

    /// A connection is being opened.
    pub(super) fn connecting(&mut self) {
        self.connecting += 1;
    }

    /// A connection came about, or did not.
    pub(super) fn connecting_ended(&mut self) {
        self.connecting = self.connecting.saturating_sub(1);
    }

    /// A connection came about: every call without an answer may have waited for it, and so departed only now. Yields what
    /// was claimed for these calls.
    pub(super) fn connected(&mut self, now: Instant) -> Vec<Departure> {
        let mut moved = Vec::new();
        for slot in &mut self.slots {
            if !slot.answered && slot.departed.is_some() {
                slot.departed = Some(now);
                moved.extend(slot.claimed);
            }
        }
        moved
    }

    /// Learns from a `throttled` answer and says how long all calls must wait. Answers that come while a pause lasts belong
    /// to the same overstepping, so the caller reports only the first.
    pub(super) fn learn(&mut self, now: Instant) -> Duration {
        self.learnt = (self.learnt_now(now) + LESSON).min(MOST_LEARNT);
        self.learnt_at = now;
        let doubled = 1_u32 << self.pauses_in_a_row.min(8);
        self.pauses_in_a_row = self.pauses_in_a_row.saturating_add(1);
        (self.closed_for(now) * doubled).min(LONGEST_PAUSE)
    }

    /// A call was taken by the upstream.
    pub(super) fn accepted(&mut self) {
        self.pauses_in_a_row = 0;
    }

    /// How long `calls` would take from now on, ignoring pauses.
    pub(super) fn time_for(&self, calls: usize, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let rounds = u32::try_from(calls.div_ceil(self.rate)).unwrap_or(u32::MAX);
        self.closed_for(now).saturating_mul(rounds)
    }

    /// How long a slot is closed after the call that took it departed.
    pub(super) fn closed_for(&self, now: Instant) -> Duration {
        SLOT_CLOSED + self.learnt_now(now)
    }

    fn learnt_now(&self, now: Instant) -> Duration {
        if self.learnt.is_zero() {
            return Duration::ZERO;
        }
        let half_lives =
            now.saturating_duration_since(self.learnt_at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        let learnt = self.learnt.mul_f64(0.5_f64.powf(half_lives));
        if learnt < LEAST_LEARNT {
            Duration::ZERO
        } else {
            learnt
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_an_answer_count_from_the_connection_they_may_have_waited_for() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut second = Second::new(2, start);
        for id in [1, 2] {
            second.grant(id, None, start);
            second.depart(id, start);
        }
        second.answered(1);
        second.connected(after(200));
        assert!(!second.is_open(after(1_034)));
        assert!(
            second.is_open(after(1_035)),
            "the answered call counts from its departure"
        );
        second.grant(3, None, after(1_035));
        assert!(!second.is_open(after(1_234)));
        assert!(second.is_open(after(1_235)), "the other one from the connection");
    }

    #[test]
    fn calls_that_wait_for_a_slow_connection_keep_their_slots() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut second = Second::new(2, start);
        second.grant(1, None, start);
        second.depart(1, start);
        second.grant(2, None, after(100));
        second.depart(2, after(100));
        second.connecting();
        assert_eq!(second.opens_at(after(500)), Some(after(1_035)));
        assert!(!second.is_open(after(3_000)) && second.waits_for_connection(after(3_000)));
        assert_eq!(second.opens_at(after(3_000)), None);
        second.connecting_ended();
        second.connected(after(3_000));
        assert!(!second.is_open(after(4_034)) && !second.waits_for_connection(after(4_034)));
        assert!(second.is_open(after(4_035)));
    }

    #[test]
    fn a_connection_that_does_not_come_about_leaves_the_slots_as_they_were() {
        let start = Instant::now();
        let mut second = Second::new(1, start);
        second.grant(1, None, start);
        second.depart(1, start);
        second.connecting();
        let later = start + Duration::from_secs(3);
        assert!(!second.is_open(later));
        second.connecting_ended();
        assert!(second.is_open(later));
    }
}
