//! One walk through the pages of a listing: how far back it goes, what it lacks, and the mark that it leaves for the next one.

use jiff::Timestamp;
use sends_store::{FailedReading, Subject, Unreadable};

use crate::{failure::SyncFailure, rules};

/// One walk through the pages of a listing, newest record first, and what it lacks.
pub(super) struct Walk {
    pub(super) subject: Subject,
    pub(super) began: Timestamp,
    /// The latest moment of earlier walks; `None` when there was none, or when it cannot be right.
    pub(super) mark: Option<Timestamp>,
    /// From when on records are asked for; `None` for all. Whatever lies before was listed earlier.
    pub(super) from: Option<Timestamp>,
    /// What earlier walks lacked.
    pub(super) gap: Option<Unreadable>,
    /// The latest moment so far that can be right, the latest of all, and the last of the last page that has one, by the
    /// upstream's clock.
    newest: Option<Timestamp>,
    latest: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Whether the records came newest first so far, and none is missing that earlier walks had as the latest one.
    is_newest_first: bool,
    /// How many records it has had, those that could not be read included.
    records: usize,
    /// Until when sends may be missing for what this walk lacks, and why. `None` when it lacks nothing.
    pub(super) lack: Option<(Timestamp, String)>,
}

impl Walk {
    /// It goes back to where `doubts` begin.
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
        // With `None`, which is the beginning, the lesser one is `None`.
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

    /// Takes note of a page. Its records have these moments, and some could not be read for this reason.
    pub(super) fn note(
        &mut self,
        moments: impl Iterator<Item = Option<Timestamp>>,
        (unreadable, count): (Option<String>, usize),
    ) {
        let before = self.upper_end();
        let moments: Vec<Timestamp> = moments.inspect(|_| self.records += 1).flatten().collect();
        self.records += count;
        self.is_newest_first &= self.continues(&moments);
        self.last = last_of(moments.iter().copied()).or(self.last);
        for moment in moments {
            self.latest = self.latest.max(Some(moment));
            if rules::is_credible(moment, self.began) {
                self.newest = self.newest.max(Some(moment));
            }
        }
        if let Some(reason) = unreadable {
            // Where on the page they are is not known, and the clock may be behind.
            let before = before.max(self.latest.unwrap_or(before));
            self.lack(before, || reason);
        }
    }

    /// Takes note that the pages behind the last one cannot be reached.
    pub(super) fn cut_short(&mut self) {
        self.lack(self.upper_end(), || {
            "The link to its next page is wrong, or the pages behind it bring nothing new.".to_owned()
        });
    }

    /// Whether a page with these moments goes on newest first. One odd moment among the others does not matter.
    fn continues(&self, moments: &[Timestamp]) -> bool {
        let start = if self.last.is_none() { self.mark } else { None };
        let begins_at_mark = start
            .zip(moments.iter().max())
            .is_none_or(|(mark, newest)| *newest >= mark);
        let follows = |earlier: Timestamp, later: Timestamp| later <= earlier;
        let is_after_last = self
            .last
            .zip(moments.first())
            .is_none_or(|(last, first)| follows(last, *first));
        let steps_back = moments
            .windows(2)
            .filter(|pair| !follows(pair[0], pair[1]))
            .count();
        begins_at_mark && is_after_last && steps_back <= 1
    }

    /// Whether the pages behind one that ends before `from` were listed earlier: only where the newest record comes first.
    pub(super) fn is_known_territory(&self, last: Option<Timestamp>) -> bool {
        self.is_newest_first && self.from.zip(last).is_some_and(|(from, last)| last < from)
    }

    /// Takes note of records without a date that can be read. Each may be of the latest send, wherever on the page it is.
    pub(super) fn note_dateless(&mut self, count: usize) {
        if count > 0 {
            let until = self.latest.max(self.mark).unwrap_or(self.began).max(self.began);
            self.lack(until, || {
                format!("The date of the last send cannot be read in {count} or more records of it.")
            });
        }
    }

