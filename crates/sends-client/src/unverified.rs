//! Call budget of access tokens that the upstream has not accepted yet, for services whose callers supply their own tokens.
//!
//! A token can be verified only by a call, so invalid tokens consume calls. All unverified tokens share a quarter of the limit
//! per second, and their rejected calls share a twentieth of the daily limit:
//! - **Second.** At the default limit, one such call is sent per second. The next call is sent as soon as the token is
//!   accepted.
//! - **Day.** Calls that were not accepted consume a credit of a twentieth of the daily limit, which refills evenly within a
//!   day.
//!
//! The next call is drawn at random among the waiting tokens. With N invalid tokens waiting, a new caller is therefore served
//! after N seconds on average at 4 calls per second, regardless of the order of arrival.
//!
//! Each process has its own budget. The caller reports which tokens are accepted.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until, timeout_at},
};

use crate::pacing::{QueueUse, Refused, RefusedReason, SLOT_CLOSED};

/// Maximum number of waiting calls over all tokens. A waiting operation occupies one of the service's operation slots, most of
/// which must stay available to other callers.
const MAX_WAITING: usize = 64;

/// Divisor of the limit per second. The quotient is the share of unverified tokens.
const PART_OF_SECOND: u32 = 4;

/// Divisor of the daily limit. The quotient is the share of unverified tokens.
const PART_OF_DAY: u64 = 20;

const DAY: Duration = Duration::from_hours(24);

#[derive(Debug)]
pub(crate) struct UnverifiedTokens(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Maximum number of calls that are in flight or whose slot is closed. `None` for no limit.
    places: Option<usize>,
    taken: usize,
    credit: Option<Credit>,
    /// Waiting calls, each with the hash of its token.
    waiting: Vec<(u64, Waiter)>,
    /// Number of calls rejected since the start because of [`MAX_WAITING`].
    refused: u64,
}

/// Token bucket of the calls that may be rejected per day.
#[derive(Debug)]
struct Credit {
    most: f64,
    left: f64,
    as_of: Instant,
}

type Waiter = oneshot::Sender<Result<Pass, Refused>>;

/// Permission for one call. A pass that is dropped before [`depart`](Self::depart) is transferred to the next call and consumes
/// no credit.
#[derive(Debug)]
#[must_use = "a dropped pass passes to the next call"]
pub(crate) struct Pass {
    /// `None` after the departure.
    place: Option<Place>,
    /// Notifies the task that holds the place, so that the place is released before its slot opens.
    acceptance: Option<oneshot::Sender<()>>,
    state: Arc<Mutex<State>>,
}

/// Place counted by [`State::places`], released on drop.
#[derive(Debug)]
struct Place(Arc<Mutex<State>>);

impl UnverifiedTokens {
    /// Creates a budget for these limits per second and per day, each of which is `None` for no limit.
    pub(crate) fn new(per_second: Option<u32>, per_day: Option<u64>) -> Self {
        let places =
            per_second.map(|rate| usize::try_from((rate / PART_OF_SECOND).max(1)).unwrap_or(usize::MAX));
        #[expect(clippy::cast_precision_loss, reason = "a daily limit is far below 2^52")]
        let most = per_day.map(|limit| (limit / PART_OF_DAY).max(1) as f64);
        Self(Arc::new(Mutex::new(State {
            places,
            taken: 0,
            credit: most.map(|most| Credit {
                most,
                left: most,
                as_of: Instant::now(),
            }),
            waiting: Vec::new(),
            refused: 0,
        })))
    }

    pub(crate) fn queue(&self) -> QueueUse {
        let mut state = lock(&self.0);
        QueueUse {
            waiting: state.count_waiting(),
            limit: MAX_WAITING,
            refused: state.refused,
        }
    }

    /// Waits for permission to send a call with the token of this hash.
    pub(crate) async fn pass(&self, token: u64, deadline: Instant) -> Result<Pass, Refused> {
        let (waiter, drawn) = oneshot::channel();
        {
            let mut state = lock(&self.0);
            if state.count_waiting() >= MAX_WAITING {
                state.refused += 1;
                return Err(refused(state.queue_time()));
            }
            state.waiting.push((token, waiter));
        }
        draw(&self.0);
        match timeout_at(deadline, drawn).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(Refused {
                reason: RefusedReason::Deadline,
                retry_after: lock(&self.0).queue_time(),
            }),
        }
    }
}

impl Pass {
    /// Marks the call as sent. Its place stays occupied until its slot opens, even if the call is cancelled, or earlier if
    /// [`accepted`](Self::accepted) is called.
    pub(crate) fn depart(&mut self) {
        let (acceptance, accepted) = oneshot::channel();
        let (place, slot_opens) = (self.place.take(), Instant::now() + SLOT_CLOSED);
        tokio::spawn(async move {
            let outcome = timeout_at(slot_opens, accepted).await;
            if outcome.is_ok_and(|accepted| accepted.is_err()) {
                sleep_until(slot_opens).await;
            }
            drop(place);
        });
        self.acceptance = Some(acceptance);
    }

    pub(crate) fn accepted(mut self) {
        lock(&self.state).credit_back();
        if let Some(acceptance) = self.acceptance.take() {
            // The notification fails if the slot is already open.
            let _ = acceptance.send(());
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.place.is_some() {
            lock(&self.state).credit_back();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.0).taken -= 1;
        draw(&self.0);
    }
}

impl State {
    /// Removes cancelled calls and counts the others.
    fn count_waiting(&mut self) -> usize {
        self.waiting.retain(|(_, waiter)| !waiter.is_closed());
        self.waiting.len()
    }

