//! Content of the shared record, and the decision on a claim. All times are in microseconds of a clock that the claimants
//! share.

use std::{collections::BTreeMap, time::Duration};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Claim, Claimed, Departure};
use crate::{Priority, pacing::background::BackgroundShare};

/// Grace period in which the entry of a waiting process remains valid after its next claim is due. The period allows for the
/// wake-up delay of a busy machine. A killed process delays the other processes once by this period.
const GRACE: u64 = 30_000;

/// Age at which departures are deleted. No slot stays closed for longer (a second and the maximum margin).
const EXPIRY_AGE: u64 = 1_500_000;

/// Number of current departures that are assumed for an unreadable file. The number exceeds the documented limits per second (4,
/// and 10 for partner keys). If the configured limit is higher, the difference remains available.
const UNKNOWN: usize = 64;

#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Record {
    /// Counts by day. Around midnight, processes may disagree on the date.
    days: BTreeMap<Date, u64>,
    departures: Vec<Departed>,
    /// Waiting processes, the longest-waiting process first.
    waiting: Vec<Waiting>,
    /// Round of the last departure of each priority.
    #[serde(default)]
    rounds: Lines<u64>,
    #[serde(default)]
    share: BackgroundShare,
}

/// One value per priority.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
struct Lines<T> {
    interactive: T,
    background: T,
}

#[derive(Debug, Deserialize, Serialize)]
struct Departed {
    process: u64,
    number: u64,
    at: u64,
}

/// Entry of a waiting process, valid until `until`.
#[derive(Debug, Deserialize, Serialize)]
struct Waiting {
    process: u64,
    lines: Lines<Line>,
    until: u64,
}

/// Waiting calls of one process with one priority.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
struct Line {
    calls: usize,
    /// Round of the next departure. Each process has one departure per round.
    round: u64,
}

impl Record {
    /// Parses the record at the start of the file contents and ignores any further bytes. Empty contents are a new record.
    /// Unreadable contents count as [`UNKNOWN`] departures because slots may be closed.
    pub(super) fn read(text: &[u8], now: u64) -> Self {
        let mut records = serde_json::Deserializer::from_slice(text).into_iter();
        match records.next() {
            None => Self::default(),
            Some(Ok(record)) => record,
            Some(Err(_)) => Self {
                departures: (0..UNKNOWN).map(|_| Departed::unknown(now)).collect(),
                ..Self::default()
            },
        }
    }

