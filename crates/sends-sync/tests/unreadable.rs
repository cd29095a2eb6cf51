//! Tests of the long-term synchronisation of an account with unreadable records.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]

mod account;
mod removal;

use account::{Account, Shown, activity, campaign, its_send};
use jiff::SignedDuration;
use sends_client::FailureClass;
use sends_store::{Coverage, SendLog, Subject, SyncLog};
use sends_sync::Ended;

const MALFORMED: Subject = Subject::History(activity(2));

#[tokio::test]
async fn malformed_history_is_retried_after_growing_pauses() {
    let account = Account::new(3).await;
    account.fails(MALFORMED, Some(FailureClass::Invalid));
    let mut tried_at = Vec::new();
    for hour in 0..400 {
        let report = account.sync().await;
        assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1), "{hour}");
        assert!(account.is_complete().await);
        if account.requested().contains(&MALFORMED) {
            tried_at.push(hour);
        }
        account.pass(1);
    }
    assert_eq!(tried_at, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]);

    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(unreadable[0].subject, MALFORMED);
    assert_eq!(unreadable[0].campaign.as_ref().unwrap().id, campaign(2));
    account.fails(MALFORMED, None);
    account.pass(200);
    assert_eq!(account.sync().await.unreadable, 0);
    assert_eq!(account.requested(), [MALFORMED]);
    account.pass(1_000);
    account.sync().await;
    assert_eq!(account.requested(), []);
}

#[tokio::test]
async fn each_failure_class_of_a_history_is_retried_after_growing_pauses() {
    for class in [
        FailureClass::ServerFailure,
        FailureClass::TimedOut,
        FailureClass::Forbidden,
        FailureClass::Rejected,
        FailureClass::Throttled,
    ] {
        let account = Account::new(3).await;
        account.fails(MALFORMED, Some(class));
        let mut tried_at = Vec::new();
        for hour in 0..40 {
            let report = account.sync().await;
            assert_eq!(report.pending.unread_campaigns, 0, "{hour}");
            assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1), "{hour}");
            if account.requested().contains(&MALFORMED) {
                tried_at.push(hour);
            }
            account.pass(1);
        }
        assert_eq!(tried_at, [0, 1, 2, 4, 8, 16, 32], "{class:?}");
    }
}

#[tokio::test]
async fn rejected_report_is_recorded_and_retried_after_growing_pauses() {
    let account = Account::new(3).await;
    account.fails(Subject::Summaries, Some(FailureClass::Forbidden));
    let mut tried_at = Vec::new();
    for hour in 0..40 {
        let report = account.sync().await;
        assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1), "{hour}");
        if account.requested().contains(&Subject::Summaries) {
            tried_at.push(hour);
        }
        account.pass(1);
    }
    assert_eq!(tried_at, [0, 1, 2, 4, 8, 16, 32]);
    account.fails(Subject::Summaries, None);
    account.pass(40);
    assert_eq!(account.sync().await.unreadable, 0);
}

#[tokio::test]
async fn rejected_list_of_campaigns_fails_each_synchronisation_and_is_retried_after_growing_pauses() {
    let account = Account::new(3).await;
    account.sync().await;
    account.pass(5);
    account.fails(Subject::Campaigns, Some(FailureClass::Rejected));
    let mut tried_at = Vec::new();
    for hour in 0..40 {
        let report = account.sync().await;
        assert!(matches!(report.ended, Ended::Failed { .. }), "{hour}: {report:?}");
        assert_eq!(report.unreadable, 1, "{hour}");
        let now = account.now();
        let completeness = account
            .store
            .completeness(account.owner, None, Some(now), now)
            .await
            .unwrap();
        assert!(!completeness.is_complete, "{hour}");
        if account.requested().contains(&Subject::Campaigns) {
            tried_at.push(hour);
        }
        account.pass(1);
    }
    assert_eq!(tried_at, [0, 1, 2, 4, 8, 16, 32]);
    account.fails(Subject::Campaigns, None);
    account.pass(40);
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 0));
}

#[tokio::test]
async fn unreadable_list_of_campaigns_does_not_block_other_reads() {
    let account = Account::new(3).await;
    account.fails(MALFORMED, Some(FailureClass::ServerFailure));
    account.sync().await;
    account.pass(1);
    account.requested();
    account.fails(MALFORMED, None);
    account.fails(Subject::Campaigns, Some(FailureClass::ServerFailure));
    let report = account.sync().await;
    assert!(matches!(report.ended, Ended::Failed { .. }), "{report:?}");
    assert_eq!(account.requested(), [Subject::Campaigns, MALFORMED]);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].subject, Subject::Campaigns);
    account.fails(Subject::Campaigns, None);
    account.pass(1);
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 0));
}

