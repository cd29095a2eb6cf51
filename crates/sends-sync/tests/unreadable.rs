//! Weeks of synchronisations of an account with unreadable parts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account;
mod removal;

use account::{Account, Shown, activity, campaign, its_send};
use jiff::SignedDuration;
use sends_client::FailureClass;
use sends_store::{Coverage, SendLog, Subject, SyncLog};
use sends_sync::Ended;

const MALFORMED: Subject = Subject::History(activity(2));

#[tokio::test]
async fn a_malformed_history_is_tried_ever_more_rarely_until_it_can_be_read() {
    let account = Account::new(3).await;
    account.fails(MALFORMED, Some(FailureClass::Invalid));
    let mut tried_at = Vec::new();
    for hour in 0..400 {
        let report = account.sync().await;
        assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1), "{hour}");
        assert!(account.is_complete().await);
        if account.asked().contains(&MALFORMED) {
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
    assert_eq!(account.asked(), [MALFORMED]);
    account.pass(1_000);
    account.sync().await;
    assert_eq!(account.asked(), []);
}

#[tokio::test]
async fn every_failure_of_one_history_is_tried_again_after_its_own_growing_pause() {
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
            if account.asked().contains(&MALFORMED) {
                tried_at.push(hour);
            }
            account.pass(1);
        }
        assert_eq!(tried_at, [0, 1, 2, 4, 8, 16, 32], "{class:?}");
    }
}

#[tokio::test]
async fn a_refused_report_is_named_and_tried_again_ever_more_rarely() {
    let account = Account::new(3).await;
    account.fails(Subject::Summaries, Some(FailureClass::Forbidden));
    let mut tried_at = Vec::new();
    for hour in 0..40 {
        let report = account.sync().await;
        assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1), "{hour}");
        if account.asked().contains(&Subject::Summaries) {
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
async fn a_refused_list_of_campaigns_fails_each_synchronisation_and_is_asked_for_ever_more_rarely() {
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
        let told = account
            .store
            .completeness(account.owner, None, Some(now), now)
            .await
            .unwrap();
        assert!(!told.is_complete, "{hour}");
        if account.asked().contains(&Subject::Campaigns) {
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
async fn a_list_of_campaigns_that_cannot_be_read_holds_up_nothing_and_is_told() {
    let account = Account::new(3).await;
    account.fails(MALFORMED, Some(FailureClass::ServerFailure));
    account.sync().await;
    account.pass(1);
    account.asked();
    account.fails(MALFORMED, None);
    account.fails(Subject::Campaigns, Some(FailureClass::ServerFailure));
    let report = account.sync().await;
    assert!(matches!(report.ended, Ended::Failed { .. }), "{report:?}");
    assert_eq!(account.asked(), [Subject::Campaigns, MALFORMED]);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].subject, Subject::Campaigns);
    account.fails(Subject::Campaigns, None);
    account.pass(1);
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 0));
}

#[tokio::test]
async fn an_upstream_that_refuses_everything_is_not_asked_for_each_campaign() {
    let account = Account::new(400).await;
    for number in 1..=400 {
        account.fails(Subject::Campaign(campaign(number)), Some(FailureClass::Forbidden));
    }
    let report = account.sync().await;
    assert!(matches!(report.ended, Ended::Failed { .. }), "{report:?}");
    assert!((50..60).contains(&account.asked().len()));
    // The other reads continue.
    for number in 1..=350 {
        account.fails(Subject::Campaign(campaign(number)), None);
    }
    account.sync().await;
    let report = account.sync().await;
    assert_eq!(report.ended, Ended::Complete, "{report:?}");
    assert!(report.unreadable >= 50, "{report:?}");
}

#[tokio::test]
async fn a_throttled_report_holds_up_nothing_and_is_named_as_such() {
    let account = Account::new(3).await;
    account.fails(Subject::Summaries, Some(FailureClass::Throttled));
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1));
    assert_eq!(report.read, 3);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert!(
        unreadable[0]
            .reason
            .contains("throttles this request again and again (429)"),
        "{unreadable:?}"
    );
}

#[tokio::test]
async fn an_upstream_that_throttles_everything_ends_the_synchronisation_after_the_probes() {
    let account = Account::new(400).await;
    for number in 1..=400 {
        account.fails(Subject::Campaign(campaign(number)), Some(FailureClass::Throttled));
    }
    let report = account.sync().await;
    assert!(matches!(report.ended, Ended::Failed { .. }), "{report:?}");
    assert_eq!(report.unreadable, 0);
    assert!(account.asked().len() < 10);
}

#[tokio::test]
async fn more_refused_histories_than_may_fail_in_a_row_keep_no_other_from_being_read() {
    let account = Account::new(80).await;
    // The last one is read first.
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
    // All campaigns and histories, and the probe.
    assert!((160..170).contains(&account.asked().len()));
}

#[tokio::test]
async fn a_campaign_that_cannot_be_read_is_read_with_its_histories_once_it_can() {
    let account = Account::new(3).await;
    let odd = Subject::Campaign(campaign(2));
    account.fails(odd, Some(FailureClass::Rejected));
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1));
    assert!(!account.asked().contains(&MALFORMED), "its activity is unknown");
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 1);
    assert_eq!(account.asked(), [odd]);

    account.fails(odd, None);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
    assert_eq!(account.asked(), [odd, Subject::History(activity(2))]);
    assert!(account.is_complete().await);
}

