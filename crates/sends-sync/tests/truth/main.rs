//! Random accounts with random oddities and changes, synchronised several times: the log equals the truth except for what is
//! recorded as unreadable, whatever the upstream's responses and this machine's clock.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and tells its figures"
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

/// Number of accounts, and of accounts with a wrong clock, unless `TRUTH_ACCOUNTS` is set. `TRUTH_SEED` sets the seed of the
/// first account, which is the only one then.
const ACCOUNTS: u64 = 1_000;
const WRONG_CLOCK_ACCOUNTS: u64 = 300;

/// Changes and synchronisations per account.
const ROUNDS: usize = 4;

/// Offset of this machine's clock in hours: a wrong time zone, and another year.
const WRONG_CLOCKS: [i64; 4] = [5, -5, 24 * 1_400, -24 * 2_000];

#[test]
fn the_log_equals_the_truth_less_what_is_named_and_is_complete_when_nothing_is() {
    let (calls, named, odd) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let tried = for_each_seed(ACCOUNTS, async |world: &World, seed| {
        let (of_account, of_named) = world.live_through(seed).await;
        calls.fetch_add(of_account, Ordering::Relaxed);
        named.fetch_add(of_named, Ordering::Relaxed);
        odd.fetch_add(u64::from(of_named > 0), Ordering::Relaxed);
    });
    eprintln!("{tried} accounts, {odd:?} of them with oddities: {calls:?} calls, {named:?} named");
}

#[test]
fn after_a_wrong_clock_one_synchronisation_finds_every_send_and_the_next_reads_nothing_again() {
    let calls = AtomicU64::new(0);
    let tried = for_each_seed(WRONG_CLOCK_ACCOUNTS, async |world: &World, seed| {
        calls.fetch_add(world.live_through_a_wrong_clock(seed).await, Ordering::Relaxed);
    });
    eprintln!("{tried} accounts with a wrong clock: {calls:?} calls");
}

/// Runs accounts on all cores. Returns their number.
fn for_each_seed(accounts: u64, live: impl AsyncFn(&World, u64) + Sync) -> u64 {
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
                live(&world, seed.0).await;
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

/// Prints the seed of an account that fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("failed: run again with TRUTH_SEED={}", self.0);
        }
    }
}

#[tokio::test]
async fn an_upstream_that_ignores_after_date_is_not_listed_whole_each_time() {
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
    assert_eq!(listings().await, 2, "the page with the newest one, and one older");
    world.check(&store, (1, 1), 0, true).await;
}

#[tokio::test]
async fn the_newest_histories_that_always_fail_keep_no_other_from_being_read() {
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
    // Reads after the end of the pauses.
    let report = world.synchronise(&store, 0).await;
    assert_eq!((report.ended, report.calls), (Ended::Complete, 2));
}

#[tokio::test]
async fn the_sends_of_a_latest_campaign_that_vanishes_are_named_until_that_is_confirmed() {
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
    assert!(is_complete.clone().all(|is_honest| is_honest), "{found:?}");
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
        // As in the service, without waits.
        settings.breaker.first_delay = Duration::from_millis(1);
        settings.breaker.longest_delay = Duration::from_millis(2);
        Self {
            account,
            client: ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).unwrap(),
        }
    }

    /// Runs one account. Returns its calls and the number of unreadable subjects.
    async fn live_through(&self, seed: u64) -> (u64, u64) {
        let mut random = Random::new(seed);
        let mut account = Account::new(&mut random);
        account.ignores_after_date = seed % 4 == 3;
        *self.account.lock().unwrap() = account;
        let store = Arc::new(SqliteStore::in_memory().await.unwrap());
        let (mut calls, mut named, mut clock_was_right) = (0, 0, true);
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
                // Only the report shows the sends.
                let is_needed = has_silent_send
                    || account.oddities.lacks_unknown
                    || round == 0 && !account.oddities.shown.is_empty();
                if is_needed && !account.oddities.refuses_report() {
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
            named += self.check(&store, (seed, round), ahead, clock_was_right).await;
            self.check_known_sends(&store, &before, (seed, round)).await;
        }
        // Without oddities, after the end of all pauses, twice: a subject may be in doubt for another reason after the first.
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
            // Campaigns missing from the list are found, confirmed, and all campaigns are listed once.
            for _ in 0..3 {
                self.account.lock().unwrap().now += SignedDuration::from_mins(1);
                report = self.synchronise(&store, 0).await;
            }
        }
        let mut left = store.unreadable(OWNER, usize::MAX).await.unwrap();
        // A campaign that was listed without a date cannot be searched, and stays recorded when it is not found.
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
        (calls + report.calls, named)
    }

    /// Runs an account without oddities while the clock is right, wrong, and right again.
    async fn live_through_a_wrong_clock(&self, seed: u64) -> u64 {
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
                    // All sends are older than a day, and read once more.
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
            let named = self.check(&store, (seed, round), ahead, ahead == 0).await;
            if named > 0 {
                let named = store.unreadable(OWNER, usize::MAX).await.unwrap();
                panic!("seed {seed}, round {round}: {named:#?}");
            }
        }
        self.reads_nothing_again(&store, seed).await;
        calls
    }

    /// Checks the synchronisations after a complete one with the right clock: they read only sends in progress, and list only the
    /// last hour.
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
            // In the second round all sends are read once more, a day after they ran.
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
                    "seed {seed}, round {round} asks {call}: {:#?}",
                    account.calls
                );
            }
        }
    }

    async fn synchronise(&self, store: &Arc<SqliteStore>, hours_ahead: i64) -> Report {
        // A new client each time: its suspended paths follow the machine's clock, not the account's.
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
