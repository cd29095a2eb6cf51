//! Tests of failed reads: their duration, and their effect on completeness.

use std::sync::Arc;

use jiff::Timestamp;
use sends_core::{ActivityRole, CampaignId, SendHistory};
use sends_store::{
    Answer, Claim, Coverage, FailedReading, Finding, Listing, LogFilter, LogPageRequest, SendLog as _,
    SqliteStore, Store, StoredAnswer, Subject, SyncLog,
};

use crate::sync::{at, changed, list, reference, sent_at, unread};
use crate::world::{activity, campaign};
use crate::{OTHER, OWNER};

fn history(number: u8, from: Option<i64>, until: i64, failed_at: i64) -> FailedReading {
    FailedReading {
        subject: Subject::History(activity(number)),
        missing_from: from.map(at),
        missing_until: at(until),
        failed_at: at(failed_at),
        records: 0,
        reason: format!("It failed at {failed_at}."),
    }
}

fn detail(number: u8, failed_at: i64) -> FailedReading {
    FailedReading {
        subject: Subject::Campaign(CampaignId::from_bytes([number; 16])),
        ..history(number, None, 30, failed_at)
    }
}

async fn keep(store: &SqliteStore, failed: &[FailedReading]) {
    for failed in failed {
        store.keep_failed(OWNER, failed.clone()).await.unwrap();
    }
}

async fn subjects(store: &SqliteStore) -> Vec<Subject> {
    let unreadable = store.unreadable(OWNER, 9).await.unwrap();
    unreadable
        .into_iter()
        .map(|unreadable| unreadable.subject)
        .collect()
}

#[tokio::test]
async fn repeated_failure_retains_its_start_and_merges_the_periods() {
    let store = SqliteStore::in_memory().await.unwrap();
    keep(
        &store,
        &[history(1, Some(10), 20, 100), history(1, Some(15), 40, 300)],
    )
    .await;
    let found = store.unreadable(OWNER, 9).await.unwrap().remove(0);
    assert_eq!((found.since, found.tried_at), (at(100), at(300)));
    assert_eq!((found.missing_from, found.missing_until), (Some(at(10)), at(40)));
    assert_eq!(found.reason, "It failed at 300.");
    assert_eq!((found.campaign, found.is_queued), (None, false));
    // A subject that was never read stays unread.
    keep(&store, &[history(1, None, 30, 400)]).await;
    assert_eq!(store.unreadable(OWNER, 9).await.unwrap()[0].missing_from, None);
    assert_eq!(store.unreadable(OTHER, 9).await.unwrap(), []);
}

#[tokio::test]
async fn failure_counts_only_where_its_sends_may_be_missing() {
    let store = SqliteStore::in_memory().await.unwrap();
    keep(&store, &[history(1, Some(10), 20, 100), history(2, None, 5, 100)]).await;
    let count = async |from: Option<i64>, until: Option<i64>| {
        let counted = store.unreadable_count(OWNER, from.map(at), until.map(at));
        counted.await.unwrap()
    };
    assert_eq!(count(None, None).await, 2);
    assert_eq!(count(Some(5), Some(10)).await, 2);
    assert_eq!(count(Some(6), Some(9)).await, 0);
    assert_eq!(count(Some(20), None).await, 1);
    assert_eq!(count(Some(21), None).await, 0);
    assert_eq!(count(None, Some(0)).await, 1);
}

#[tokio::test]
async fn log_is_complete_where_listed_and_readable() {
    let store = SqliteStore::in_memory().await.unwrap();
    let is_complete = async |from: Option<i64>, until: Option<i64>, now: i64| {
        let completeness = store.completeness(OWNER, from.map(at), until.map(at), at(now));
        completeness.await.unwrap().is_complete
    };
    assert!(!is_complete(None, None, 200).await, "never listed");
    list(&store, &[], 100).await;
    assert!(is_complete(None, None, 200).await);
    assert!(!is_complete(None, None, 99).await, "listed in the future");
    assert!(!is_complete(None, Some(101), 200).await, "not listed since");
    list(&store, &[changed(7, 80, 90)], 100).await;
    assert!(!is_complete(None, Some(100), 200).await, "queued");
    assert!(is_complete(None, Some(80), 200).await);
    store.finish(OWNER, changed(7, 80, 90)).await.unwrap();
    keep(&store, &[history(1, Some(10), 20, 100)]).await;
    assert!(!is_complete(None, None, 200).await);
    assert!(!is_complete(Some(20), None, 200).await);
    assert!(is_complete(Some(21), None, 200).await);
}

