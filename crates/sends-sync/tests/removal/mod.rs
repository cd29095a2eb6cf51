//! Tests of known sends that the upstream does not show, temporarily or permanently.

use std::sync::Arc;

use sends_core::SendHistory;
use sends_store::{Answer, LogFilter, SendLog, SyncLog};
use sends_sync::Ended;

use crate::account::{Account, Shown, activity, its_send};

/// Synchronises the account. Returns the numbers of logged sends and unreadable subjects, and the completeness.
async fn synchronised(account: &Account) -> (u64, u64, bool) {
    let report = account.sync().await;
    assert_eq!(report.ended, Ended::Complete);
    let filter = LogFilter::default();
    let sends = account.store.count(account.owner, &filter).await.unwrap();
    let now = account.now();
    let completeness = account.store.completeness(account.owner, None, None, now);
    let is_complete = completeness.await.unwrap().is_complete;
    (sends, report.unreadable, is_complete)
}

fn empty() -> Answer {
    Answer::History(Arc::default())
}

fn malformed() -> Answer {
    Answer::History(Arc::new(SendHistory::from_json(b"[{}]").unwrap()))
}

#[tokio::test]
async fn single_incorrect_response_deletes_no_known_send() {
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
        let (sends, unreadable, is_complete) = synchronised(&account).await;
        assert_eq!((sends, is_complete), (1, false), "{shown:?}");
        assert!(unreadable > 0, "{shown:?}");
        account.shows(None);
        account.pass(1);
        // The list no longer shows the change, which the next listing confirms.
        assert!(!synchronised(&account).await.2, "{shown:?}");
        account.pass(1);
        assert_eq!(synchronised(&account).await, (1, 0, true), "{shown:?}");
    }
}

#[tokio::test]
async fn sends_missing_from_two_synchronisations_are_deleted() {
    for (shown, first_unreadable) in [
        (Shown::Removed, 2),
        (Shown::Activities(vec![], Answer::NotFound), 1),
        (Shown::Activities(vec![activity(1)], empty()), 1),
    ] {
        let account = Account::new(1).await;
        account.sync().await;
        account.pass(48);
        account.shows(Some(shown.clone()));
        assert_eq!(
            synchronised(&account).await,
            (1, first_unreadable, false),
            "{shown:?}"
        );
        account.pass(1);
        assert_eq!(synchronised(&account).await, (0, 0, true), "{shown:?}");
    }
}

#[tokio::test]
async fn sends_of_a_listed_activity_that_is_not_found_stay_unreadable() {
    let account = Account::new(1).await;
    account.sync().await;
    account.shows(Some(Shown::Activities(vec![activity(1)], Answer::NotFound)));
    for hours in [48, 1, 24, 200] {
        account.pass(hours);
        assert_eq!(synchronised(&account).await, (1, 1, false), "{hours}");
    }
}
