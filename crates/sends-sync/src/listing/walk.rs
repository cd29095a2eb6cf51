//! State of a walk through the pages of a listing: its start, its gap, and the high-water mark for the next walk.

use jiff::Timestamp;
use sends_client::ResourcePage;
use sends_store::{FailedReading, Subject, Unreadable};

use super::Dated;
use crate::{failure::SyncFailure, rules};

pub(super) struct Walk {
    pub(super) subject: Subject,
    pub(super) began: Timestamp,
    /// High-water mark: latest time of earlier walks. `None` for the first walk, or if the time is not credible.
    mark: Option<Timestamp>,
    /// Start of the requested period, before which all records were listed earlier. `None` for all records.
    pub(super) from: Option<Timestamp>,
    pub(super) gap: Option<Unreadable>,
    /// Latest credible time of the records so far, by the upstream's clock.
    newest: Option<Timestamp>,
    /// Latest time of the records so far, by the upstream's clock.
    latest: Option<Timestamp>,
    /// Upper bound for the times of further records, by the upstream's clock (see [`last_of`]).
    last: Option<Timestamp>,
    /// Whether all records so far were sorted newest first, starting at the high-water mark or later.
    is_newest_first: bool,
    records: usize,
    /// End of the period in which sends may be missing, with the reason. `None` if there is no gap.
    pub(super) lack: Option<(Timestamp, String)>,
}

impl Walk {
    pub(super) fn new(
        subject: Subject,
        mark: Option<Timestamp>,
        gap: Option<Unreadable>,
        doubts: &[&Unreadable],
        began: Timestamp,
    ) -> Self {
        let mark = mark.filter(|mark| rules::is_credible(*mark, began));
        let due_gap = gap
            .as_ref()
            .filter(|gap| is_unconfirmed(gap) || rules::is_due_again(gap, began));
        let doubts = doubts.iter().copied().chain(due_gap);
        // `None` means the beginning and compares as the minimum.
        let from = doubts
            .map(|one| one.missing_from)
            .fold(mark.map(rules::listed_from), Ord::min);
        Self {
            subject,
            began,
            mark,
            from,
            gap,
            newest: None,
            latest: None,
            last: None,
            is_newest_first: true,
            records: 0,
            lack: None,
        }
    }

    /// Adds a page. Returns whether all further records were listed earlier.
    pub(super) fn note_page<T: Dated>(&mut self, page: &ResourcePage<T>) -> bool {
        let times = || page.records.iter().map(T::time);
        let unreadable = match page.unreadable {
            0 => None,
            _ if page.lacks_list => Some("A page has no list of records.".to_owned()),
            1 => Some("One record is unreadable.".to_owned()),
            count => Some(format!("{count} records are unreadable.")),
        };
        // A page without its list has `unreadable` set to 1, but contributes no record.
        let count = if page.lacks_list { 0 } else { page.unreadable };
        let is_beyond = self.subject == Subject::Campaigns && self.is_beyond(times());
        self.note(times(), (unreadable, count));
        let last = last_of(times().flatten());
        let reaches_known =
            is_beyond || self.subject == Subject::Summaries && self.ends_in_listed_records(last);
        if page.cut_short.is_some() && !reaches_known {
            self.lack(self.upper_end(), || {
                "The link to the next page is invalid, or the following pages have no new records.".to_owned()
            });
        }
        if is_beyond {
            tracing::warn!(
                "listing of campaigns continues before the requested date (after_date), which the upstream ignores; the \
                 older records were listed earlier and are skipped"
            );
        }
        reaches_known
    }

    fn note(
        &mut self,
        times: impl Iterator<Item = Option<Timestamp>>,
        (unreadable, count): (Option<String>, usize),
    ) {
        let before = self.upper_end();
        let times: Vec<Timestamp> = times.inspect(|_| self.records += 1).flatten().collect();
        self.records += count;
        self.is_newest_first &= self.continues(&times);
        self.last = last_of(times.iter().copied()).or(self.last);
        for time in times {
            self.latest = self.latest.max(Some(time));
            if rules::is_credible(time, self.began) {
                self.newest = self.newest.max(Some(time));
            }
        }
        if let Some(reason) = unreadable {
            // The positions of unreadable records are unknown, and this machine's clock may be behind.
            let before = before.max(self.latest.unwrap_or(before));
            self.lack(before, || reason);
        }
    }