#[tokio::test]
async fn reading_or_deleting_a_subject_clears_its_failure() {
    let store = SqliteStore::in_memory().await.unwrap();
    let activities = [1, 2].map(|number| reference(number, ActivityRole::PrimaryEmail));
    store
        .keep_activities(OWNER, campaign(7, None), activities.to_vec(), vec![])
        .await
        .unwrap();
    keep(
        &store,
        &[history(1, None, 60, 1), history(2, None, 50, 1), detail(7, 2)],
    )
    .await;
    list(&store, &[changed(7, 1, 2)], 10).await;
    let unreadable = store.unreadable(OWNER, 9).await.unwrap();
    assert_eq!(unreadable.len(), 3);
    for unreadable in unreadable {
        assert_eq!(unreadable.campaign, Some(campaign(7, None)));
        assert!(unreadable.is_queued);
    }
    let known = store.campaigns(OWNER, &[campaign(7, None).id]).await.unwrap();
    let known = known[0].clone().unwrap();
    assert_eq!(known.failing_since, Some(at(2)));
    assert_eq!(known.activities[0].failing_since, Some(at(1)));

    store.keep(OWNER, activity(1), sent_at(1, 0)).await.unwrap();
    let left = [
        Subject::History(activity(2)),
        Subject::Campaign(campaign(7, None).id),
    ];
    assert_eq!(subjects(&store).await, left);
    store.keep_read(OWNER, left[1]).await.unwrap();
    assert_eq!(subjects(&store).await, left[..1]);
    // The campaign no longer lists the second activity.
    store
        .keep_activities(OWNER, campaign(7, None), activities[..1].to_vec(), vec![])
        .await
        .unwrap();
    assert_eq!(subjects(&store).await, []);

    keep(&store, &[history(1, None, 60, 1), detail(7, 2), detail(8, 3)]).await;
    for number in [7, 8] {
        let gone = CampaignId::from_bytes([number; 16]);
        store.keep_gone(OWNER, gone).await.unwrap();
    }
    assert_eq!(subjects(&store).await, []);
    keep(&store, &[detail(7, 4)]).await;
    store.forget(OWNER).await.unwrap();
    assert_eq!(subjects(&store).await, []);
}

