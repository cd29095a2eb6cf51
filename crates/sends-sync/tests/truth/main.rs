//! Random accounts with incorrect responses and random changes, which are synchronised several times. The log must equal the
//! account except for subjects recorded as unreadable, regardless of this machine's clock.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "panics fail the test, and the figures are printed"
)]

mod account;
mod check;
mod oddities;
mod random;
mod readers;
mod remote;
mod server;

use std::{
    sync::{Arc, Mutex, atomic::AtomicU64, atomic::Ordering},
    thread,
    time::Duration,
};

use jiff::SignedDuration;
use sends_client::{AccessToken, Caller, ConstantContact, Pacer, Settings, pacing::Limits};
use sends_store::{Owner, SqliteStore, SyncLog};
use sends_sync::{Ended, Progress, Report, Synchronisation};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use account::Account;
use check::logged;
use oddities::{ListingOddities, Oddities};
use random::Random;
use remote::Remote;

const OWNER: Owner = Owner::new([1; 16]);

/// Default number of accounts, overridden by `TRUTH_ACCOUNTS`. `TRUTH_SEED` sets the seed of the first account and reduces the
/// default to one account.
const ACCOUNTS: u64 = 1_000;
const WRONG_CLOCK_ACCOUNTS: u64 = 300;

/// Number of rounds per account, each with changes and a synchronisation.
const ROUNDS: usize = 4;

/// Offsets of this machine's clock in hours, for wrong time zones and wrong years.
const WRONG_CLOCKS: [i64; 4] = [5, -5, 24 * 1_400, -24 * 2_000];

#[test]
fn log_equals_the_account_except_for_unreadable_subjects() {
    let (calls, unreadable, odd) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let tried = for_each_seed(ACCOUNTS, async |world: &World, seed| {
        let (of_account, unreadable_count) = world.simulate(seed).await;
        calls.fetch_add(of_account, Ordering::Relaxed);
        unreadable.fetch_add(unreadable_count, Ordering::Relaxed);
        odd.fetch_add(u64::from(unreadable_count > 0), Ordering::Relaxed);
    });
    eprintln!("{tried} accounts, {odd:?} of them with oddities: {calls:?} calls, {unreadable:?} unreadable");
}

#[test]
fn one_synchronisation_recovers_from_a_wrong_clock() {
    let calls = AtomicU64::new(0);
    let tried = for_each_seed(WRONG_CLOCK_ACCOUNTS, async |world: &World, seed| {
        calls.fetch_add(world.simulate_wrong_clock(seed).await, Ordering::Relaxed);
    });
    eprintln!("{tried} accounts with a wrong clock: {calls:?} calls");
}

fn for_each_seed(accounts: u64, simulate: impl AsyncFn(&World, u64) + Sync) -> u64 {
    let setting = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|number| number.parse::<u64>().unwrap())
    };
    let first = setting("TRUTH_SEED");
    let count = setting("TRUTH_ACCOUNTS").unwrap_or(if first.is_some() { 1 } else { accounts });
    let next = AtomicU64::new(0);
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let world = World::new().await;
            loop {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= count {
                    return;
                }
                let seed = Seed(first.unwrap_or(0) + nth);
                simulate(&world, seed.0).await;
            }
        });
    };
    let workers = thread::available_parallelism().unwrap().get();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    count
}

struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("failed: run again with TRUTH_SEED={}", self.0);
        }
    }
}

#[tokio::test]
async fn listing_ends_early_when_the_upstream_ignores_after_date() {
    let world = World::new().await;
    let mut account = Account::with_a_campaign_a_day(&mut Random::new(1), 40);
    account.ignores_after_date = true;
    *world.account.lock().unwrap() = account;
    let store = Arc::new(SqliteStore::in_memory().await.unwrap());
    let listings = async || {
        let report = world.synchronise(&store, 0).await;
        assert_eq!((report.ended, report.unreadable), (Ended::Complete, 0));
        let calls = std::mem::take(&mut world.account.lock().unwrap().calls);
        calls
            .iter()
            .filter(|call| call.starts_with("/v3/emails?"))
            .count()
    };
    assert_eq!(listings().await, 40_usize.div_ceil(3));
    world.account.lock().unwrap().now += SignedDuration::from_hours(1);
    assert_eq!(
        listings().await,
        2,
        "the page with the newest campaign, and an older page"
    );
    world.check(&store, (1, 1), 0, true).await;
}

