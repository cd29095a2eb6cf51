//! Budget of the calls with tokens that the upstream has not accepted yet, where callers bring their own.
//!
//! Whether a token is good is known only after a call, so that made-up ones cost calls. All tokens that were never accepted
//! share a quarter of the second, and their refusals a twentieth of the day:
//! - **The second.** At the default rate one such call leaves in a second. When its token is accepted, the next goes at once.
//! - **The day.** Calls that were not accepted use up a credit of a twentieth of the day's calls, which grows back evenly
//!   within a day.
//!
//! Who is next is drawn by lot among the tokens that wait, so that a new caller beside N made-up tokens that wait at a time
//! is served after N seconds on average at 4 calls a second, whatever the order in which they come.
//!
//! Kept by each process for itself. Must not know which tokens are accepted.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until, timeout_at},
};

use crate::pacing::{QueueUse, Refused, RefusedReason, SLOT_CLOSED};

/// How many calls may wait, over all tokens. An operation that waits holds one of the places of the service's operations, most
/// of which are to stay with other callers.
const MOST_WAITING: usize = 64;

/// One of so many calls of a second.
const PART_OF_SECOND: u32 = 4;

/// One of so many calls of a day.
const PART_OF_DAY: u64 = 20;

const DAY: Duration = Duration::from_hours(24);

/// Lets the calls of unverified tokens pass.
#[derive(Debug)]
pub(crate) struct UnverifiedTokens(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// How many such calls may be under way or have their slot closed. `None` for no limit.
    places: Option<usize>,
    taken: usize,
    credit: Option<Credit>,
    /// The calls that wait, by a hash of their token.
    waiting: Vec<(u64, Vec<Waiter>)>,
    /// How many calls found no room to wait.
    refused: u64,
}

/// How many more calls of a day may be refused.
#[derive(Debug)]
struct Credit {
    most: f64,
    left: f64,
    as_of: Instant,
}

type Waiter = oneshot::Sender<Result<Pass, Refused>>;

/// The permission for one call.
#[derive(Debug)]
#[must_use = "a pass that is dropped goes to the next call"]
pub(crate) struct Pass {
    state: Arc<Mutex<State>>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The place is given back with the pass.
    Granted,
    /// The place is given back when the slot of the second opens again, or when the token is found to be good before.
    Departed(oneshot::Sender<()>),
    /// The place has been given back.
    Accepted,
}