    /// Returns whether a page with these times continues the descending order. One record out of order is tolerated.
    fn continues(&self, times: &[Timestamp]) -> bool {
        let start = if self.last.is_none() { self.mark } else { None };
        let begins_at_mark = start
            .zip(times.iter().max())
            .is_none_or(|(mark, newest)| *newest >= mark);
        let follows = |earlier: Timestamp, later: Timestamp| later <= earlier;
        let is_after_last = self
            .last
            .zip(times.first())
            .is_none_or(|(last, first)| follows(last, *first));
        let steps_back = times.windows(2).filter(|pair| !follows(pair[0], pair[1])).count();
        begins_at_mark && is_after_last && steps_back <= 1
    }

    /// Returns whether all records after a page that ends with `last` were listed earlier, which requires descending order.
    fn ends_in_listed_records(&self, last: Option<Timestamp>) -> bool {
        self.is_newest_first && self.from.zip(last).is_some_and(|(from, last)| last < from)
    }

    /// Adds records without a readable date. Each record may be the latest send, regardless of its position.
    pub(super) fn note_dateless(&mut self, count: usize) {
        if count > 0 {
            let until = self.latest.max(self.mark).unwrap_or(self.began).max(self.began);
            self.lack(until, || {
                format!("The date of the last send is unreadable in {count} or more records.")
            });
        }
    }

    /// Returns whether a page with these times has no record of the requested period. The upstream then ignores the dates, and
    /// in descending order all records after the page were listed earlier.
    fn is_beyond(&self, times: impl Iterator<Item = Option<Timestamp>>) -> bool {
        let newest = times.flatten().max();
        self.from.zip(newest).is_some_and(|(from, newest)| newest < from)
    }

    /// Ends the walk after a failed page. A failure that stops the synchronisation is returned as the error.
    pub(super) fn cut_off(&mut self, failure: SyncFailure) -> Result<(), SyncFailure> {
        if failure.stops_listings() {
            return Err(failure);
        }
        tracing::warn!("rest of a listing skipped: {failure}");
        self.lack(self.upper_end(), || failure.public_reason().to_owned());
        Ok(())
    }

    /// Returns the latest possible time of the next record.
    pub(super) fn upper_end(&self) -> Timestamp {
        self.last
            .unwrap_or_else(|| self.mark.map_or(self.began, |mark| mark.max(self.began)))
    }

    pub(super) fn lack(&mut self, until: Timestamp, reason: impl FnOnce() -> String) {
        match &mut self.lack {
            Some((known, _)) => *known = until.max(*known),
            None => self.lack = Some((until, reason())),
        }
    }

    pub(super) fn covers_gap(&self) -> bool {
        let Some(gap) = &self.gap else { return true };
        self.from
            .is_none_or(|from| gap.missing_from.is_some_and(|gap| from <= gap))
    }

    /// Returns whether the walk had fewer records than earlier walks, whose latest record is within the requested period.
    fn has_fewer(&self) -> bool {
        let of_gap = self
            .gap
            .as_ref()
            .filter(|_| self.covers_gap())
            .map_or(0, |gap| gap.records);
        let known = of_gap.max(u64::from(self.mark.is_some()));
        u64::try_from(self.records).is_ok_and(|records| records < known)
    }

    pub(super) fn is_confirmed(&self) -> bool {
        let reason = self.gap.as_ref().map(|gap| &gap.reason);
        reason.is_some_and(|reason| *reason == self.fewer())
    }