#[tokio::test]
async fn failing_newest_histories_do_not_block_other_reads() {
    let world = World::new().await;
    let mut account = Account::with_a_campaign_a_day(&mut Random::new(1), 60);
    let newest = account.campaigns.iter().rev().take(40);
    let failing: Vec<String> = newest.map(|campaign| campaign.activities[0].id.clone()).collect();
    account.oddities = Oddities::with_failing(failing.iter().cloned());
    let others: Vec<_> = account.campaigns[..20]
        .iter()
        .map(|campaign| &campaign.activities[0])
        .collect();
    let sent = others
        .iter()
        .filter(|activity| !activity.sends.is_empty())
        .count();
    *world.account.lock().unwrap() = account;
    let store = Arc::new(SqliteStore::in_memory().await.unwrap());
    let report = world.synchronise(&store, 0).await;
    assert_eq!(report.ended, Ended::Complete, "{report:?}");
    assert_eq!(logged(&store).await.len(), sent);
    world.check(&store, (1, 0), 0, true).await;
    let calls = std::mem::take(&mut world.account.lock().unwrap().calls);
    let histories = calls.iter().filter(|call| call.contains("send_history")).count();
    assert!((50..80).contains(&histories), "{histories}");
    // Failed reads are not retried before the end of their pauses.
    let report = world.synchronise(&store, 0).await;
    assert_eq!((report.ended, report.calls), (Ended::Complete, 2));
}

#[tokio::test]
async fn vanished_latest_campaign_is_unreadable_until_confirmed() {
    let world = World::new().await;
    let mut account = Account::with_a_campaign_a_day(&mut Random::new(2), 12);
    let is_sent = |campaign: &account::Campaign| !campaign.activities[0].sends.is_empty();
    let last_sent = account.campaigns.iter().rposition(is_sent).unwrap();
    account.campaigns.truncate(last_sent + 1);
    *world.account.lock().unwrap() = account;
    let store = Arc::new(SqliteStore::in_memory().await.unwrap());
    assert_eq!(world.synchronise(&store, 0).await.unreadable, 0);
    let before = logged(&store).await.len();
    let mut found = Vec::new();
    world.account.lock().unwrap().campaigns.pop();
    for _ in 0..4 {
        world.account.lock().unwrap().now += SignedDuration::from_hours(48);
        let report = world.synchronise(&store, 0).await;
        world.check(&store, (2, 1), 0, true).await;
        found.push((logged(&store).await.len(), report.unreadable > 0));
    }
    assert_eq!(found.last(), Some(&(before - 1, false)), "{found:?}");
    let is_complete = found.iter().map(|(sends, is_named)| *sends < before || *is_named);
    assert!(is_complete.clone().all(|is_reported| is_reported), "{found:?}");
    world.reads_nothing_again(&store, 2).await;
}

struct World {
    account: Arc<Mutex<Account>>,
    client: ConstantContact,
}

impl World {
    async fn new() -> Self {
        let account = Arc::new(Mutex::new(Account::new(&mut Random::new(0))));
        let url = server::serve(Arc::clone(&account)).await;
        let mut settings = Settings::new(url.parse().unwrap());
        settings.retry.max_attempts = 1;
        // The circuit breaker has the settings of the service, except for its delays.
        settings.breaker.first_delay = Duration::from_millis(1);
        settings.breaker.longest_delay = Duration::from_millis(2);
        Self {
            account,
            client: ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap(),
        }
    }

