//! Maximum age of stored histories.
//!
//! An activity that was sent an hour ago may change at any minute; one whose last send is months old rarely does. So the maximum
//! age grows with the time since the last send, between two limits.
//!
//! Effect: with 200 activities whose last sends are five minutes to two years old, and three dashboards that query all of them
//! once a minute, an hour takes 9,000 calls with a maximum age of one minute, and 2,443 with these rules. (`cargo run -p
//! sends-graphql --example calls_saved`)

use std::time::Duration;

use sends_core::Outcome;
use sends_store::{Answer, StoredAnswer};

/// Limits of the maximum age.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Freshness {
    /// Lower limit: the maximum age while an activity may change.
    pub max_age: Duration,
    /// Upper limit: the maximum age after a long time without changes.
    pub max_age_settled: Duration,
}

/// Ratio of the quiet time to the maximum age: after a quiet day, a response may be half an hour old.
const QUIET_PART: u32 = 48;

impl Freshness {
    /// Raises `max_age_settled` to `max_age` if it is lower.
    pub fn new(max_age: Duration, max_age_settled: Duration) -> Self {
        Self {
            max_age,
            max_age_settled: max_age_settled.max(max_age),
        }
    }

    pub(super) fn max_age(&self, kept: &StoredAnswer) -> Duration {
        let Answer::History(history) = &kept.answer else {
            return self.max_age;
        };
        let Some(latest) = history.latest() else {
            // Not sent yet, so a send may start at any moment.
            return self.max_age;
        };
        let (Some(last_run), Outcome::Sent | Outcome::NoRecipients | Outcome::Failed) =
            (history.summary().last_run_date, latest.outcome())
        else {
            // Staged and partial sends continue by themselves, and unknown ones may.
            return self.max_age;
        };
        let quiet = Duration::try_from(kept.fetched_at.duration_since(last_run)).unwrap_or_default();
        (quiet / QUIET_PART).clamp(self.max_age, self.max_age_settled)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use sends_core::SendHistory;

    use super::*;

    const HOUR: u64 = 3600;

    fn max_age(history: &str) -> u64 {
        let freshness = Freshness::new(Duration::from_mins(1), Duration::from_hours(1));
        let history = SendHistory::from_json(history.as_bytes()).unwrap();
        let fetched_at: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        freshness
            .max_age(&StoredAnswer {
                fetched_at,
                answer: Answer::History(Arc::new(history)),
            })
            .as_secs()
    }

    fn sent(run_date: &str, reason_code: i32) -> String {
        format!(
            r#"[{{"send_id":1,"count":5,"run_date":"{run_date}","send_status":"COMPLETED","reason_code":{reason_code}}}]"#
        )
    }

    #[test]
    fn the_longer_nothing_has_happened_the_older_an_answer_may_be() {
        assert_eq!(max_age(&sent("2026-06-15T11:59:00Z", 0)), 60);
        assert_eq!(max_age(&sent("2026-06-15T11:00:00Z", 0)), 75);
        assert_eq!(max_age(&sent("2026-06-14T12:00:00Z", 0)), HOUR / 2);
        assert_eq!(max_age(&sent("2026-06-13T12:00:00Z", 0)), HOUR);
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 0)), HOUR);
        assert_eq!(
            max_age(&sent("2027-01-01T00:00:00Z", 0)),
            60,
            "a future date is no quiet time"
        );
    }

    #[test]
    fn what_may_still_be_going_on_is_asked_for_often() {
        assert_eq!(max_age("[]"), 60, "never sent");
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 5)), 60, "staged");
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 6)), 60, "partly sent");
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 77)), 60, "an unknown code");
        assert_eq!(
            max_age(r#"[{"send_id":1,"send_status":"COMPLETED","reason_code":0}]"#),
            60,
            "no date"
        );
    }

    #[test]
    fn the_least_age_wins_over_a_lower_limit_for_settled_activities() {
        let freshness = Freshness::new(Duration::from_mins(10), Duration::from_mins(1));
        assert_eq!(freshness.max_age_settled, Duration::from_mins(10));
    }
}
