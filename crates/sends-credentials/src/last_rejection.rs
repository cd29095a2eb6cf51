//! Last rejection of an access token that cannot be renewed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sends_client::Clock;

#[derive(Debug)]
pub(crate) struct LastRejection {
    clock: Arc<dyn Clock>,
    /// Time of the rejection, and the pause before the next request may try the token again.
    rejected: Mutex<Option<(Timestamp, SignedDuration)>>,
}

impl LastRejection {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            rejected: Mutex::default(),
        }
    }

    /// Returns the time of the rejection, or `None` once the pause is over.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        let (since, pause) = (*self.rejected())?;
        let is_paused = self.clock.now().duration_since(since).abs() < pause;
        is_paused.then_some(since)
    }

    pub(crate) fn record(&self, retry_in: Duration) {
        let pause = SignedDuration::try_from(retry_in).unwrap_or(SignedDuration::MAX);
        *self.rejected() = Some((self.clock.now(), pause));
    }

    pub(crate) fn clear(&self) {
        *self.rejected() = None;
    }

    fn rejected(&self) -> MutexGuard<'_, Option<(Timestamp, SignedDuration)>> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct SetClock(AtomicI64);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
        }
    }

    #[test]
    fn rejection_is_reported_until_the_next_attempt_or_an_accepted_token() {
        let clock = Arc::new(SetClock::default());
        let rejection = LastRejection::new(Arc::<SetClock>::clone(&clock));
        assert_eq!(rejection.since(), None);
        rejection.record(Duration::from_mins(2));
        assert_eq!(rejection.since(), Some(clock.now()));
        rejection.clear();
        assert_eq!(rejection.since(), None);

        rejection.record(Duration::from_mins(2));
        clock.0.store(119, Ordering::Relaxed);
        assert!(rejection.since().is_some());
        clock.0.store(120, Ordering::Relaxed);
        assert_eq!(rejection.since(), None);
    }
}