    fn waiting_tokens(&self) -> Vec<u64> {
        let mut tokens: Vec<u64> = self.waiting.iter().map(|(token, _)| *token).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    fn queue_time(&self) -> Duration {
        let places = self.places.unwrap_or(usize::MAX);
        let rounds = self.waiting_tokens().len().div_ceil(places) + 1;
        SLOT_CLOSED.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    /// Removes the next call from the queue: the first call of a random token. Returns `None` if no call waits or no place is
    /// free.
    fn draw(&mut self) -> Option<Waiter> {
        if self.count_waiting() == 0 || self.places.is_some_and(|places| self.taken >= places) {
            return None;
        }
        let tokens = self.waiting_tokens();
        let drawn = tokens[fastrand::usize(..tokens.len())];
        let call = self.waiting.iter().position(|(token, _)| *token == drawn)?;
        Some(self.waiting.remove(call).1)
    }

    fn credit_back(&mut self) {
        if let Some(credit) = &mut self.credit {
            credit.left = (credit.left + 1.0).min(credit.most);
        }
    }
}

impl Credit {
    /// Takes the credit of one call. The error is the time until enough credit is available.
    fn take(&mut self) -> Result<(), Duration> {
        let now = Instant::now();
        let grown = now.saturating_duration_since(self.as_of).as_secs_f64() / DAY.as_secs_f64() * self.most;
        (self.left, self.as_of) = ((self.left + grown).min(self.most), now);
        if self.left < 1.0 {
            return Err(DAY.mul_f64((1.0 - self.left) / self.most));
        }
        self.left -= 1.0;
        Ok(())
    }
}

/// Assigns the free places to waiting calls.
fn draw(state: &Arc<Mutex<State>>) {
    loop {
        let (waiter, outcome) = {
            let mut locked = lock(state);
            let Some(waiter) = locked.draw() else { return };
            let credit = locked.credit.as_mut().map_or(Ok(()), Credit::take);
            let outcome = credit.map_err(refused).map(|()| {
                locked.taken += 1;
                Pass {
                    place: Some(Place(Arc::clone(state))),
                    acceptance: None,
                    state: Arc::clone(state),
                }
            });
            (waiter, outcome)
        };
        // The outcome is sent after the lock is released. If the call was cancelled in the meantime, its pass is dropped here,
        // which takes the lock.
        drop(waiter.send(outcome));
    }
}

fn refused(retry_after: Duration) -> Refused {
    Refused {
        reason: RefusedReason::UnverifiedTokens,
        retry_after: retry_after.max(Duration::from_secs(1)),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn acquire(tokens: &UnverifiedTokens, token: u64) -> Result<Pass, Refused> {
        tokens.pass(token, Instant::now() + Duration::from_mins(1)).await
    }

    #[tokio::test(start_paused = true)]
    async fn rejected_call_keeps_its_place_until_its_slot_opens() {
        let tokens = UnverifiedTokens::new(Some(4), None);
        let started = Instant::now();
        for token in 0..5 {
            let mut pass = acquire(&tokens, token).await.unwrap();
            pass.depart();
            drop(pass);
        }
        assert_eq!(started.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn accepted_calls_follow_each_other_immediately() {
        let tokens = UnverifiedTokens::new(Some(4), Some(40));
        let started = Instant::now();
        for token in 0..50 {
            let mut pass = acquire(&tokens, token).await.unwrap();
            pass.depart();
            pass.accepted();
        }
        assert!(started.elapsed() < SLOT_CLOSED, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn rejected_calls_use_a_twentieth_of_the_daily_limit_which_refills() {
        let tokens = UnverifiedTokens::new(None, Some(40));
        let refuse = async || acquire(&tokens, 1).await.map(|mut pass| pass.depart());
        for _ in 0..2 {
            refuse().await.unwrap();
        }
        let refused = refuse().await.unwrap_err();
        assert_eq!(refused.reason, RefusedReason::UnverifiedTokens);
        assert_eq!(refused.retry_after, Duration::from_hours(12));
        tokio::time::advance(Duration::from_hours(12)).await;
        refuse().await.unwrap();
        refuse().await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn new_token_is_served_despite_an_endless_backlog() {
        let tokens = Arc::new(UnverifiedTokens::new(Some(4), None));
        let mut backlog = tokio::task::JoinSet::new();
        for caller in 0..20_u64 {
            let tokens = Arc::clone(&tokens);
            backlog.spawn(async move {
                for number in 0.. {
                    if let Ok(mut pass) = acquire(&tokens, caller * 1_000_000 + number).await {
                        pass.depart();
                    }
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let mut tries = 0;
        while acquire(&tokens, u64::MAX).await.is_err() {
            tries += 1;
            assert!(tries < 20);
        }
        backlog.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_calls_are_bounded_and_cancelled_calls_leave_the_queue() {
        let tokens = Arc::new(UnverifiedTokens::new(Some(4), None));
        let _pass = acquire(&tokens, 0).await.unwrap();
        let mut backlog = tokio::task::JoinSet::new();
        for token in 0..MAX_WAITING as u64 {
            let tokens = Arc::clone(&tokens);
            backlog.spawn(async move { acquire(&tokens, token).await.map(drop) });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let full = acquire(&tokens, 1_000).await.unwrap_err();
        assert_eq!(full.reason, RefusedReason::UnverifiedTokens);
        backlog.shutdown().await;
        let waited = tokens.pass(1_000, Instant::now() + Duration::from_secs(1)).await;
        assert_eq!(waited.unwrap_err().reason, RefusedReason::Deadline);
        assert_eq!(lock(&tokens.0).waiting.len(), 1);
    }
}
