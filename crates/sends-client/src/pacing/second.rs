//! Limit per second: one slot for each call that may arrive in any one second. Each slot stays closed for a second and a margin
//! after the departure of its call.

use std::time::Duration;

use tokio::time::Instant;

use super::departures::{Departure, MAX_HOLD};

const SECOND: Duration = Duration::from_secs(1);
/// Initial margin for differing network delays of two calls that depart a second apart. The margin reduces the rate by 3.5 %.
const BASE_MARGIN: Duration = Duration::from_millis(35);
/// Time for which a departure closes its slot with the initial margin.
pub(crate) const SLOT_CLOSED: Duration = SECOND.saturating_add(BASE_MARGIN);
/// Increase of the margin after a `throttled` response.
const MARGIN_STEP: Duration = Duration::from_millis(50);
/// Maximum increase, so that another program that uses up the key's limit cannot slow this program down indefinitely.
const MAX_EXTRA_MARGIN: Duration = Duration::from_millis(450);
/// Half-life of the increase, which decays because network delays change.
const HALF_LIFE: Duration = Duration::from_mins(1);
/// Minimum increase; a smaller increase counts as zero.
const MIN_EXTRA_MARGIN: Duration = Duration::from_millis(1);
/// Maximum pause after consecutive `throttled` responses.
const MAX_PAUSE: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(super) struct Second {
    /// Maximum number of calls per second; 0 for no limit.
    rate: usize,
    slots: Vec<TakenSlot>,
    extra_margin: Duration,
    extra_margin_since: Instant,
    /// Number of connections that are being opened.
    connecting: usize,
    /// Number of pauses since the last call that was not throttled.
    pauses_in_a_row: u32,
}

#[derive(Debug)]
pub(super) struct TakenSlot {
    id: u64,
    granted: Instant,
    /// Departure in the shared record.
    pub(super) claimed: Option<Departure>,
    /// `None` before the departure.
    departed: Option<Instant>,
    ended: bool,
}

