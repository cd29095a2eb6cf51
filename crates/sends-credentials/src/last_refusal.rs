//! The last rejection of an access token that cannot be renewed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sends_client::Clock;

#[derive(Debug)]
pub(crate) struct LastRefusal {
    clock: Arc<dyn Clock>,
    /// The time of the rejection, and the pause before the next request may try the token again.
    refused: Mutex<Option<(Timestamp, SignedDuration)>>,
}

impl LastRefusal {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            refused: Mutex::default(),
        }
    }

    /// The time of the rejection, until the pause is over.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        let (since, pause) = (*self.refused())?;
        let is_paused = self.clock.now().duration_since(since).abs() < pause;
        is_paused.then_some(since)
    }

    pub(crate) fn record(&self, retry_in: Duration) {
        let pause = SignedDuration::try_from(retry_in).unwrap_or(SignedDuration::MAX);
        *self.refused() = Some((self.clock.now(), pause));
    }

    pub(crate) fn clear(&self) {
        *self.refused() = None;
    }

    fn refused(&self) -> MutexGuard<'_, Option<(Timestamp, SignedDuration)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn a_refusal_is_reported_until_the_next_try_is_due_or_the_token_is_accepted() {
        let clock = Arc::new(SetClock::default());
        let refusal = LastRefusal::new(Arc::<SetClock>::clone(&clock));
        assert_eq!(refusal.since(), None);
        refusal.record(Duration::from_mins(2));
        assert_eq!(refusal.since(), Some(clock.now()));
        refusal.clear();
        assert_eq!(refusal.since(), None);

        refusal.record(Duration::from_mins(2));
        clock.0.store(119, Ordering::Relaxed);
        assert!(refusal.since().is_some());
        clock.0.store(120, Ordering::Relaxed);
        assert_eq!(refusal.since(), None);
    }
}
