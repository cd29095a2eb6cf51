//! Completeness of the log as reported to readers, compared with the log and the truth.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sends_core::ActivityId;
use sends_store::{Completeness, SqliteStore, SyncLog, Unreadable};

use crate::{OWNER, random::Random};

/// Time and count of each send, by activity and number.
pub(crate) type Sends = BTreeMap<ActivityId, BTreeMap<i32, (Timestamp, i64)>>;

type Stretch = (Option<Timestamp>, Option<Timestamp>);

/// Completeness of one period.
pub(crate) struct Told {
    stretch: Stretch,
    completeness: Completeness,
}

/// Checks the whole log, and random periods that end before now.
pub(crate) async fn ask(store: &SqliteStore, now: Timestamp, random: &mut Random) -> Vec<Told> {
    let mut stretches = vec![(None, None)];
    stretches.extend((0..8).map(|_| stretch(now, random)));
    let mut told = Vec::new();
    for (from, until) in stretches {
        let completeness = store.completeness(OWNER, from, until, now).await.unwrap();
        told.push(Told {
            stretch: (from, until),
            completeness,
        });
    }
    told
}

fn stretch(now: Timestamp, random: &mut Random) -> Stretch {
    // More of them in the last days, in which accounts change.
    let within = random.pick(&[60, 3_000, 500_000]);
    let mut back = || now - SignedDuration::from_mins(i64::try_from(random.below(within)).unwrap());
    let (one, other) = (back(), back());
    let (from, until) = (one.min(other), one.max(other));
    random.pick(&[(Some(from), Some(until)), (Some(from), None), (None, Some(until))])
}

impl Told {
    /// Complete exactly when nothing is recorded as unreadable for the period; then the log equals the truth.
    pub(crate) fn check(
        &self,
        named: &[Unreadable],
        (logged, truth): (&Sends, &Sends),
        has_right_dates: bool,
        place: &str,
    ) {
        let (from, until) = self.stretch;
        let is_complete = self.completeness.is_complete;
        let lacks = |one: &Unreadable| {
            from.is_none_or(|from| from <= one.missing_until)
                && until.is_none_or(|until| one.missing_from.is_none_or(|missing| missing <= until))
        };
        let place = format!("{from:?} to {until:?} is {:?}, {place}", self.completeness);
        assert_eq!(is_complete, !named.iter().any(lacks), "{place}");
        // With a wrong clock, dates of unreadable subjects may be wrong as well.
        if is_complete && (has_right_dates || self.stretch == (None, None)) {
            assert_eq!(self.within(logged), self.within(truth), "{place}");
        }
    }

    fn within(&self, sends: &Sends) -> Vec<(ActivityId, i32, Timestamp, i64)> {
        let (from, until) = self.stretch;
        let all = sends.iter().flat_map(|(id, sends)| {
            let sends = sends.iter();
            sends.map(|(number, (ran, count))| (*id, *number, *ran, *count))
        });
        let is_within = |(_, _, ran, _): &(ActivityId, i32, Timestamp, i64)| {
            from.is_none_or(|from| from <= *ran) && until.is_none_or(|until| *ran < until)
        };
        all.filter(is_within).collect()
    }
}