    fn title(&self) -> &'static str {
        match self.subject {
            Subject::Summaries => "report of sent campaigns",
            _ => "list of campaigns",
        }
    }

    fn fewer(&self) -> String {
        let (title, records) = (self.title(), self.records);
        format!("Constant Contact's {title} has fewer records than before ({records}). {UNCONFIRMED_LISTING}")
    }

    pub(super) fn next_mark(&self) -> Option<Timestamp> {
        // A time ahead of this machine's clock would shorten the overlap of the next walk.
        let newest = self.newest.map(|newest| newest.min(self.began));
        let is_without_records = self.records == 0 && self.is_confirmed();
        if self.lack.is_none() && (self.from.is_none() || is_without_records) {
            // The record of the old mark may have been deleted.
            return newest;
        }
        self.mark.max(newest)
    }

    pub(super) fn failure(&self) -> Option<FailedReading> {
        let records = u64::try_from(self.records).unwrap_or(u64::MAX);
        let Some((missing_until, reason)) = self.lack.clone() else {
            return (self.has_fewer() && !self.is_confirmed()).then(|| FailedReading {
                subject: self.subject,
                missing_from: self.from,
                missing_until: self.upper_end(),
                failed_at: self.began,
                records,
                reason: self.fewer(),
            });
        };
        let title = self.title();
        // A walk that does not include the old gap is not an attempt to close it.
        let attempt = self.gap.as_ref().filter(|_| !self.covers_gap());
        Some(FailedReading {
            subject: self.subject,
            missing_from: self.from,
            missing_until,
            failed_at: attempt.map_or(self.began, |gap| gap.tried_at),
            records,
            reason: format!("Constant Contact's {title} cannot be read completely. {reason}"),
        })
    }
}

/// Returns the upper bound for records after a page: the later of the page's last two times, since one record may be out of
/// order.
fn last_of(times: impl DoubleEndedIterator<Item = Timestamp>) -> Option<Timestamp> {
    times.rev().take(2).max()
}

const UNCONFIRMED_LISTING: &str = "The absence of the others is unconfirmed until the next synchronisation.";

fn is_unconfirmed(gap: &Unreadable) -> bool {
    gap.reason.ends_with(UNCONFIRMED_LISTING)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn listing_ends_at_known_records_when_sorted_newest_first() {
        let began: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        let hours = |hours: i64| Some(began - SignedDuration::from_hours(hours));
        let ends_early = |pages: &[&[i64]]| {
            let mark = hours(10);
            let mut walk = Walk::new(Subject::Summaries, mark, None, &[], began);
            for page in pages {
                let times: Vec<_> = page.iter().map(|ago| hours(*ago)).collect();
                walk.note(times.iter().copied(), (None, 0));
                let last = last_of(times.into_iter().flatten());
                if walk.ends_in_listed_records(last) {
                    return true;
                }
            }
            false
        };
        assert!(ends_early(&[&[2, 10, 20, 30]]));
        assert!(ends_early(&[&[10, 10, 20, 30]]));
        assert!(ends_early(&[&[2, 3, 4], &[5, 10, 20, 30]]));
        // A single record is out of order.
        assert!(ends_early(&[&[2, 10, 20, 9, 30, 40]]));
        assert!(!ends_early(&[&[2, 3, 4]]));
        // The oldest record is first, or the two halves are in reverse order.
        assert!(!ends_early(&[&[50, 40, 30], &[20, 10, 2]]));
        assert!(!ends_early(&[&[20, 30, 40], &[2, 10, 15]]));
        assert!(!ends_early(&[&[2, 10, 11], &[5, 20, 30]]));
    }

    #[test]
    fn mark_is_never_ahead_of_this_machines_clock() {
        let began: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        let minutes = |minutes| Some(began + SignedDuration::from_mins(minutes));
        let mark = |times: &[Option<Timestamp>], before| {
            let mut walk = Walk::new(Subject::Campaigns, before, None, &[], began);
            walk.note(times.iter().copied(), (None, 0));
            walk.next_mark()
        };
        assert_eq!(mark(&[minutes(59), minutes(-5)], None), Some(began));
        assert_eq!(mark(&[minutes(59)], minutes(-30)), Some(began));
        assert_eq!(mark(&[minutes(61), minutes(-5)], None), minutes(-5));
    }
}
