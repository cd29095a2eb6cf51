//! Maximum age of stored histories.
//!
//! An activity that was sent an hour ago can change at any minute, while an activity whose last send is months old rarely
//! changes. The maximum age therefore grows with the time since the last send, between two limits.
//!
//! The example `calls_saved` (`cargo run -p sends-graphql --example calls_saved`) simulates three dashboards that query 200
//! activities once a minute. The last sends are between five minutes and two years old. In one hour, a maximum age of one minute
//! causes 9,000 upstream calls, and these rules cause 2,443.

use std::time::Duration;

use sends_core::Outcome;
use sends_store::{Answer, StoredAnswer};

/// Limits of the maximum age.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Freshness {
    /// Lower limit, which applies while an activity can change.
    pub max_age: Duration,
    /// Upper limit, which applies after a long time without changes.
    pub max_age_settled: Duration,
}

/// Ratio of the time since the last send to the maximum age. One day after a send, a response may be half an hour old.
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
            // The activity has not been sent yet, so a send may start at any moment.
            return self.max_age;
        };
        let (Some(last_run), Outcome::Sent | Outcome::NoRecipients | Outcome::Failed) =
            (history.summary().last_run_date, latest.outcome())
        else {
            // Constant Contact continues staged and partial sends, and possibly sends with an unknown outcome.
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
    fn maximum_age_grows_with_the_time_since_the_last_send() {
        assert_eq!(max_age(&sent("2026-06-15T11:59:00Z", 0)), 60);
        assert_eq!(max_age(&sent("2026-06-15T11:00:00Z", 0)), 75);
        assert_eq!(max_age(&sent("2026-06-14T12:00:00Z", 0)), HOUR / 2);
        assert_eq!(max_age(&sent("2026-06-13T12:00:00Z", 0)), HOUR);
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 0)), HOUR);
        assert_eq!(
            max_age(&sent("2027-01-01T00:00:00Z", 0)),
            60,
            "the last send is dated in the future"
        );
    }

    #[test]
    fn unfinished_sends_keep_the_lower_limit() {
        assert_eq!(max_age("[]"), 60, "never sent");
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 5)), 60, "staged");
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 6)), 60, "partially sent");
        assert_eq!(max_age(&sent("2019-06-15T12:00:00Z", 77)), 60, "unknown code");
        assert_eq!(
            max_age(r#"[{"send_id":1,"send_status":"COMPLETED","reason_code":0}]"#),
            60,
            "no date"
        );
    }

    #[test]
    fn upper_limit_is_at_least_the_lower_limit() {
        let freshness = Freshness::new(Duration::from_mins(10), Duration::from_mins(1));
        assert_eq!(freshness.max_age_settled, Duration::from_mins(10));
    }
}
