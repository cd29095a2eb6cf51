//! Tests of paging through the log.

use std::sync::Arc;

use jiff::Timestamp;
use sends_core::{ActivityId, SendHistory};
use sends_store::{
    Answer, LogFilter, LogOrder, LogPageRequest, LogPosition, LoggedSend, SendLog, SqliteStore, Store,
    StoredAnswer,
};

use crate::OWNER;

/// Returns all sends in the order of the walk, which starts with the last send if `from_end` is set.
pub(crate) async fn walk(
    store: &SqliteStore,
    filter: &LogFilter,
    order: LogOrder,
    limit: usize,
    from_end: bool,
) -> Vec<LoggedSend> {
    let mut all: Vec<LoggedSend> = Vec::new();
    loop {
        let last = all.last().map(LoggedSend::position);
        let request = LogPageRequest {
            order,
            after: last.filter(|_| !from_end),
            before: last.filter(|_| from_end),
            limit,
            from_end,
        };
        let page = store.page(OWNER, filter, request).await.unwrap();
        let (behind, ahead) = if from_end {
            (page.has_next, page.has_previous)
        } else {
            (page.has_previous, page.has_next)
        };
        assert_eq!(behind, !all.is_empty());
        assert_eq!(ahead, page.sends.len() == limit && ahead);
        let mut sends = page.sends;
        if from_end {
            sends.reverse();
        }
        assert!(!ahead || !sends.is_empty(), "the pagination does not end");
        all.extend(sends);
        if !ahead {
            return all;
        }
    }
}

/// Checks the sends between two positions, from either end.
pub(crate) async fn check_stretches(
    store: &SqliteStore,
    filter: &LogFilter,
    order: LogOrder,
    expected: &[LoggedSend],
) {
    for (begin, end) in [
        (0, expected.len()),
        (0, expected.len() / 2),
        (expected.len() / 3, expected.len() / 2),
    ] {
        let Some(stretch) = expected.get(begin..end) else {
            continue;
        };
        let [first, between @ .., last] = stretch else {
            continue;
        };
        for limit in [1, between.len(), between.len() + 1] {
            for from_end in [false, true] {
                let request = LogPageRequest {
                    order,
                    after: Some(first.position()),
                    before: Some(last.position()),
                    limit,
                    from_end,
                };
                let page = store.page(OWNER, filter, request).await.unwrap();
                let part = if from_end {
                    &between[between.len().saturating_sub(limit)..]
                } else {
                    &between[..limit.min(between.len())]
                };
                assert_eq!(page.sends, part);
                assert_eq!(
                    if from_end {
                        page.has_previous
                    } else {
                        page.has_next
                    },
                    limit < between.len()
                );
                assert!(if from_end {
                    page.has_next
                } else {
                    page.has_previous
                });
            }
        }
    }
}

#[tokio::test]
async fn sends_added_between_two_pages_cause_no_gap_or_repetition() {
    let store = SqliteStore::in_memory().await.unwrap();
    for number in 0..20 {
        keep(&store, number, &[i64::from(number) * 10 + 10]).await;
    }
    let filter = LogFilter::default();
    let mut met = Vec::new();
    let mut request = LogPageRequest {
        limit: 3,
        ..LogPageRequest::default()
    };
    loop {
        let page = store.page(OWNER, &filter, request.clone()).await.unwrap();
        met.extend(page.sends.iter().map(LoggedSend::position));
        if !page.has_next {
            break;
        }
        assert!(met.len() < 1_000, "the pagination does not end");
        request.after = page.sends.last().map(LoggedSend::position);
        // Adds a newer send, an older send, and another send of an activity on the page.
        let number = u8::try_from(met.len()).unwrap();
        keep(&store, 100 + number, &[1_000_000 + i64::from(number)]).await;
        keep(&store, 200 + number, &[1]).await;
        let again = page.sends[0].send.run_date.unwrap().as_second();
        keep(
            &store,
            u8::try_from((again / 10 - 1).max(0)).unwrap(),
            &[again, 2_000_000],
        )
        .await;
    }
    let second = |place: &LogPosition| place.run_date.unwrap().as_second();
    let old: Vec<i64> = met.iter().map(second).filter(|second| *second >= 10).collect();
    assert_eq!(
        old,
        (0..20).rev().map(|number| number * 10 + 10).collect::<Vec<i64>>()
    );
    let places = met.len();
    assert!(
        places > old.len(),
        "sends that were added ahead of the walk are included"
    );
    met.dedup();
    assert_eq!(met.len(), places);
}

async fn keep(store: &SqliteStore, number: u8, seconds: &[i64]) {
    let sends = seconds.iter().zip(1..).map(|(second, send_id)| {
        let date = Timestamp::from_second(*second).unwrap();
        format!(r#"{{"send_id": {send_id}, "run_date": "{date}"}}"#)
    });
    let json = format!("[{}]", sends.collect::<Vec<_>>().join(","));
    let stored = StoredAnswer {
        fetched_at: Timestamp::UNIX_EPOCH,
        answer: Answer::History(Arc::new(SendHistory::from_json(json.as_bytes()).unwrap())),
    };
    store
        .keep(OWNER, ActivityId::from_bytes([number; 16]), stored)
        .await
        .unwrap();
}