impl UnverifiedTokens {
    /// For an API key with these limits of a second and of a day.
    pub(crate) fn new(per_second: Option<u32>, per_day: Option<u64>) -> Self {
        let places =
            per_second.map(|rate| usize::try_from((rate / PART_OF_SECOND).max(1)).unwrap_or(usize::MAX));
        #[expect(clippy::cast_precision_loss, reason = "a day's calls are far fewer than 2^52")]
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

    /// The calls that wait.
    pub(crate) fn queue(&self) -> QueueUse {
        let mut state = lock(&self.0);
        QueueUse {
            waiting: state.count_waiting(),
            limit: MOST_WAITING,
            refused: state.refused,
        }
    }

    /// Waits until a call with this token, given by a hash, may be made.
    pub(crate) async fn pass(&self, token: u64, deadline: Instant) -> Result<Pass, Refused> {
        let drawn = {
            let mut state = lock(&self.0);
            if state.count_waiting() >= MOST_WAITING {
                state.refused += 1;
                return Err(refused(state.queue_time()));
            }
            let (waiter, drawn) = oneshot::channel();
            match state.waiting.iter_mut().find(|(other, _)| *other == token) {
                Some((_, calls)) => calls.push(waiter),
                None => state.waiting.push((token, vec![waiter])),
            }
            drawn
        };
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
    /// The call is sent. From here on the place is taken for a second, whether or not the caller waits for the answer, and
    /// however long that takes.
    pub(crate) fn depart(&mut self) {
        let (accepted, is_accepted) = oneshot::channel();
        let (state, slot_opens) = (Arc::clone(&self.state), Instant::now() + SLOT_CLOSED);
        tokio::spawn(async move {
            if timeout_at(slot_opens, is_accepted)
                .await
                .is_ok_and(|end| end.is_err())
            {
                sleep_until(slot_opens).await;
            }
            give_back(&state);
        });
        self.stage = Stage::Departed(accepted);
    }

    /// The upstream has accepted the token.
    pub(crate) fn accepted(mut self) {
        lock(&self.state).credit_back();
        if let Stage::Departed(accepted) = mem::replace(&mut self.stage, Stage::Accepted) {
            // Nobody listens any more when the second is over.
            let _ = accepted.send(());
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Stage::Granted = self.stage {
            lock(&self.state).credit_back();
            give_back(&self.state);
        }
    }
}

impl State {
    /// Counts the calls that wait, and forgets those that were given up.
    fn count_waiting(&mut self) -> usize {
        self.waiting.retain_mut(|(_, calls)| {
            calls.retain(|call| !call.is_closed());
            !calls.is_empty()
        });
        self.waiting.iter().map(|(_, calls)| calls.len()).sum()
    }

    fn queue_time(&self) -> Duration {
        let rounds = self.waiting.len().div_ceil(self.places.unwrap_or(usize::MAX)) + 1;
        SLOT_CLOSED.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }

    fn has_place(&self) -> bool {
        self.places.is_none_or(|places| self.taken < places)
    }

    fn credit_back(&mut self) {
        if let Some(credit) = &mut self.credit {
            credit.left = (credit.left + 1.0).min(credit.most);
        }
    }
}

impl Credit {
    /// Takes one call off the credit, or says when there is one.
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

/// Gives every free place to one who waits for it.
fn draw(state: &Arc<Mutex<State>>) {
    loop {
        let (waiter, outcome) = {
            let mut locked = lock(state);
            if locked.waiting.is_empty() || !locked.has_place() {
                return;
            }
            let lot = fastrand::usize(..locked.waiting.len());
            let calls = &mut locked.waiting[lot].1;
            let waiter = calls.pop();
            if calls.is_empty() {
                locked.waiting.swap_remove(lot);
            }
            let Some(waiter) = waiter.filter(|waiter| !waiter.is_closed()) else {
                continue;
            };
            let credit = locked.credit.as_mut().map_or(Ok(()), Credit::take);
            let outcome = credit.map_err(refused).map(|()| {
                locked.taken += 1;
                Pass {
                    state: Arc::clone(state),
                    stage: Stage::Granted,
                }
            });
            (waiter, outcome)
        };
        // Not under the lock: a pass that nobody takes is given back here.
        if let Err(untaken) = waiter.send(outcome) {
            mem::drop(untaken);
        }
    }
}

fn give_back(state: &Arc<Mutex<State>>) {
    {
        let mut locked = lock(state);
        locked.taken = locked.taken.saturating_sub(1);
    }
    draw(state);
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

    async fn tried(tokens: &UnverifiedTokens, token: u64) -> Result<Pass, Refused> {
        tokens.pass(token, Instant::now() + Duration::from_mins(1)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_call_keeps_its_place_until_its_slot_is_open_again() {
        let tokens = UnverifiedTokens::new(Some(4), None);
        let started = Instant::now();
        for token in 0..5 {
            let mut pass = tried(&tokens, token).await.unwrap();
            pass.depart();
            drop(pass);
        }
        assert_eq!(started.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn accepted_calls_follow_each_other_at_once() {
        let tokens = UnverifiedTokens::new(Some(4), Some(40));
        let started = Instant::now();
        for token in 0..50 {
            let mut pass = tried(&tokens, token).await.unwrap();
            pass.depart();
            pass.accepted();
        }
        assert!(started.elapsed() < SLOT_CLOSED, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_use_up_a_twentieth_of_the_day_which_grows_back() {
        let tokens = UnverifiedTokens::new(None, Some(40));
        let refuse = async || tried(&tokens, 1).await.map(|mut pass| pass.depart());
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
    async fn a_new_token_is_drawn_from_a_crowd_that_never_ends() {
        let tokens = Arc::new(UnverifiedTokens::new(Some(4), None));
        let mut crowd = tokio::task::JoinSet::new();
        for caller in 0..20_u64 {
            let tokens = Arc::clone(&tokens);
            crowd.spawn(async move {
                for number in 0.. {
                    if let Ok(mut pass) = tried(&tokens, caller * 1_000_000 + number).await {
                        pass.depart();
                    }
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let mut tries = 0;
        while tried(&tokens, u64::MAX).await.is_err() {
            tries += 1;
            assert!(tries < 20);
        }
        crowd.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded_and_one_who_gives_up_leaves() {
        let tokens = Arc::new(UnverifiedTokens::new(Some(4), None));
        let _pass = tried(&tokens, 0).await.unwrap();
        let mut crowd = tokio::task::JoinSet::new();
        for token in 0..MOST_WAITING as u64 {
            let tokens = Arc::clone(&tokens);
            crowd.spawn(async move { tried(&tokens, token).await.map(drop) });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let full = tried(&tokens, 1_000).await.unwrap_err();
        assert_eq!(full.reason, RefusedReason::UnverifiedTokens);
        crowd.shutdown().await;
        let waited = tokens.pass(1_000, Instant::now() + Duration::from_secs(1)).await;
        assert_eq!(waited.unwrap_err().reason, RefusedReason::Deadline);
        assert_eq!(lock(&tokens.0).waiting.len(), 1);
    }
}