    /// Whether nothing on a page, whose records have these moments, lies within what was asked for: the upstream ignores the
    /// dates, and since the newest record comes first, all behind this page was listed earlier.
    pub(super) fn is_beyond(&self, moments: impl Iterator<Item = Option<Timestamp>>) -> bool {
        let newest = moments.flatten().max();
        self.from.zip(newest).is_some_and(|(from, newest)| newest < from)
    }

    /// Takes note of a page that could not be read, unless nothing can.
    pub(super) fn broke_off(&mut self, failure: SyncFailure) -> Result<(), SyncFailure> {
        if failure.stops_listings() {
            return Err(failure);
        }
        tracing::warn!("the rest of a listing is left out: {failure}");
        self.lack(self.upper_end(), || failure.public_reason().to_owned());
        Ok(())
    }

    /// Until when what comes next can have changed or been sent.
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

    /// Whether it went over everything that earlier walks lacked.
    pub(super) fn covers_gap(&self) -> bool {
        let Some(gap) = &self.gap else { return true };
        self.from
            .is_none_or(|from| gap.missing_from.is_some_and(|gap| from <= gap))
    }

    /// Whether it has fewer records than earlier walks, whose latest one is among those that were asked for.
    fn has_fewer(&self) -> bool {
        let of_gap = self
            .gap
            .as_ref()
            .filter(|_| self.covers_gap())
            .map_or(0, |gap| gap.records);
        let known = of_gap.max(u64::from(self.mark.is_some()));
        u64::try_from(self.records).is_ok_and(|records| records < known)
    }

    /// Whether an earlier walk had just as few.
    pub(super) fn is_confirmed(&self) -> bool {
        let reason = self.gap.as_ref().map(|gap| &gap.reason);
        reason.is_some_and(|reason| *reason == self.fewer())
    }

    fn what(&self) -> &'static str {
        match self.subject {
            Subject::Summaries => "report of sent campaigns",
            _ => "list of campaigns",
        }
    }

    fn fewer(&self) -> String {
        let (what, records) = (self.what(), self.records);
        format!("Constant Contact's {what} has fewer records than before, {records}. {UNCONFIRMED_LISTING}")
    }

    /// The mark for the next walk.
    pub(super) fn next_mark(&self) -> Option<Timestamp> {
        // A moment ahead of this machine's clock would shrink the overlap of the next walk, or leave none.
        let newest = self.newest.map(|newest| newest.min(self.began));
        let is_without_records = self.records == 0 && self.is_confirmed();
        if self.lack.is_none() && (self.from.is_none() || is_without_records) {
            // The record that the mark is of may be gone.
            return newest;
        }
        self.mark.max(newest)
    }

    /// The entry of this listing among what could not be read. `None` when nothing of it is missing.
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
        let what = self.what();
        // A walk that goes over less than was lacking is no attempt at the rest.
        let attempt = self.gap.as_ref().filter(|_| !self.covers_gap());
        Some(FailedReading {
            subject: self.subject,
            missing_from: self.from,
            missing_until,
            failed_at: attempt.map_or(self.began, |gap| gap.tried_at),
            records,
            reason: format!("Constant Contact's {what} cannot be read as a whole. {reason}"),
        })
    }
}

/// Before which moment the records come that follow a page with these. The later one of the last two, since one may be odd.
pub(super) fn last_of(moments: impl DoubleEndedIterator<Item = Timestamp>) -> Option<Timestamp> {
    moments.rev().take(2).max()
}

/// Why a listing counts as unreadable that can be read, and has fewer records than when it could not.
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
                let moments: Vec<_> = page.iter().map(|ago| hours(*ago)).collect();
                walk.note(moments.iter().copied(), (None, 0));
                let last = last_of(moments.into_iter().flatten());
                if walk.is_known_territory(last) {
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
        let mark = |moments: &[Option<Timestamp>], before| {
            let mut walk = Walk::new(Subject::Campaigns, before, None, &[], began);
            walk.note(moments.iter().copied(), (None, 0));
            walk.next_mark()
        };
        assert_eq!(mark(&[minutes(59), minutes(-5)], None), Some(began));
        assert_eq!(mark(&[minutes(59)], minutes(-30)), Some(began));
        assert_eq!(mark(&[minutes(61), minutes(-5)], None), minutes(-5));
    }
}
