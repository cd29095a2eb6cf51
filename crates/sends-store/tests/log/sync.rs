//! Tests of the synchronisation state and the coverage of the log.

use jiff::Timestamp;
use sends_core::{ActivityReference, ActivityRole, CampaignId};
use sends_store::{
    Answer, Coverage, Listing, LogFilter, LogOrder, Pending, SendLog, SqliteStore, Store, StoredAnswer,
    SyncLog, SyncState, SyncWork,
};

use crate::OWNER;
use crate::world::{activity, campaign};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn unread(number: u8, until: i64) -> SyncWork {
    SyncWork {
        campaign: CampaignId::from_bytes([number; 16]),
        missing_from: None,
        missing_until: at(until),
    }
}

pub(crate) fn changed(number: u8, from: i64, until: i64) -> SyncWork {
    SyncWork {
        missing_from: Some(at(from)),
        ..unread(number, until)
    }
}

pub(crate) fn reference(number: u8, role: ActivityRole) -> ActivityReference {
    ActivityReference {
        id: activity(number),
        role: Some(role.into()),
    }
}

pub(crate) fn sent_at(second: i64, reason_code: i32) -> StoredAnswer {
    let json = format!(
        r#"[{{"send_id": 1, "send_status": "COMPLETED", "reason_code": {reason_code}, "run_date": "{}"}}]"#,
        at(second)
    );
    let history = sends_core::SendHistory::from_json(json.as_bytes()).unwrap();
    StoredAnswer {
        fetched_at: at(0),
        answer: Answer::History(history.into()),
    }
}

pub(crate) async fn list(store: &SqliteStore, work: &[SyncWork], listed_at: i64) {
    let listing = Listing {
        work: work.to_vec(),
        state: Some(SyncState {
            listed_at: Some(at(listed_at)),
            ..SyncState::default()
        }),
        ..Listing::default()
    };
    store.keep_listing(OWNER, listing).await.unwrap();
}

#[tokio::test]
async fn work_is_sorted_newest_first_and_stays_until_finished() {
    let store = SqliteStore::in_memory().await.unwrap();
    assert_eq!(store.state(OWNER).await.unwrap(), SyncState::default());
    assert_eq!(store.coverage(OWNER).await.unwrap(), Coverage::Nothing);

    list(&store, &[unread(1, 10), unread(2, 30), unread(3, 20)], 100).await;
    assert_eq!(
        store.next_work(OWNER, 2).await.unwrap(),
        [unread(2, 30), unread(3, 20)]
    );
    let covered = |since, until| Coverage::Between {
        since,
        until: at(until),
    };
    assert_eq!(store.coverage(OWNER).await.unwrap(), covered(Some(at(30)), 100));

    store.finish(OWNER, unread(2, 30)).await.unwrap();
    assert_eq!(
        store.next_work(OWNER, 9).await.unwrap(),
        [unread(3, 20), unread(1, 10)]
    );
    assert_eq!(store.coverage(OWNER).await.unwrap(), covered(Some(at(20)), 100));

    // The second campaign was sent again. Its earlier sends are in the log.
    list(&store, &[changed(2, 100, 150)], 200).await;
    assert_eq!(store.coverage(OWNER).await.unwrap(), covered(Some(at(20)), 100));
    let pending = Pending {
        unread_campaigns: 2,
        changed_campaigns: 1,
        known_activities: 0,
    };
    assert_eq!(store.pending(OWNER).await.unwrap(), pending);

    for work in [changed(2, 100, 150), unread(3, 20), unread(1, 10)] {
        assert_eq!(store.next_work(OWNER, 1).await.unwrap(), [work]);
        store.finish(OWNER, work).await.unwrap();
    }
    assert_eq!(store.coverage(OWNER).await.unwrap(), covered(None, 200));
    assert!(covered(None, 200).contains(None, Some(at(200))));
    assert!(!covered(None, 200).contains(None, Some(at(201))));
    assert!(!covered(Some(at(20)), 200).contains(Some(at(20)), None));
    assert!(covered(None, 200).contains(Some(at(199)), None));
    assert!(!covered(None, 200).contains(Some(at(200)), None));
}

#[tokio::test]
async fn work_extended_after_it_was_taken_stays_queued() {
    let store = SqliteStore::in_memory().await.unwrap();
    list(&store, &[changed(1, 10, 20)], 20).await;
    let taken = store.next_work(OWNER, 1).await.unwrap()[0];
    list(&store, &[changed(1, 20, 40)], 40).await;
    store.finish(OWNER, taken).await.unwrap();
    assert_eq!(store.next_work(OWNER, 9).await.unwrap(), [changed(1, 10, 40)]);
    // A campaign that was never read stays unread.
    list(&store, &[unread(1, 5)], 50).await;
    assert_eq!(store.next_work(OWNER, 9).await.unwrap(), [unread(1, 40)]);
}

#[tokio::test]
async fn times_are_rounded_outwards() {
    let store = SqliteStore::in_memory().await.unwrap();
    for sign in [1, -1] {
        let work = SyncWork {
            missing_from: Some(Timestamp::new(0, sign * 1_500_000).unwrap()),
            missing_until: Timestamp::new(0, sign * 1_200_001).unwrap(),
            ..unread(1, 0)
        };
        list(&store, &[work], 0).await;
        let stored = store.next_work(OWNER, 1).await.unwrap()[0];
        assert!(stored.missing_from <= work.missing_from && stored.missing_until >= work.missing_until);
        assert_eq!(stored.missing_until.subsec_nanosecond() % 1_000_000, 0);
        store.finish(OWNER, work).await.unwrap();
        assert_eq!(store.next_work(OWNER, 1).await.unwrap(), []);
    }
}

