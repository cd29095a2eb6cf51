//! Known sends that the upstream does not show, temporarily or permanently.

use std::sync::Arc;

use sends_core::SendHistory;
use sends_store::{Answer, LogFilter, SendLog, SyncLog};
use sends_sync::Ended;

use crate::account::{Account, Shown, activity, its_send};

/// Number of sends in the log, number of unreadable subjects, and completeness.
async fn synchronised(account: &Account) -> (u64, u64, bool) {
    let report = account.sync().await;
    assert_eq!(report.ended, Ended::Complete);
    let filter = LogFilter::default();
    let sends = account.store.count(account.owner, &filter).await.unwrap();
    let now = account.now();
    let told = account.store.completeness(account.owner, None, None, now);
    let is_complete = told.await.unwrap().is_complete;
    (sends, report.unreadable, is_complete)
}

fn empty() -> Answer {
    Answer::History(Arc::default())
}

fn malformed() -> Answer {
    Answer::History(Arc::new(SendHistory::from_json(b"[{}]").unwrap()))
}

#[tokio::test]
async fn a_single_odd_answer_drops_no_known_send_and_is_named_until_the_next_one() {
    let (known, other) = (activity(1), activity(9));
    for shown in [
        Shown::Removed,
        Shown::Activities(vec![], its_send()),
        Shown::Activities(vec![], Answer::NotFound),
        Shown::Activities(vec![other], Answer::NotFound),
        Shown::Activities(vec![known], Answer::NotFound),
        Shown::Activities(vec![known], empty()),
        Shown::Activities(vec![known], malformed()),
    ] {
        let account = Account::new(1).await;
        assert_eq!(synchronised(&account).await, (1, 0, true));
        account.pass(48);
        account.shows(Some(shown.clone()));
        let (sends, named, is_complete) = synchronised(&account).await;
        assert_eq!((sends, is_complete), (1, false), "{shown:?}");
        assert!(named > 0, "{shown:?}");
        account.shows(None);
        account.pass(1);
        // The shown change is not on the list any more, which the next listing confirms.
        assert!(!synchronised(&account).await.2, "{shown:?}");
        account.pass(1);
        assert_eq!(synchronised(&account).await, (1, 0, true), "{shown:?}");
    }
}

#[tokio::test]
async fn sends_that_a_second_synchronisation_finds_missing_too_are_dropped() {
    for (shown, first_named) in [
        (Shown::Removed, 2),
        (Shown::Activities(vec![], Answer::NotFound), 1),
        (Shown::Activities(vec![activity(1)], empty()), 1),
    ] {
        let account = Account::new(1).await;
        account.sync().await;
        account.pass(48);
        account.shows(Some(shown.clone()));
        assert_eq!(synchronised(&account).await, (1, first_named, false), "{shown:?}");
        account.pass(1);
        assert_eq!(synchronised(&account).await, (0, 0, true), "{shown:?}");
    }
}

#[tokio::test]
async fn sends_of_an_activity_that_is_listed_and_not_found_stay_and_are_named() {
    let account = Account::new(1).await;
    account.sync().await;
    account.shows(Some(Shown::Activities(vec![activity(1)], Answer::NotFound)));
    for hours in [48, 1, 24, 200] {
        account.pass(hours);
        assert_eq!(synchronised(&account).await, (1, 1, false), "{hours}");
    }
}