#[tokio::test]
async fn a_young_send_that_cannot_be_read_again_is_told_and_left_alone_like_any_other() {
    let account = Account::new(3).await;
    account.sync().await;
    account.asked();
    account.fails(MALFORMED, Some(FailureClass::ServerFailure));
    // The sends are a day old then, and read once more.
    account.pass(24);
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 1));
    assert_eq!(account.asked().len(), 3);
    let missing_until = account.store.unreadable(account.owner, 9).await.unwrap()[0].missing_until;
    assert_eq!(missing_until, account.now());
    assert_eq!(account.sync().await.unreadable, 1);
    assert_eq!(account.asked(), []);

    account.fails(MALFORMED, None);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
    assert_eq!(account.asked(), [MALFORMED]);
}

#[tokio::test]
async fn nothing_that_is_due_waits_behind_what_is_not() {
    // More than one chunk, all of them recent, and only the last one due.
    let account = Account::new(0).await;
    for number in 0..=1_200 {
        account.knows(number, if number < 1_200 { 1 } else { 25 }).await;
    }
    account.sync().await;
    assert_eq!(account.asked(), [Subject::History(activity(1_200))]);
}

#[tokio::test]
async fn a_failure_of_everything_is_nothings_own() {
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
async fn a_campaign_with_an_activity_that_cannot_be_read_is_named_and_its_others_are_read() {
    let account = Account::new(2).await;
    account.lacks_activities(1);
    let report = account.sync().await;
    assert_eq!((report.ended, report.unreadable), (Ended::Complete, 2));
    assert!(account.asked().contains(&Subject::History(activity(1))));
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact names activities of this campaign in a form that cannot be read."
    );
    // Retried after its own pause, and removed once it is readable.
    account.sync().await;
    assert_eq!(account.asked(), []);
    // Each pause is as long as the failure has lasted: the third is twice as long.
    account.pass(1);
    account.sync().await;
    assert_eq!(account.asked().len(), 2 * 2, "each campaign and its history");
    account.pass(1);
    account.sync().await;
    assert_eq!(account.asked().len(), 2 * 2);
    account.pass(1);
    account.sync().await;
    assert_eq!(account.asked(), []);
    account.lacks_activities(0);
    account.pass(24);
    assert_eq!(account.sync().await.unreadable, 0);
}

#[tokio::test]
async fn a_listing_that_is_cut_short_holds_up_nothing_and_is_named() {
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
        "Constant Contact's list of campaigns cannot be read as a whole. \
         The link to its next page is wrong, or the pages behind it bring nothing new."
    );
    assert_eq!(report.read, 2);
    account.cuts_short(false);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
}

#[tokio::test]
async fn a_summaries_report_without_its_list_is_named_as_such() {
    let account = Account::new(1).await;
    account.lacks_summaries(true);
    assert_eq!(account.sync().await.unreadable, 1);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact's report of sent campaigns cannot be read as a whole. A page of it has no list of records."
    );
    account.lacks_summaries(false);
    account.pass(1);
    assert_eq!(account.sync().await.unreadable, 0);
}

#[tokio::test]
async fn a_report_without_readable_dates_is_named_and_costs_no_call_for_each_campaign() {
    let account = Account::new(2).await;
    account.reports(Some(account.now() - SignedDuration::from_hours(1)));
    assert_eq!(account.sync().await.unreadable, 0);
    let before = account.now();
    account.asked();
    account.reports(None);
    for hour in 0..3 {
        account.pass(1);
        let report = account.sync().await;
        assert_eq!(
            (&report.ended, report.unreadable),
            (&Ended::Complete, 1),
            "{hour}"
        );
        assert_eq!(account.asked(), [], "{hour}");
        let now = account.now();
        let told = account
            .store
            .completeness(account.owner, Some(before), Some(now), now)
            .await
            .unwrap();
        assert!(!told.is_complete, "{hour}: {told:?}");
    }
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(unreadable[0].subject, Subject::Summaries);
    assert_eq!(unreadable[0].missing_until, account.now());
    assert!(
        unreadable[0].reason.contains("The date of the last send"),
        "{unreadable:?}"
    );
    // New sends are found as soon as the date is readable.
    account.reports(Some(account.now()));
    account.pass(24);
    account.sync().await;
    assert!(account.asked().contains(&Subject::Campaign(campaign(1))));
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert!(unreadable.iter().all(|one| one.subject != Subject::Summaries));
}

#[tokio::test]
async fn a_campaign_that_is_done_and_has_no_activity_is_named_and_read_again() {
    let account = Account::new(1).await;
    account.shows(Some(Shown::Activities(Vec::new(), its_send())));
    assert_eq!(account.sync().await.unreadable, 1);
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(unreadable[0].subject, Subject::Campaign(campaign(1)));
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact names no activity of this campaign, which was sent."
    );
    account.shows(Some(Shown::Activities(vec![activity(1)], its_send())));
    account.pass(1);
    account.asked();
    assert_eq!(account.sync().await.unreadable, 0);
    assert!(account.asked().contains(&Subject::History(activity(1))));
}

#[tokio::test]
async fn what_is_listed_and_not_found_is_named_as_such() {
    let account = Account::new(2).await;
    account.fails(Subject::Campaign(campaign(1)), Some(FailureClass::NotFound));
    account.sync().await;
    let unreadable = account.store.unreadable(account.owner, 9).await.unwrap();
    assert_eq!(
        unreadable[0].reason,
        "Constant Contact lists this campaign, and answers that it does not exist (404)."
    );
}