    async fn simulate(&self, seed: u64) -> (u64, u64) {
        let mut random = Random::new(seed);
        let mut account = Account::new(&mut random);
        account.ignores_after_date = seed % 4 == 3;
        *self.account.lock().unwrap() = account;
        let store = Arc::new(SqliteStore::in_memory().await.unwrap());
        let (mut calls, mut unreadable, mut clock_was_right) = (0, 0, true);
        for round in 0..ROUNDS {
            let before = logged(&store).await;
            {
                let mut account = self.account.lock().unwrap();
                account.now += SignedDuration::from_hours(12 + i64::try_from(random.below(30)).unwrap());
                if round > 0 {
                    for _ in 0..random.below(5) {
                        account.change(&mut random);
                    }
                }
                let known = before
                    .iter()
                    .map(|(id, sends)| (id.to_string(), sends.len()))
                    .collect();
                let known = (round > 0).then_some(&known);
                account.oddities = Oddities::random(&mut random, &account, known);
                account.took_back_changes |= !account.oddities.shown.is_empty();
                let has_silent_send = std::mem::take(&mut account.has_silent_send);
                // Only the report shows these sends.
                let is_needed = has_silent_send
                    || account.oddities.lacks_unknown
                    || round == 0 && !account.oddities.shown.is_empty();
                if is_needed && !account.oddities.rejects_report() {
                    account.oddities.summaries = ListingOddities::default();
                }
            }
            let ahead = if random.percent(20) {
                random.pick(&WRONG_CLOCKS)
            } else {
                0
            };
            clock_was_right &= ahead == 0;
            let report = self.synchronise(&store, ahead).await;
            calls += report.calls;
            if self.account.lock().unwrap().oddities.fails_widely && report.ended != Ended::Complete {
                // All probes failed, as in an outage.
                self.check_known_sends(&store, &before, (seed, round)).await;
                continue;
            }
            assert_eq!(report.ended, Ended::Complete, "seed {seed}, round {round}");
            unreadable += self.check(&store, (seed, round), ahead, clock_was_right).await;
            self.check_known_sends(&store, &before, (seed, round)).await;
        }
        // Two cycles run without incorrect responses and after all pauses, since a subject may be unreadable for another reason
        // after the first cycle.
        self.account.lock().unwrap().oddities = Oddities::default();
        let mut report = None;
        for minutes in [8 * 24 * 60, 1, 8 * 24 * 60, 1] {
            self.account.lock().unwrap().now += SignedDuration::from_mins(minutes);
            let one = self.synchronise(&store, 0).await;
            assert_eq!(one.ended, Ended::Complete, "seed {seed}");
            report = Some(one);
        }
        let mut report = report.unwrap();
        if self.account.lock().unwrap().took_back_changes {
            // Campaigns missing from the list are detected and confirmed, and all campaigns are listed once.
            for _ in 0..3 {
                self.account.lock().unwrap().now += SignedDuration::from_mins(1);
                report = self.synchronise(&store, 0).await;
            }
        }
        let mut left = store.unreadable(OWNER, usize::MAX).await.unwrap();
        // A campaign that was listed without a date cannot be searched, and stays recorded if it is not found.
        left.retain(|one| {
            one.campaign
                .as_ref()
                .is_none_or(|campaign| campaign.updated_at.is_some())
        });
        assert_eq!(report.ended, Ended::Complete, "seed {seed}");
        assert!(
            left.is_empty(),
            "seed {seed}: {left:#?}, {:#?}",
            self.account.lock().unwrap().calls
        );
        self.check(&store, (seed, ROUNDS), 0, clock_was_right).await;
        if report.unreadable == 0 {
            self.reads_nothing_again(&store, seed).await;
        }
        (calls + report.calls, unreadable)
    }