#[tokio::test]
async fn rejection_of_all_calls_does_not_cost_a_call_per_campaign() {
    let account = Account::new(400).await;
    for number in 1..=400 {
        account.fails(Subject::Campaign(campaign(number)), Some(FailureClass::Forbidden));
    }
    let report = account.sync().await;
    assert!(matches!(report.ended, Ended::Failed { .. }), "{report:?}");
    assert!((50..60).contains(&account.requested().len()));
    // Most campaigns are readable again.
    for number in 1..=350 {
        account.fails(Subject::Campaign(campaign(number)), None);
    }
    account.sync().await;
    let report = account.sync().await;
    assert_eq!(report.ended, Ended::Complete, "{report:?}");
    assert!(report.unreadable >= 50, "{report:?}");
}

#[tokio::test]
async fn throttled_report_does_not_block_other_reads() {
    let account = Account::new(3).await;
    account.fails(Subject::Summaries, Some(FailureClass::Throttled));
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1));
    assert_eq!(report.read, 3);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert!(
        unreadable[0]
            .reason
            .contains("repeatedly throttled this request (429)"),
        "{unreadable:?}"
    );
}

#[tokio::test]
async fn throttling_of_all_calls_ends_the_synchronisation_after_the_probes() {
    let account = Account::new(400).await;
    for number in 1..=400 {
        account.fails(Subject::Campaign(campaign(number)), Some(FailureClass::Throttled));
    }
    let report = account.sync().await;
    assert!(matches!(report.ended, Ended::Failed { .. }), "{report:?}");
    assert_eq!(report.unreadable, 0);
    assert!(account.requested().len() < 10);
}

#[tokio::test]
async fn many_consecutive_rejections_do_not_block_other_reads() {
    let account = Account::new(80).await;
    // The last campaign is read first.
    for number in 21..=80 {
        account.fails(Subject::History(activity(number)), Some(FailureClass::Forbidden));
    }
    let report = account.sync().await;
    assert_eq!(
        (&report.ended, report.unreadable),
        (&Ended::Complete, 60),
        "{report:?}"
    );
    let filter = sends_store::LogFilter::default();
    assert_eq!(account.store.count(account.owner, &filter).await.unwrap(), 20);
    // One call per campaign and history, plus the probe.
    assert!((160..170).contains(&account.requested().len()));
}

#[tokio::test]
async fn recovered_campaign_is_read_with_its_histories() {
    let account = Account::new(3).await;
    let odd = Subject::Campaign(campaign(2));
    account.fails(odd, Some(FailureClass::Rejected));
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1));
    assert!(
        !account.requested().contains(&MALFORMED),
        "its activity is unknown"
    );
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 1);
    assert_eq!(account.requested(), [odd]);

    account.fails(odd, None);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
    assert_eq!(account.requested(), [odd, Subject::History(activity(2))]);
    assert!(account.is_complete().await);
}

#[tokio::test]
async fn failed_reread_of_a_recent_send_is_recorded_and_paused() {
    let account = Account::new(3).await;
    account.sync().await;
    account.requested();
    account.fails(MALFORMED, Some(FailureClass::ServerFailure));
    // The sends are then a day old and re-read once.
    account.pass(24);
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1));
    assert_eq!(account.requested().len(), 3);
    let missing_until = account.store.unreadable(account.owner, 9).await.unwrap()[0].missing_until;
    assert_eq!(missing_until, account.now());
    assert_eq!(account.sync().await.unreadable, 1);
    assert_eq!(account.requested(), []);

    account.fails(MALFORMED, None);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
    assert_eq!(account.requested(), [MALFORMED]);
}

#[tokio::test]
async fn due_history_does_not_wait_for_others() {
    // The account has more than one chunk of recent histories, of which only the last is due.
    let account = Account::new(0).await;
    for number in 0..=1_200 {
        account
            .stores_history(number, if number < 1_200 { 1 } else { 25 })
            .await;
    }
    account.sync().await;
    assert_eq!(account.requested(), [Subject::History(activity(1_200))]);
}

