//! Comparison of the completeness reported to readers with the log and the account.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sends_core::ActivityId;
use sends_store::{Completeness, SqliteStore, SyncLog, Unreadable};

use crate::{OWNER, random::Random};

/// Time and count of each send, by activity and number.
pub(crate) type Sends = BTreeMap<ActivityId, BTreeMap<i32, (Timestamp, i64)>>;

type Period = (Option<Timestamp>, Option<Timestamp>);

pub(crate) struct Reported {
    period: Period,
    completeness: Completeness,
}

/// Queries the completeness of the whole log and of random periods that end before `now`.
pub(crate) async fn query(store: &SqliteStore, now: Timestamp, random: &mut Random) -> Vec<Reported> {
    let mut periods = vec![(None, None)];
    periods.extend((0..8).map(|_| period(now, random)));
    let mut reported = Vec::new();
    for (from, until) in periods {
        let completeness = store.completeness(OWNER, from, until, now).await.unwrap();
        reported.push(Reported {
            period: (from, until),
            completeness,
        });
    }
    reported
}

fn period(now: Timestamp, random: &mut Random) -> Period {
    // Two of three periods are in the last days, in which accounts change.
    let within = random.pick(&[60, 3_000, 500_000]);
    let mut back = || now - SignedDuration::from_mins(i64::try_from(random.below(within)).unwrap());
    let (one, other) = (back(), back());
    let (from, until) = (one.min(other), one.max(other));
    random.pick(&[(Some(from), Some(until)), (Some(from), None), (None, Some(until))])
}

impl Reported {
    /// Checks that a period is complete exactly if it has no unreadable subject. The log of a complete period must equal the
    /// account.
    pub(crate) fn check(
        &self,
        unreadable: &[Unreadable],
        (logged, truth): (&Sends, &Sends),
        has_right_dates: bool,
        place: &str,
    ) {
        let (from, until) = self.period;
        let is_complete = self.completeness.is_complete;
        let lacks = |one: &Unreadable| {
            from.is_none_or(|from| from <= one.missing_until)
                && until.is_none_or(|until| one.missing_from.is_none_or(|missing| missing <= until))
        };
        let place = format!("{from:?} to {until:?} is {:?}, {place}", self.completeness);
        assert_eq!(is_complete, !unreadable.iter().any(lacks), "{place}");
        // With a wrong clock, the dates of unreadable subjects may be wrong as well.
        if is_complete && (has_right_dates || self.period == (None, None)) {
            assert_eq!(self.within(logged), self.within(truth), "{place}");
        }
    }

    fn within(&self, sends: &Sends) -> Vec<(ActivityId, i32, Timestamp, i64)> {
        let (from, until) = self.period;
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