    /// Simulates an account with correct responses while the clock is right, wrong, and right again.
    async fn simulate_wrong_clock(&self, seed: u64) -> u64 {
        let mut random = Random::new(seed);
        *self.account.lock().unwrap() = Account::new(&mut random);
        let store = Arc::new(SqliteStore::in_memory().await.unwrap());
        let wrong = random.pick(&WRONG_CLOCKS);
        let begins_wrong = random.percent(30);
        let clocks = [if begins_wrong { wrong } else { 0 }, wrong, wrong, 0, 0];
        let mut calls = 0;
        for (round, ahead) in clocks.iter().copied().enumerate() {
            {
                let mut account = self.account.lock().unwrap();
                account.now += SignedDuration::from_mins(i64::try_from(1 + random.below(2_000)).unwrap());
                for _ in 0..random.below(5) {
                    account.change(&mut random);
                }
                if round == clocks.len() - 1 {
                    // All sends are then older than a day and re-read once.
                    account.now += SignedDuration::from_hours(24 * 8);
                }
            }
            if round == clocks.len() - 1 {
                self.synchronise(&store, ahead).await;
                self.account.lock().unwrap().now += SignedDuration::from_mins(1);
            }
            let report = self.synchronise(&store, ahead).await;
            assert_eq!(report.ended, Ended::Complete, "seed {seed}, round {round}");
            calls += report.calls;
            let unreadable = self.check(&store, (seed, round), ahead, ahead == 0).await;
            if unreadable > 0 {
                let unreadable = store.unreadable(OWNER, usize::MAX).await.unwrap();
                panic!("seed {seed}, round {round}: {unreadable:#?}");
            }
        }
        self.reads_nothing_again(&store, seed).await;
        calls
    }

    /// Checks the synchronisations after a complete synchronisation with the right clock. Later synchronisations must read only
    /// sends in progress, and list only the last hour.
    async fn reads_nothing_again(&self, store: &Arc<SqliteStore>, seed: u64) {
        for (round, minutes) in [30, 24 * 60 * 3, 24 * 60].into_iter().enumerate() {
            {
                let mut account = self.account.lock().unwrap();
                account.now += SignedDuration::from_mins(minutes);
                account.calls.clear();
            }
            let report = self.synchronise(store, 0).await;
            assert_eq!(report.ended, Ended::Complete, "seed {seed}, round {round}");
            let account = self.account.lock().unwrap();
            // In the second round, all sends are re-read once, a day after their run.
            let may_read = |activity: &str| round == 1 || (round == 2 && account.is_executing(activity));
            for call in &account.calls {
                let path = call.split('?').next().unwrap();
                let is_fine = match path.split('/').collect::<Vec<_>>()[..] {
                    ["", "v3", "emails"] => account.campaigns.is_empty() || call.contains("after_date="),
                    ["", "v3", "reports", ..] => true,
                    ["", "v3", "emails", "activities", activity, _] => may_read(activity),
                    _ => false,
                };
                assert!(
                    is_fine,
                    "seed {seed}, round {round} requests {call}: {:#?}",
                    account.calls
                );
            }
        }
    }

    async fn synchronise(&self, store: &Arc<SqliteStore>, hours_ahead: i64) -> Report {
        // Each synchronisation has a new token, since the client caches rejections per token by this machine's clock instead of
        // the account's.
        static TOKENS: AtomicU64 = AtomicU64::new(0);
        let token = format!("token-{}", TOKENS.fetch_add(1, Ordering::Relaxed));
        let token = Arc::new(AccessToken::new(&token).unwrap());
        let now = self.account.lock().unwrap().now + SignedDuration::from_hours(hours_ahead);
        let remote = Arc::new(Remote {
            client: self.client.clone(),
            caller: Caller::new(token, Instant::now() + Duration::from_mins(1)),
            store: Arc::clone(store),
            now,
            calls: AtomicU64::new(0),
        });
        let synchronisation = Synchronisation {
            owner: OWNER,
            upstream: Arc::<Remote>::clone(&remote),
            log: Arc::<SqliteStore>::clone(store),
            store: Arc::<SqliteStore>::clone(store),
            clock: remote,
            progress: watch::Sender::new(Progress::default()),
            stop: CancellationToken::new(),
        };
        synchronisation.run().await.unwrap()
    }
}
