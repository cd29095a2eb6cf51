//! Fills a log and prints what its pages and totals cost.
//!
//! `cargo run --release -p sends-store --example log_figures -- 30000`

#![allow(clippy::print_stdout, reason = "it prints its findings")]

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, future::join_all, stream};
use jiff::{Timestamp, tz::TimeZone};
use sends_core::{
    ActivityId, ActivityReference, Campaign, CampaignId, CampaignStatus, ListId, Outcome, ReasonCode,
    SendAttempt, SendFilter, SendHistory, SendStatus,
};
use sends_store::{
    Answer, GroupBy, LogFilter, LogOrder, LogPageRequest, LoggedSend, Owner, SendLog, SqliteStore, Store,
    StoredAnswer, SyncLog,
};

const OWNER: Owner = Owner::new([7; 16]);
const CAMPAIGNS: u64 = 10_000;
const LISTS: u64 = 20;
const READS: usize = 200;
const CONCURRENT_WRITES: usize = 256;
/// Five years.
const SPAN: i64 = 5 * 365 * 86_400;
const FIRST: i64 = 1_600_000_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sends: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(30_000), |count| count.parse())?;
    let dir = tempfile::tempdir()?;
    let store = SqliteStore::open(dir.path()).await?;
    fill(&store, sends).await?;

    for (name, filter) in filters()? {
        let mut times = Vec::with_capacity(READS);
        let mut after = None;
        for _ in 0..READS {
            let request = LogPageRequest {
                order: LogOrder::NewestFirst,
                after,
                limit: 50,
                ..LogPageRequest::default()
            };
            let began = Instant::now();
            let page = store.page(OWNER, &filter, request).await?;
            times.push(began.elapsed());
            after = page
                .sends
                .last()
                .filter(|_| page.has_next)
                .map(LoggedSend::position);
        }
        print(&format!("page of 50, {name}"), &mut times);
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..READS / 20 {
            let began = Instant::now();
            found = store.count(OWNER, &filter).await?;
            times.push(began.elapsed());
        }
        print(&format!("count, {name} ({found})"), &mut times);
    }
    // With the rules of New York, and without a database of time zones.
    let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0")?;
    for (span, filter) in spans()? {
        for (name, group_by) in groupings(&zone) {
            let mut times = Vec::new();
            let mut groups = 0;
            for _ in 0..READS / 40 {
                let began = Instant::now();
                groups = store.totals(OWNER, &filter, group_by.clone()).await?.len();
                times.push(began.elapsed());
            }
            print(
                &format!("totals of {span} by {name} ({groups} groups)"),
                &mut times,
            );
        }
    }
    look_up_beside_searches(&store, sends).await?;
    store.close().await?;
    Ok(())
}

/// Looks up histories while two callers ask for 20 totals by list each.
async fn look_up_beside_searches(store: &SqliteStore, sends: u64) -> Result<(), Box<dyn Error>> {
    let each = (sends / CAMPAIGNS).max(1);
    let began = Instant::now();
    let nothing = LogFilter::default();
    let searching = join_all((0..40).map(|_| store.totals(OWNER, &nothing, GroupBy::List)));
    let mut searching = pin!(searching);
    let mut times = Vec::new();
    let mut random = fastrand::Rng::with_seed(1);
    let refused = loop {
        let began = Instant::now();
        let looked_up = store.history(OWNER, activity_id(random.u64(0..sends / each)), Timestamp::MAX);
        let mut looked_up = pin!(looked_up);
        let mut ended = None;
        loop {
            tokio::select! {
                biased;
                // First, since a look-up is done at once as a rule.
                done = &mut searching, if ended.is_none() => ended = Some(done),
                found = &mut looked_up => break found.map(drop)?,
            }
        }
        times.push(began.elapsed());
        if let Some(ended) = ended {
            break ended.iter().filter(|total| total.is_err()).count();
        }
    };
    println!("40 totals by list: {:.1?}, {refused} refused", began.elapsed());
    print(&format!("look-up meanwhile ({})", times.len()), &mut times);
    println!(
        "slowest look-up {:.1?}",
        times.last().copied().unwrap_or_default()
    );
    Ok(())
}

fn groupings(zone: &TimeZone) -> Vec<(&'static str, GroupBy)> {
    vec![
        ("outcome", GroupBy::Outcome),
        ("reason", GroupBy::Reason),
        ("day", GroupBy::Day(zone.clone())),
        ("week", GroupBy::Week(zone.clone())),
        ("month", GroupBy::Month(zone.clone())),
        ("campaign", GroupBy::Campaign),
        ("list", GroupBy::List),
    ]
}