    pub(super) fn text(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    pub(super) fn claim(&mut self, (process, number): (u64, u64), claim: &Claim, now: u64) -> Claimed {
        self.expire(now);
        let used = self.raise(claim.day, claim.used);
        let day_has_more_than =
            |reserve| claim.rate_per_day == 0 || used.saturating_add(reserve) < claim.rate_per_day;
        let allows_background = day_has_more_than(claim.reserve);
        if !(allows_background || claim.interactive > 0 && day_has_more_than(0)) {
            self.waiting.retain(|note| note.process != process);
            return Claimed::DayUsedUp(used);
        }
        let place = self.note(process, claim);
        let (priority, ahead) = self.next_of(place, allows_background && self.share.is_due());
        if claim.rate_per_second > 0 {
            let rate = usize::try_from(claim.rate_per_second).unwrap_or(usize::MAX);
            let closed_for = micros(claim.closed_for);
            let openings = self.departures.iter().map(|departed| departed.at + closed_for);
            let closed: Vec<u64> = openings.filter(|opening| *opening > now).collect();
            let open = rate.saturating_sub(closed.len());
            if open <= ahead {
                // Open slots are reserved for waiting processes until they use the slots or their entries expire.
                let others = self.waiting.iter().filter(|note| note.process != process);
                let expiries = others.map(|note| note.until).filter(|_| open > 0);
                let event = closed.into_iter().chain(expiries).min();
                let event = event.unwrap_or(now).max(now + 1_000);
                self.waiting[place].until = event + GRACE;
                return Claimed::Later(Duration::from_micros(event - now), used);
            }
            self.departures.push(Departed {
                process,
                number,
                at: now,
            });
        }
        self.take(place, priority, now);
        *self.days.entry(claim.day).or_default() += 1;
        let departure = Departure {
            number,
            day: claim.day,
            priority,
        };
        Claimed::Granted(departure, used + 1)
    }

    /// Records departures that occurred later than their grants. A departure that was deleted in the meantime is added again.
    pub(super) fn departed(&mut self, process: u64, departures: &[Departure], now: u64) {
        for &Departure { number, .. } in departures {
            let mut recorded = self.departures.iter_mut();
            match recorded.find(|recorded| (recorded.process, recorded.number) == (process, number)) {
                Some(recorded) => recorded.at = now,
                None => self.departures.push(Departed {
                    process,
                    number,
                    at: now,
                }),
            }
        }
    }

    pub(super) fn give_back(&mut self, process: u64, departure: Departure) {
        let Departure { number, day, .. } = departure;
        self.departures
            .retain(|departed| (departed.process, departed.number) != (process, number));
        if let Some(used) = self.days.get_mut(&day) {
            *used = used.saturating_sub(1);
        }
    }

    /// Raises the daily call count to `at_least` if the count is lower, and returns the resulting count.
    pub(super) fn raise(&mut self, day: Date, at_least: u64) -> u64 {
        // The clocks of the processes may disagree on the date by one day.
        let (before, after) = (day.yesterday().unwrap_or(day), day.tomorrow().unwrap_or(day));
        self.days.retain(|date, _| (before..=after).contains(date));
        let used = self.days.entry(day).or_default();
        *used = at_least.max(*used);
        *used
    }

    fn expire(&mut self, now: u64) {
        for departed in &mut self.departures {
            // A time in the future predates a restart of the machine, which reset the clock.
            departed.at = departed.at.min(now);
        }
        self.departures.retain(|departed| departed.at + EXPIRY_AGE > now);
        self.waiting
            .retain(|note| (now..=now + EXPIRY_AGE).contains(&note.until));
    }

    fn note(&mut self, process: u64, claim: &Claim) -> usize {
        let place = self.waiting.iter().position(|note| note.process == process);
        let place = place.unwrap_or_else(|| {
            self.waiting.push(Waiting {
                process,
                lines: Lines::default(),
                until: 0,
            });
            self.waiting.len() - 1
        });
        let lines = &mut self.waiting[place].lines;
        lines.interactive.note(claim.interactive, self.rounds.interactive);
        lines.background.note(claim.background, self.rounds.background);
        place
    }

    /// Returns the priority of the next call of the process at index `place`, and the number of departures of other processes
    /// before it.
    fn next_of(&self, place: usize, background_is_due: bool) -> (Priority, usize) {
        let own = self.waiting[place].lines;
        let others = || {
            let notes = self.waiting.iter().enumerate();
            notes
                .filter(move |(other, _)| *other != place)
                .map(move |(other, note)| (note.lines, other < place))
        };
        let sum = |departures: &mut dyn Iterator<Item = usize>| departures.fold(0, usize::saturating_add);
        let background = sum(&mut others()
            .map(|(other, is_earlier)| other.background.departures_before(own.background, is_earlier)));
        if own.background.calls > 0 && background_is_due && background == 0 {
            return (Priority::Background, 0);
        }
        if own.interactive.calls > 0 {
            let is_reserved = background_is_due && others().any(|(other, _)| other.background.calls > 0);
            let interactive = sum(&mut others()
                .map(|(other, is_earlier)| other.interactive.departures_before(own.interactive, is_earlier)));
            return (
                Priority::Interactive,
                interactive.saturating_add(is_reserved.into()),
            );
        }
        let interactive = sum(&mut others().map(|(other, _)| other.interactive.calls));
        (Priority::Background, interactive.saturating_add(background))
    }

    /// Counts a granted departure in the entry of its process, and deletes the entry if no other call waits.
    fn take(&mut self, place: usize, priority: Priority, now: u64) {
        let background_waits = self.waiting.iter().any(|note| note.lines.background.calls > 0);
        self.share.departed(priority, background_waits);
        let note = &mut self.waiting[place];
        let (line, round) = match priority {
            Priority::Interactive => (&mut note.lines.interactive, &mut self.rounds.interactive),
            Priority::Background => (&mut note.lines.background, &mut self.rounds.background),
        };
        *round = line.round.max(*round);
        line.round += 1;
        line.calls = line.calls.saturating_sub(1);
        if note.lines.interactive.calls == 0 && note.lines.background.calls == 0 {
            self.waiting.remove(place);
        } else {
            // The process claims again immediately.
            note.until = now + GRACE;
        }
    }
}

impl Line {
    /// Sets the number of waiting calls. An empty line joins the round after `last`.
    fn note(&mut self, calls: usize, last: u64) {
        if self.calls == 0 {
            self.round = last + 1;
        }
        self.calls = calls;
    }

    /// Returns how many of these calls are sent before the next call of `own`, which is the line of another process.
    /// `is_earlier` is set if this line comes first within a round.
    fn departures_before(self, own: Self, is_earlier: bool) -> usize {
        let rounds = (own.round + u64::from(is_earlier)).saturating_sub(self.round);
        self.calls.min(usize::try_from(rounds).unwrap_or(usize::MAX))
    }
}

impl Departed {
    fn unknown(now: u64) -> Self {
        Self {
            process: 0,
            number: 0,
            at: now,
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