#[tokio::test]
async fn failure_of_all_calls_is_not_recorded_for_a_subject() {
    let account = Account::new(3).await;
    account.fails(MALFORMED, Some(FailureClass::LoginRequired));
    let report = account.sync().await;
    assert!(matches!(report.ended, Ended::Failed { .. }), "{report:?}");
    assert_eq!(report.unreadable, 0);
    let coverage = account.store.coverage(account.owner).await.unwrap();
    assert!(
        matches!(coverage, Coverage::Between { since: Some(_), .. }),
        "{coverage:?}"
    );
}

#[tokio::test]
async fn campaign_with_an_unreadable_activity_is_recorded_and_its_others_are_read() {
    let account = Account::new(2).await;
    account.lacks_activities(1);
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 2));
    assert!(account.requested().contains(&Subject::History(activity(1))));
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact returned unreadable activities of this campaign."
    );
    // The failed reads are paused.
    account.sync().await;
    assert_eq!(account.requested(), []);
    // Each pause is as long as the failure has lasted, so the third pause is twice as long.
    account.pass(1);
    account.sync().await;
    assert_eq!(account.requested().len(), 2 * 2, "each campaign and its history");
    account.pass(1);
    account.sync().await;
    assert_eq!(account.requested().len(), 2 * 2);
    account.pass(1);
    account.sync().await;
    assert_eq!(account.requested(), []);
    account.lacks_activities(0);
    account.pass(24);
    assert_eq!(account.sync().await.unreadable, 0);
}

#[tokio::test]
async fn truncated_listing_does_not_block_other_reads() {
    let account = Account::new(2).await;
    account.cuts_short(true);
    let report = account.sync().await;
    assert_eq!(
        (&report.ended, report.unreadable),
        (&Ended::Complete, 1),
        "{report:?}"
    );
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact's list of campaigns cannot be read completely. \
         The link to the next page is invalid, or the following pages have no new records."
    );
    assert_eq!(report.read, 2);
    account.cuts_short(false);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
}

#[tokio::test]
async fn summaries_report_without_its_list_is_recorded() {
    let account = Account::new(1).await;
    account.lacks_summaries(true);
    assert_eq!(account.sync().await.unreadable, 1);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact's report of sent campaigns cannot be read completely. A page has no list of records."
    );
    account.lacks_summaries(false);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
}

#[tokio::test]
async fn report_without_readable_dates_costs_no_call_per_campaign() {
    let account = Account::new(2).await;
    account.reports(Some(account.now() - SignedDuration::from_hours(1)));
    assert_eq!(account.sync().await.unreadable, 0);
    let before = account.now();
    account.requested();
    account.reports(None);
    for hour in 0..3 {
        account.pass(1);
        let report = account.sync().await;
        assert_eq!(
            (&report.ended, report.unreadable),
            (&Ended::Complete, 1),
            "{hour}"
        );
        assert_eq!(account.requested(), [], "{hour}");
        let now = account.now();
        let completeness = account
            .store
            .completeness(account.owner, Some(before), Some(now), now)
            .await
            .unwrap();
        assert!(!completeness.is_complete, "{hour}: {completeness:?}");
    }
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(unreadable[0].subject, Subject::Summaries);
    assert_eq!(unreadable[0].missing_until, account.now());
    assert!(
        unreadable[0].reason.contains("The date of the last send"),
        "{unreadable:?}"
    );
    // New sends are found after the date becomes readable.
    account.reports(Some(account.now()));
    account.pass(24);
    account.sync().await;
    assert!(account.requested().contains(&Subject::Campaign(campaign(1))));
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert!(unreadable.iter().all(|one| one.subject != Subject::Summaries));
}

#[tokio::test]
async fn done_campaign_without_activities_is_recorded_and_read_again() {
    let account = Account::new(1).await;
    account.shows(Some(Shown::Activities(Vec::new(), its_send())));
    assert_eq!(account.sync().await.unreadable, 1);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(unreadable[0].subject, Subject::Campaign(campaign(1)));
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact lists no activity of this campaign, which was sent."
    );
    account.shows(Some(Shown::Activities(vec![activity(1)], its_send())));
    account.pass(1);
    account.requested();
    assert_eq!(account.sync().await.unreadable, 0);
    assert!(account.requested().contains(&Subject::History(activity(1))));
}

#[tokio::test]
async fn listed_campaign_that_is_not_found_is_recorded() {
    let account = Account::new(2).await;
    account.fails(Subject::Campaign(campaign(1)), Some(FailureClass::NotFound));
    account.sync().await;
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact lists this campaign but does not find it (404)."
    );
}