/// Filters of the totals.
fn spans() -> Result<Vec<(&'static str, LogFilter)>, Box<dyn Error>> {
    let between = |from: i64, until: i64| {
        Ok::<_, jiff::Error>(LogFilter {
            send: SendFilter {
                from: Some(Timestamp::from_second(FIRST + from)?),
                until: Some(Timestamp::from_second(FIRST + until)?),
                ..SendFilter::default()
            },
            ..LogFilter::default()
        })
    };
    Ok(vec![
        ("everything", LogFilter::default()),
        ("four years", between(SPAN / 10, SPAN * 9 / 10)?),
        ("a month", between(SPAN / 2, SPAN / 2 + 30 * 86_400)?),
        (
            "a status",
            LogFilter {
                send: SendFilter {
                    statuses: vec![SendStatus::Completed],
                    ..SendFilter::default()
                },
                ..LogFilter::default()
            },
        ),
    ])
}

fn filters() -> Result<Vec<(&'static str, LogFilter)>, Box<dyn Error>> {
    let of = |send| LogFilter {
        send,
        ..LogFilter::default()
    };
    Ok(vec![
        ("everything", LogFilter::default()),
        (
            "failed",
            of(SendFilter {
                outcomes: vec![Outcome::Failed],
                ..SendFilter::default()
            }),
        ),
        (
            "failed in a month",
            of(SendFilter {
                outcomes: vec![Outcome::Failed],
                from: Some(Timestamp::from_second(FIRST + SPAN / 2)?),
                until: Some(Timestamp::from_second(FIRST + SPAN / 2 + 30 * 86_400)?),
                ..SendFilter::default()
            }),
        ),
        (
            "a code nobody has",
            of(SendFilter {
                reason_codes: vec![ReasonCode::new(99)],
                ..SendFilter::default()
            }),
        ),
        (
            "a list",
            of(SendFilter {
                contact_lists: vec![list(3)],
                ..SendFilter::default()
            }),
        ),
        (
            "three campaigns",
            LogFilter {
                campaigns: (5..8).map(campaign_id).collect(),
                ..LogFilter::default()
            },
        ),
        (
            "a name",
            LogFilter {
                campaign_name: Some("letter 77".to_owned()),
                ..LogFilter::default()
            },
        ),
    ])
}

async fn fill(store: &SqliteStore, sends: u64) -> Result<(), Box<dyn Error>> {
    let each = (sends / CAMPAIGNS).max(1);
    let began = Instant::now();
    stream::iter(0..(sends / each))
        .map(|number| async move {
            let campaign = campaign(number);
            let activity = ActivityReference {
                id: activity_id(number),
                role: None,
            };
            let kept = StoredAnswer {
                fetched_at: Timestamp::UNIX_EPOCH,
                answer: Answer::History(Arc::new(history(number, each))),
            };
            store
                .keep_activities(OWNER, campaign, vec![activity], vec![])
                .await?;
            store.keep(OWNER, activity_id(number), kept).await
        })
        .buffer_unordered(CONCURRENT_WRITES)
        .try_collect::<()>()
        .await?;
    let size = store.size().await?;
    println!(
        "{} sends of {} activities in {:.1?}; {} MB, {} bytes a send",
        size.sends,
        size.activities,
        began.elapsed(),
        size.bytes / 1_000_000,
        size.bytes / size.sends.max(1)
    );
    Ok(())
}

fn history(number: u64, sends: u64) -> SendHistory {
    let mut random = fastrand::Rng::with_seed(number);
    let send = |send_id: u64| {
        let reason_code = if random.u8(..) < 240 { 0 } else { random.i32(1..13) };
        SendAttempt {
            send_id: i32::try_from(send_id).unwrap_or(i32::MAX),
            contact_list_ids: vec![list(random.u64(0..LISTS))],
            segment_ids: Vec::new(),
            count: Some(random.i64(1..5_000)),
            run_date: Timestamp::from_second(FIRST + random.i64(0..SPAN)).ok(),
            send_status: Some(SendStatus::Completed.into()),
            reason_code: Some(ReasonCode::new(reason_code)),
        }
    };
    (1..=sends).map(send).collect()
}

fn campaign(number: u64) -> Campaign {
    Campaign {
        id: campaign_id(number),
        name: Some(format!("Newsletter {number}")),
        status: Some(CampaignStatus::Done.into()),
        campaign_type: Some("NEWSLETTER".to_owned()),
        type_code: Some(10),
        created_at: Timestamp::from_second(FIRST).ok(),
        updated_at: Timestamp::from_second(FIRST).ok(),
    }
}

/// Scattered over the key space, as the upstream's ids are.
fn bytes(number: u64) -> [u8; 16] {
    fastrand::Rng::with_seed(number).u128(..).to_be_bytes()
}

fn activity_id(number: u64) -> ActivityId {
    ActivityId::from_bytes(bytes(number))
}

fn campaign_id(number: u64) -> CampaignId {
    CampaignId::from_bytes(bytes(number + CAMPAIGNS * 2))
}

fn list(number: u64) -> ListId {
    ListId::from(format!("f4ab800a-5adf-11e9-ba6a-fa163e6b{number:04x}"))
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let quantile = |percent: usize| times[times.len() * percent / 100];
    println!("{what}: median {:.1?}, p99 {:.1?}", quantile(50), quantile(99));
}