#[tokio::test]
async fn unlisted_activities_and_deleted_campaigns_leave_the_log() {
    let store = SqliteStore::in_memory().await.unwrap();
    let both = vec![
        reference(1, ActivityRole::PrimaryEmail),
        reference(2, ActivityRole::Resend),
    ];
    store
        .keep_activities(OWNER, campaign(7, None), both, vec![])
        .await
        .unwrap();
    for number in [1, 2] {
        store
            .keep(OWNER, activity(number), sent_at(i64::from(number), 0))
            .await
            .unwrap();
    }
    let everything = LogFilter::default();
    assert_eq!(store.count(OWNER, &everything).await.unwrap(), 2);

    let known = store
        .campaigns(OWNER, &[campaign(7, None).id, CampaignId::from_bytes([0; 16])])
        .await
        .unwrap();
    let activities = &known[0].as_ref().unwrap().activities;
    assert_eq!(activities[1].role.as_deref(), Some(&ActivityRole::Resend));
    assert_eq!(
        (activities[1].fetched_at, activities[1].last_run_date),
        (Some(at(0)), Some(at(2)))
    );
    assert_eq!(known[1], None);

    let one = vec![reference(1, ActivityRole::PrimaryEmail)];
    store
        .keep_activities(OWNER, campaign(7, None), one, vec![])
        .await
        .unwrap();
    assert_eq!(store.count(OWNER, &everything).await.unwrap(), 1);
    assert_eq!(
        store.history(OWNER, activity(2), Timestamp::MAX).await.unwrap(),
        None
    );

    list(&store, &[unread(7, 10), unread(8, 10)], 10).await;
    for number in [7, 8] {
        store
            .keep_gone(OWNER, CampaignId::from_bytes([number; 16]))
            .await
            .unwrap();
    }
    assert_eq!(store.count(OWNER, &everything).await.unwrap(), 0);
    assert_eq!(store.next_work(OWNER, 9).await.unwrap(), []);
    let known = store.campaigns(OWNER, &[campaign(7, None).id]).await.unwrap();
    assert!(known[0].as_ref().unwrap().is_gone);
    let back = Listing {
        campaigns: vec![campaign(7, None)],
        ..Listing::default()
    };
    store.keep_listing(OWNER, back).await.unwrap();
    let known = store.campaigns(OWNER, &[campaign(7, None).id]).await.unwrap();
    let known = known[0].as_ref().unwrap();
    assert!(!known.is_gone && known.activities.is_empty());
}

#[tokio::test]
async fn recent_staged_and_executing_activities_are_unsettled() {
    let store = SqliteStore::in_memory().await.unwrap();
    for (number, second, reason_code) in [(1, 100, 0), (2, 10, 0), (3, 10, 5), (4, 10, 0)] {
        store
            .keep(OWNER, activity(number), sent_at(second, reason_code))
            .await
            .unwrap();
    }
    let mut executing = campaign(9, None);
    executing.status = Some("Executing".into());
    let of_it = vec![reference(4, ActivityRole::PrimaryEmail)];
    store
        .keep_activities(OWNER, executing, of_it, vec![])
        .await
        .unwrap();
    let expected = [1, 3, 4].map(activity);
    assert_eq!(
        store.unsettled(OWNER, at(100), at(1), at(1_000)).await.unwrap(),
        expected
    );
    assert_eq!(
        store.unsettled(OWNER, at(100), at(0), at(1_000)).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn forgetting_an_owner_deletes_all_its_data() {
    let store = SqliteStore::in_memory().await.unwrap();
    store
        .keep_activities(
            OWNER,
            campaign(1, None),
            vec![reference(1, ActivityRole::PrimaryEmail)],
            vec![],
        )
        .await
        .unwrap();
    store.keep(OWNER, activity(1), sent_at(1, 0)).await.unwrap();
    list(&store, &[unread(1, 1)], 1).await;
    store.forget(OWNER).await.unwrap();
    assert_eq!(store.coverage(OWNER).await.unwrap(), Coverage::Nothing);
    assert_eq!(store.next_work(OWNER, 9).await.unwrap(), []);
    assert_eq!(
        store.campaigns(OWNER, &[campaign(1, None).id]).await.unwrap(),
        [None]
    );
    store.keep(OWNER, activity(1), sent_at(1, 0)).await.unwrap();
    let found = crate::pages::walk(&store, &LogFilter::default(), LogOrder::NewestFirst, 9, false).await;
    assert_eq!(found[0].campaign, None);
}

#[tokio::test]
async fn campaign_names_match_without_case_or_wildcards() {
    let store = SqliteStore::in_memory().await.unwrap();
    for (number, name) in [(1, "Größe ΟΔΟΣ"), (2, "100% _off_"), (3, "100 off")] {
        let campaign = campaign(number, Some(name.to_owned()));
        let activities = vec![reference(number, ActivityRole::PrimaryEmail)];
        store
            .keep_activities(OWNER, campaign, activities, vec![])
            .await
            .unwrap();
        store.keep(OWNER, activity(number), sent_at(1, 0)).await.unwrap();
    }
    for (part, found) in [
        ("GRÖSSE", 1),
        ("οδος", 1),
        ("%", 1),
        ("_OFF", 1),
        ("100", 2),
        ("", 3),
        ("*", 0),
    ] {
        let filter = LogFilter {
            campaign_name: Some(part.to_owned()),
            ..LogFilter::default()
        };
        assert_eq!(store.count(OWNER, &filter).await.unwrap(), found, "{part}");
    }
}
