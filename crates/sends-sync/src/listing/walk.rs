//! One walk through the pages of a listing: its start, its gap, and the mark for the next walk.

use jiff::Timestamp;
use sends_client::ResourcePage;
use sends_store::{FailedReading, Subject, Unreadable};

use super::Dated;
use crate::{failure::SyncFailure, rules};

/// State of a walk, newest record first.
pub(super) struct Walk {
    pub(super) subject: Subject,
    pub(super) began: Timestamp,
    /// Latest time of earlier walks. `None` for the first walk, and when the time is not credible.
    mark: Option<Timestamp>,
    /// Start of the requested period, before which all records were listed earlier. `None` for all records.
    pub(super) from: Option<Timestamp>,
    /// Gap of earlier walks.
    pub(super) gap: Option<Unreadable>,
    /// Latest credible time so far, by the upstream's clock.
    newest: Option<Timestamp>,
    /// Latest time so far, by the upstream's clock.
    latest: Option<Timestamp>,
    /// Last time of the last page with one, by the upstream's clock.
    last: Option<Timestamp>,
    /// Whether all records so far were in descending order, from the latest record of earlier walks on.
    is_newest_first: bool,
    /// Number of records so far, unreadable ones included.
    records: usize,
    /// End of the period in which sends may be missing, with the reason. `None` without a gap.
    pub(super) lack: Option<(Timestamp, String)>,
}

impl Walk {
    /// A walk back to the mark and to the start of each doubt.
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
        // `None`, the beginning, is the minimum.
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

    /// Adds a page. Returns whether the records behind it were listed earlier.
    pub(super) fn note_page<T: Dated>(&mut self, page: &ResourcePage<T>) -> bool {
        let times = || page.records.iter().map(T::time);
        let unreadable = match page.unreadable {
            0 => None,
            _ if page.lacks_list => Some("A page of it has no list of records.".to_owned()),
            1 => Some("One record of it has a form that cannot be read.".to_owned()),
            count => Some(format!("{count} records of it have a form that cannot be read.")),
        };
        // A page without its list counts as one unreadable record, and has none.
        let count = if page.lacks_list { 0 } else { page.unreadable };
        let is_beyond = self.subject == Subject::Campaigns && self.is_beyond(times());
        self.note(times(), (unreadable, count));
        let last = last_of(times().flatten());
        let reaches_known =
            is_beyond || self.subject == Subject::Summaries && self.ends_in_listed_records(last);
        if page.cut_short.is_some() && !reaches_known {
            self.lack(self.upper_end(), || {
                "The link to its next page is wrong, or the pages behind it bring nothing new.".to_owned()
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

    /// Adds the times of a page's records, and the number of its unreadable records with the reason.
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
            // Their position on the page is unknown, and the clock may be behind.
            let before = before.max(self.latest.unwrap_or(before));
            self.lack(before, || reason);
        }
    }

    /// Whether a page with these times continues the descending order. One record out of order is tolerated.
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

    /// Whether the records behind a page that ends with `last` were listed earlier, which requires descending order.
    fn ends_in_listed_records(&self, last: Option<Timestamp>) -> bool {
        self.is_newest_first && self.from.zip(last).is_some_and(|(from, last)| last < from)
    }

    /// Adds records without a readable date. Each may be the latest send, whatever its position.
    pub(super) fn note_dateless(&mut self, count: usize) {
        if count > 0 {
            let until = self.latest.max(self.mark).unwrap_or(self.began).max(self.began);
            self.lack(until, || {
                format!("The date of the last send cannot be read in {count} or more records of it.")
            });
        }
    }

    /// Whether a page with these times has no record of the requested period: the upstream ignores the dates, and in descending
    /// order all records behind the page were listed earlier.
    fn is_beyond(&self, times: impl Iterator<Item = Option<Timestamp>>) -> bool {
        let newest = times.flatten().max();
        self.from.zip(newest).is_some_and(|(from, newest)| newest < from)
    }

    /// Ends the walk after a failed page. The error is a failure that stops the synchronisation.
    pub(super) fn cut_off(&mut self, failure: SyncFailure) -> Result<(), SyncFailure> {
        if failure.stops_listings() {
            return Err(failure);
        }
        tracing::warn!("rest of a listing skipped: {failure}");
        self.lack(self.upper_end(), || failure.public_reason().to_owned());
        Ok(())
    }

    /// Latest possible time of the next record.
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

    /// Whether the walk includes the gap of earlier walks.
    pub(super) fn covers_gap(&self) -> bool {
        let Some(gap) = &self.gap else { return true };
        self.from
            .is_none_or(|from| gap.missing_from.is_some_and(|gap| from <= gap))
    }

    /// Whether the walk had fewer records than earlier ones, whose latest record is within the requested period.
    fn has_fewer(&self) -> bool {
        let of_gap = self
            .gap
            .as_ref()
            .filter(|_| self.covers_gap())
            .map_or(0, |gap| gap.records);
        let known = of_gap.max(u64::from(self.mark.is_some()));
        u64::try_from(self.records).is_ok_and(|records| records < known)
    }

    /// Whether an earlier walk had as few records.
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
        format!("Constant Contact's {title} has fewer records than before, {records}. {UNCONFIRMED_LISTING}")
    }

    /// Mark for the next walk.
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

    /// The gap of this listing; `None` when it has none.
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
        // A walk that does not include the old gap is no attempt to close it.
        let attempt = self.gap.as_ref().filter(|_| !self.covers_gap());
        Some(FailedReading {
            subject: self.subject,
            missing_from: self.from,
            missing_until,
            failed_at: attempt.map_or(self.began, |gap| gap.tried_at),
            records,
            reason: format!("Constant Contact's {title} cannot be read as a whole. {reason}"),
        })
    }
}

/// Time before which the records behind a page are: the later one of its last two, since one may be out of order.
fn last_of(times: impl DoubleEndedIterator<Item = Timestamp>) -> Option<Timestamp> {
    times.rev().take(2).max()
}

/// End of the reason of a listing that is readable again, but has fewer records than when it was not.
const UNCONFIRMED_LISTING: &str =
    "What it lacked stays in doubt until the next synchronisation confirms that.";

fn is_unconfirmed(gap: &Unreadable) -> bool {
    gap.reason.ends_with(UNCONFIRMED_LISTING)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn pages_behind_known_territory_are_left_out_where_the_newest_record_comes_first() {
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
        // One odd record.
        assert!(ends_early(&[&[2, 10, 20, 9, 30, 40]]));
        assert!(!ends_early(&[&[2, 3, 4]]));
        // The oldest first, and the halves the other way round.
        assert!(!ends_early(&[&[50, 40, 30], &[20, 10, 2]]));
        assert!(!ends_early(&[&[20, 30, 40], &[2, 10, 15]]));
        assert!(!ends_early(&[&[2, 10, 11], &[5, 20, 30]]));
    }

    #[test]
    fn a_mark_does_not_lie_ahead_of_this_machines_clock() {
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