#[tokio::test]
async fn missing_sends_stay_until_a_second_synchronisation_confirms_their_removal() {
    let answer = |json: &str| Answer::History(Arc::new(SendHistory::from_json(json.as_bytes()).unwrap()));
    let partial = r#"[{"send_id": 2, "run_date": "1970-01-01T00:00:07Z"}, {}]"#;
    for (lacking, merged, left, is_removal) in [
        (answer("[]"), 1, 0, true),
        (answer(r#"[{"send_id": 2}]"#), 2, 1, true),
        // The missing record may be the unreadable record.
        (answer(partial), 2, 2, false),
        (Answer::NotFound, 1, 0, false),
    ] {
        let store = SqliteStore::in_memory().await.unwrap();
        let activities = vec![reference(1, ActivityRole::PrimaryEmail)];
        store
            .keep_activities(OWNER, campaign(7, None), activities, vec![])
            .await
            .unwrap();
        store.keep(OWNER, activity(1), sent_at(5, 0)).await.unwrap();
        let stored = StoredAnswer {
            fetched_at: at(9),
            answer: lacking.clone(),
        };
        let filter = LogFilter::default();
        let known = async || store.campaigns(OWNER, &[campaign(7, None).id]).await.unwrap();
        for _ in 0..2 {
            store.keep(OWNER, activity(1), stored.clone()).await.unwrap();
            assert_eq!(store.count(OWNER, &filter).await.unwrap(), merged, "{lacking:?}");
            assert_eq!(
                known().await[0].as_ref().unwrap().activities[0].send_count,
                Some(merged)
            );
            let unreadable = store.unreadable(OWNER, 9).await.unwrap();
            assert_eq!(unreadable.len(), 1, "{lacking:?}");
            assert_eq!(unreadable[0].subject, Subject::History(activity(1)));
            assert_eq!(unreadable[0].is_unconfirmed_removal(), is_removal, "{lacking:?}");
            assert_eq!(
                (unreadable[0].missing_from, unreadable[0].missing_until),
                (None, at(9))
            );
        }
        settle(&store, &stored, 10).await;
        assert_eq!(store.count(OWNER, &filter).await.unwrap(), merged, "{lacking:?}");
        settle(&store, &stored, 11).await;
        assert_eq!(store.count(OWNER, &filter).await.unwrap(), left, "{lacking:?}");
    }
}

/// Performs the steps of a synchronisation that started at `began` and received this response. Returns the number of
/// unconfirmed records.
async fn settle(store: &SqliteStore, stored: &StoredAnswer, began: i64) -> u64 {
    let finding = Finding {
        found_at: at(began),
        began: at(began),
    };
    store.keep(OWNER, activity(1), stored.clone()).await.unwrap();
    let settled = store.settle_history(OWNER, activity(1), stored.clone(), finding);
    settled.await.unwrap()
}

fn answer(json: &str) -> StoredAnswer {
    StoredAnswer {
        fetched_at: at(9),
        answer: Answer::History(Arc::new(SendHistory::from_json(json.as_bytes()).unwrap())),
    }
}

async fn with_history(json: &str) -> SqliteStore {
    let store = SqliteStore::in_memory().await.unwrap();
    let activities = vec![reference(1, ActivityRole::PrimaryEmail)];
    store
        .keep_activities(OWNER, campaign(7, None), activities, vec![])
        .await
        .unwrap();
    store.keep(OWNER, activity(1), answer(json)).await.unwrap();
    store
}

async fn known_sends(store: &SqliteStore) -> Vec<(i32, Option<i64>)> {
    let stored = store.history(OWNER, activity(1), Timestamp::MAX).await.unwrap();
    let Some(Answer::History(history)) = stored.map(|stored| stored.answer) else {
        return Vec::new();
    };
    let sends = history.iter();
    sends
        .map(|send| (send.send_id, send.run_date.map(Timestamp::as_second)))
        .collect()
}

fn sends(sends: &[(i32, i64)]) -> String {
    let records = sends
        .iter()
        .map(|(id, ran)| format!(r#"{{"send_id": {id}, "count": 5, "run_date": "{}"}}"#, at(*ran)));
    format!("[{}]", records.collect::<Vec<_>>().join(","))
}

#[tokio::test]
async fn only_sends_missing_from_two_synchronisations_are_deleted() {
    let all = sends(&[(1, 1), (2, 2), (3, 3)]);
    let known = [(1, Some(1)), (2, Some(2)), (3, Some(3))];
    for (first, second) in [
        (sends(&[(2, 2), (3, 3)]), sends(&[(1, 1), (3, 3)])),
        (sends(&[(1, 1), (2, 2)]), "[]".to_owned()),
        ("[]".to_owned(), sends(&[(1, 1)])),
    ] {
        let store = with_history(&all).await;
        assert!(settle(&store, &answer(&first), 10).await > 0);
        assert!(settle(&store, &answer(&second), 20).await > 0, "{second}");
        assert_eq!(known_sends(&store).await, known, "{first}, {second}");
        assert!(!subjects(&store).await.is_empty());
        // Records that reappear are no longer marked as missing.
        assert_eq!(settle(&store, &answer(&all), 30).await, 0);
        assert_eq!(subjects(&store).await, []);
        assert!(settle(&store, &answer(&second), 40).await > 0);
        assert_eq!(settle(&store, &answer(&second), 50).await, 0, "{second}");
        assert_eq!(subjects(&store).await, []);
        assert_eq!(known_sends(&store).await.len(), second.matches("send_id").count());
    }
}

#[tokio::test]
async fn response_to_a_reader_is_not_a_finding_of_a_synchronisation() {
    let store = with_history(&sends(&[(1, 1)])).await;
    for _ in 0..2 {
        store.keep(OWNER, activity(1), answer("[]")).await.unwrap();
    }
    assert_eq!(settle(&store, &answer("[]"), 20).await, 1);
    assert_eq!(known_sends(&store).await, [(1, Some(1))]);
}

#[tokio::test]
async fn missing_send_with_a_repeated_id_is_detected() {
    let store = with_history(&sends(&[(1, 1), (1, 2)])).await;
    let one = answer(&sends(&[(1, 2)]));
    assert_eq!(settle(&store, &one, 10).await, 1);
    let mut known = known_sends(&store).await;
    known.sort_unstable();
    assert_eq!(known, [(1, Some(1)), (1, Some(2))]);
    assert_eq!(settle(&store, &one, 20).await, 0);
    assert_eq!(known_sends(&store).await, [(1, Some(2))]);
}

#[tokio::test]
async fn unreadable_record_is_recorded_until_it_is_readable_or_missing_twice() {
    for (answers, left) in [
        (&["[{}]", "[]"][..], 1),
        (&["[{}]", "[]", "[]"], 0),
        (
            &["[{}]", r#"[{"send_id": 1, "run_date": "1970-01-01T00:00:01Z"}]"#],
            0,
        ),
        // This send ran after the last response with the unreadable record.
        (
            &["[{}]", r#"[{"send_id": 2, "run_date": "1970-01-01T00:00:20Z"}]"#],
            1,
        ),
        (&["[{}]", "[]", "[{}]"], 1),
    ] {
        let store = with_history(answers[0]).await;
        for (json, began) in answers[1..].iter().zip([10, 20]) {
            settle(&store, &answer(json), began).await;
        }
        assert_eq!(subjects(&store).await.len(), left, "{answers:?}");
    }
}

#[tokio::test]
async fn known_value_stays_when_a_later_response_lacks_it() {
    let store = with_history(&sends(&[(1, 7)])).await;
    store
        .keep(
            OWNER,
            activity(1),
            answer(r#"[{"send_id": 1, "run_date": "", "count": null}]"#),
        )
        .await
        .unwrap();
    assert_eq!(known_sends(&store).await, [(1, Some(7))]);
    assert_eq!(subjects(&store).await, []);
}

#[tokio::test]
async fn undated_send_counts_as_unreadable_in_every_period() {
    let store = with_history(r#"[{"send_id": 1, "run_date": "yesterday"}]"#).await;
    let counted = store.unreadable_count(OWNER, Some(at(1)), Some(at(2))).await;
    assert_eq!(counted.unwrap(), 1);
    store
        .keep(OWNER, activity(1), answer(&sends(&[(1, 1)])))
        .await
        .unwrap();
    assert_eq!(subjects(&store).await, []);
}

#[tokio::test]
async fn activity_stays_with_its_campaign_while_listed() {
    let store = with_history(&sends(&[(1, 1)])).await;
    let listed = || vec![reference(1, ActivityRole::PrimaryEmail)];
    let owner = async || {
        let page = store
            .page(
                OWNER,
                &LogFilter::default(),
                LogPageRequest {
                    limit: 9,
                    ..LogPageRequest::default()
                },
            )
            .await;
        page.unwrap().sends[0].campaign.as_ref().unwrap().id
    };
    let (first, second) = (campaign(7, None), campaign(8, None));
    let claim = store.keep_activities(OWNER, second.clone(), listed(), vec![]);
    claim.await.unwrap();
    assert_eq!(owner().await, first.id);
    let mut claim = Claim {
        activity: activity(1),
        campaign: first.id,
        is_listed: true,
        claimed_by: Some(second.id),
    };
    let claims = async |campaign| store.claims(OWNER, campaign, &[]).await.unwrap();
    assert_eq!(claims(second.id).await, [claim]);
    assert_eq!(claims(first.id).await, [claim]);
    let unlisted = store.keep_activities(OWNER, first.clone(), vec![], listed());
    unlisted.await.unwrap();
    assert_eq!(owner().await, first.id);
    claim.is_listed = false;
    assert_eq!(claims(second.id).await, [claim]);
    let claim = store.keep_activities(OWNER, second.clone(), listed(), vec![]);
    claim.await.unwrap();
    assert_eq!(owner().await, second.id);
    assert_eq!(claims(first.id).await, []);
}

#[tokio::test]
async fn activity_moves_to_the_claiming_campaign_when_its_own_is_deleted() {
    let store = with_history(&sends(&[(1, 1)])).await;
    let (first, second) = (campaign(7, None), campaign(8, None));
    let listed = vec![reference(1, ActivityRole::PrimaryEmail)];
    let claim = store.keep_activities(OWNER, second.clone(), listed, vec![]);
    claim.await.unwrap();
    store.keep_gone(OWNER, first.id).await.unwrap();
    let filter = LogFilter::default();
    let request = LogPageRequest {
        limit: 9,
        ..LogPageRequest::default()
    };
    let page = store.page(OWNER, &filter, request).await.unwrap();
    let owners = page
        .sends
        .iter()
        .map(|one| one.campaign.as_ref().map(|own| own.id));
    assert_eq!(owners.collect::<Vec<_>>(), [Some(second.id)]);
    assert_eq!(store.claims(OWNER, second.id, &[]).await.unwrap(), []);
    let known = store.campaigns(OWNER, &[first.id, second.id]).await.unwrap();
    let activities = known
        .iter()
        .map(|known| known.as_ref().map(|known| known.activities.len()));
    assert_eq!(activities.collect::<Vec<_>>(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn campaigns_have_known_activities_until_deleted() {
    let store = with_history(&sends(&[(1, 1)])).await;
    let listing = Listing {
        campaigns: vec![campaign(8, None)],
        ..Listing::default()
    };
    store.keep_listing(OWNER, listing).await.unwrap();
    let own = campaign(7, None).id;
    assert_eq!(store.campaigns_with_activities(OWNER).await.unwrap(), [own]);
    store.keep_gone(OWNER, own).await.unwrap();
    assert_eq!(store.campaigns_with_activities(OWNER).await.unwrap(), []);
}

#[tokio::test]
async fn response_replaces_the_history_of_an_activity_without_a_campaign() {
    let store = SqliteStore::in_memory().await.unwrap();
    store.keep(OWNER, activity(1), sent_at(5, 0)).await.unwrap();
    let stored = StoredAnswer {
        fetched_at: at(9),
        answer: Answer::NotFound,
    };
    store.keep(OWNER, activity(1), stored).await.unwrap();
    assert_eq!(store.count(OWNER, &LogFilter::default()).await.unwrap(), 0);
    assert_eq!(subjects(&store).await, []);
}

#[tokio::test]
async fn unreadable_subjects_are_neither_queued_nor_unsettled() {
    let store = SqliteStore::in_memory().await.unwrap();
    store.keep(OWNER, activity(1), sent_at(100, 0)).await.unwrap();
    let unsettled = async || store.unsettled(OWNER, at(0), at(1), at(1_000)).await.unwrap();
    assert_eq!(unsettled().await, [activity(1)]);
    keep(&store, &[history(1, Some(100), 200, 200)]).await;
    assert_eq!(unsettled().await, []);

    list(&store, &[unread(7, 50)], 300).await;
    keep(&store, &[detail(7, 200)]).await;
    store.finish(OWNER, unread(7, 50)).await.unwrap();
    let complete = Coverage::Between {
        since: None,
        until: at(300),
    };
    assert_eq!(store.coverage(OWNER).await.unwrap(), complete);
    assert_eq!(store.unreadable(OWNER, 1).await.unwrap().len(), 1);
}

fn partial(second: i64, unreadable: usize) -> StoredAnswer {
    let stored = sent_at(second, 0);
    let Answer::History(history) = stored.answer else {
        panic!("not a history")
    };
    let history = SendHistory::clone(&history).with_unreadable(unreadable, 1);
    StoredAnswer {
        fetched_at: at(200),
        answer: Answer::History(Arc::new(history)),
    }
}

#[tokio::test]
async fn history_with_an_unreadable_send_is_logged_and_unreadable() {
    let store = SqliteStore::in_memory().await.unwrap();
    let stored = partial(100, 2);
    store.keep(OWNER, activity(1), stored.clone()).await.unwrap();
    assert_eq!(
        store.history(OWNER, activity(1), Timestamp::MAX).await.unwrap(),
        Some(stored)
    );
    assert_eq!(store.count(OWNER, &LogFilter::default()).await.unwrap(), 1);

    let unreadable = store.unreadable(OWNER, 9).await.unwrap().remove(0);
    assert_eq!(unreadable.subject, Subject::History(activity(1)));
    assert_eq!(
        (unreadable.missing_from, unreadable.missing_until),
        (None, at(200))
    );
    assert_eq!((unreadable.since, unreadable.tried_at), (at(200), at(200)));
    assert_eq!(
        unreadable.reason,
        "Constant Contact returned 2 unreadable sends of this activity."
    );
    // A partial read does not exclude the history from re-reads.
    assert_eq!(
        store.unsettled(OWNER, at(100), at(201), at(1_000)).await.unwrap(),
        [activity(1)]
    );
    keep(&store, &[history(1, None, 200, 300)]).await;
    assert_eq!(
        store.unsettled(OWNER, at(100), at(201), at(1_000)).await.unwrap(),
        []
    );

    store.keep(OWNER, activity(1), partial(100, 0)).await.unwrap();
    assert_eq!(store.unreadable(OWNER, 9).await.unwrap(), []);
}

#[tokio::test]
async fn role_and_status_retain_their_spelling() {
    let store = SqliteStore::in_memory().await.unwrap();
    let mut spelled = campaign(7, None);
    spelled.status = Some("Done".into());
    let mut resend = reference(1, ActivityRole::Resend);
    resend.role = Some("RESEND".into());
    store
        .keep_activities(
            OWNER,
            spelled.clone(),
            vec![resend.clone(), reference(2, ActivityRole::PrimaryEmail)],
            vec![],
        )
        .await
        .unwrap();
    let known = store
        .campaigns(OWNER, &[spelled.id])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!(known.campaign, spelled);
    assert_eq!(known.activities[0].role, resend.role);
    assert_eq!(
        known.activities[1].role.as_ref().unwrap().verbatim(),
        "primary_email"
    );
}

#[tokio::test]
async fn activity_listed_twice_has_the_sendable_role() {
    use ActivityRole::{Permalink, PrimaryEmail};
    for roles in [[PrimaryEmail, Permalink], [Permalink, PrimaryEmail]] {
        let store = SqliteStore::in_memory().await.unwrap();
        let listed = roles.map(|role| reference(1, role)).to_vec();
        let twice = campaign(7, None);
        store
            .keep_activities(OWNER, twice.clone(), listed, vec![])
            .await
            .unwrap();
        let known = store.campaigns(OWNER, &[twice.id]).await.unwrap().remove(0);
        let roles = known.unwrap().activities.into_iter();
        let roles: Vec<_> = roles.map(|own| own.role.unwrap().verbatim().to_owned()).collect();
        assert_eq!(roles, ["primary_email"]);
    }
}

#[tokio::test]
async fn deleted_send_clears_the_report_date_unless_another_send_has_it() {
    let all = sends(&[(1, 1), (2, 200)]);
    for (reported, is_kept) in [(200, false), (250, false), (300, true)] {
        let store = with_history(&all).await;
        let listing = Listing {
            last_sent: vec![(campaign(7, None).id, Some(at(reported)))],
            ..Listing::default()
        };
        store.keep_listing(OWNER, listing).await.unwrap();
        let first = answer(&sends(&[(1, 1)]));
        assert!(settle(&store, &first, 10).await > 0);
        assert_eq!(settle(&store, &first, 20).await, 0);
        let known = store.campaigns(OWNER, &[campaign(7, None).id]).await.unwrap();
        let last_sent_at = known[0].as_ref().unwrap().last_sent_at;
        assert_eq!(last_sent_at.is_some(), is_kept, "{reported}");
    }
}