impl Second {
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        Self {
            rate: usize::try_from(rate).unwrap_or(usize::MAX),
            slots: Vec::new(),
            extra_margin: Duration::ZERO,
            extra_margin_since: now,
            connecting: 0,
            pauses_in_a_row: 0,
        }
    }

    pub(super) fn is_open(&mut self, now: Instant) -> bool {
        if self.rate == 0 {
            return true;
        }
        let (closed_for, is_connecting) = (self.closed_for(now), self.connecting > 0);
        self.slots.retain(|slot| {
            (is_connecting && !slot.ended) || slot.departed.is_none_or(|departed| departed + closed_for > now)
        });
        self.slots.len() < self.rate
    }

    /// Returns whether only calls that wait for a connection keep slots closed. Such calls depart once the connection is open,
    /// and keep their slots until then.
    pub(super) fn waits_for_connection(&mut self, now: Instant) -> bool {
        if self.connecting == 0 || self.is_open(now) {
            return false;
        }
        let closed_for = self.closed_for(now);
        let departures = self.slots.iter().filter_map(|slot| slot.departed);
        departures
            .map(|departed| departed + closed_for)
            .any(|opening| opening <= now)
    }

    /// Returns the time when the next slot opens, or `None` if the time depends on a connection or on a call that has not
    /// departed.
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
            ended: false,
        });
    }

    /// Takes back an unused slot. Returns `None` if the call has no such slot.
    pub(super) fn give_back(&mut self, id: u64) -> Option<TakenSlot> {
        let is_unused = |slot: &TakenSlot| slot.id == id && slot.departed.is_none();
        let place = self.slots.iter().position(is_unused)?;
        Some(self.slots.swap_remove(place))
    }

    /// Returns whether a slot was claimed so long ago that it may soon open to other processes.
    pub(super) fn has_lapsed(&self, id: u64, now: Instant) -> bool {
        let mut claimed = self.slots.iter().filter(|slot| slot.claimed.is_some());
        let slot = claimed.find(|slot| slot.id == id);
        let age = slot.map(|slot| now.saturating_duration_since(slot.granted));
        self.rate > 0 && age > Some(MAX_HOLD)
    }

    /// Counts a departure and returns its claim.
    pub(super) fn depart(&mut self, id: u64, now: Instant) -> Option<Departure> {
        if self.rate == 0 {
            self.give_back(id);
            return None;
        }
        let slot = self.slots.iter_mut().find(|slot| slot.id == id)?;
        slot.departed = Some(now);
        slot.claimed
    }

    /// Marks a call as ended. Returns whether the end may have opened its slot, which stays closed while a connection is being
    /// opened.
    pub(super) fn ended(&mut self, id: u64) -> bool {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
            slot.ended = true;
        }
        self.connecting > 0
    }

    pub(super) fn connecting(&mut self) {
        self.connecting += 1;
    }

    pub(super) fn connecting_ended(&mut self) {
        self.connecting = self.connecting.saturating_sub(1);
    }

    /// Sets the departure time of all calls without a response to `now`, because they may have waited for the new connection.
    /// Returns their claims.
    pub(super) fn connected(&mut self, now: Instant) -> Vec<Departure> {
        let mut moved = Vec::new();
        for slot in &mut self.slots {
            if !slot.ended && slot.departed.is_some() {
                slot.departed = Some(now);
                moved.extend(slot.claimed);
            }
        }
        moved
    }

    /// Increases the margin after a `throttled` response and returns the pause of all calls. The caller makes only one increase
    /// per pause because further responses during the pause have the same cause.
    pub(super) fn widen_margin(&mut self, now: Instant) -> Duration {
        self.extra_margin = (self.extra_margin_at(now) + MARGIN_STEP).min(MAX_EXTRA_MARGIN);
        self.extra_margin_since = now;
        let doubled = 1_u32 << self.pauses_in_a_row.min(8);
        self.pauses_in_a_row = self.pauses_in_a_row.saturating_add(1);
        (self.closed_for(now) * doubled).min(MAX_PAUSE)
    }

    /// Ends the series of pauses.
    pub(super) fn accepted(&mut self) {
        self.pauses_in_a_row = 0;
    }

    /// Estimates the time that `calls` calls take if no pause occurs.
    pub(super) fn time_for(&self, calls: usize, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let rounds = u32::try_from(calls.div_ceil(self.rate)).unwrap_or(u32::MAX);
        self.closed_for(now).saturating_mul(rounds)
    }

    /// Returns the time for which a departure closes its slot.
    pub(super) fn closed_for(&self, now: Instant) -> Duration {
        SLOT_CLOSED + self.extra_margin_at(now)
    }

    fn extra_margin_at(&self, now: Instant) -> Duration {
        if self.extra_margin.is_zero() {
            return Duration::ZERO;
        }
        let half_lives = now
            .saturating_duration_since(self.extra_margin_since)
            .as_secs_f64()
            / HALF_LIFE.as_secs_f64();
        let extra_margin = self.extra_margin.mul_f64(0.5_f64.powf(half_lives));
        if extra_margin < MIN_EXTRA_MARGIN {
            Duration::ZERO
        } else {
            extra_margin
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_a_response_count_from_the_opening_of_the_connection() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut second = Second::new(2, start);
        for id in [1, 2] {
            second.grant(id, None, start);
            second.depart(id, start);
        }
        second.ended(1);
        second.connected(after(200));
        assert!(!second.is_open(after(1_034)));
        assert!(
            second.is_open(after(1_035)),
            "the ended call counts from its departure"
        );
        second.grant(3, None, after(1_035));
        assert!(!second.is_open(after(1_234)));
        assert!(
            second.is_open(after(1_235)),
            "the pending call counts from the connection"
        );
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
    fn failed_connection_does_not_move_departures() {
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
