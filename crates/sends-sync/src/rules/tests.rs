use std::sync::Arc;

use sends_core::{ActivityRole, CampaignId, SendHistory};
use sends_store::KnownActivity;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn campaign(status: &str, updated_at: &str) -> Campaign {
    Campaign {
        id: "cafe1ead-0000-4000-8000-000000000001"
            .parse::<CampaignId>()
            .unwrap(),
        name: None,
        status: Some(status.into()),
        campaign_type: None,
        type_code: None,
        created_at: None,
        updated_at: Some(at(updated_at)),
    }
}

/// Returns a campaign with one activity that was read on 3 May, when its last send was on 2 May.
fn known(status: &str, updated_at: &str) -> KnownCampaign {
    let activity = |role, fetched_at: Option<&str>| KnownActivity {
        id: "1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse().unwrap(),
        role: Some(role),
        fetched_at: fetched_at.map(at),
        send_count: fetched_at.map(|_| 1),
        last_run_date: fetched_at.map(|_| at("2026-05-02T09:00:00Z")),
        failing_since: None,
    };
    KnownCampaign {
        campaign: campaign(status, updated_at),
        last_sent_at: None,
        is_gone: false,
        failing_since: None,
        is_queued: false,
        activities: vec![
            activity(ActivityRole::PrimaryEmail.into(), Some("2026-05-03T00:00:00Z")),
            activity(ActivityRole::Permalink.into(), None),
        ],
    }
}

const NOW: &str = "2026-06-15T12:00:00Z";

fn listed(campaign: &Campaign, known: Option<&KnownCampaign>) -> Option<(Option<Timestamp>, Timestamp)> {
    let work = work_of_listed(campaign, known, None, at(NOW))?;
    assert_eq!(work.campaign, campaign.id);
    Some((work.missing_from, work.missing_until))
}

#[test]
fn campaign_is_read_once_and_after_changes_but_drafts_never() {
    let (may, june) = ("2026-05-02T10:00:00Z", "2026-06-02T10:00:00Z");
    assert_eq!(listed(&campaign("Draft", may), None), None);
    assert_eq!(listed(&campaign("Scheduled", may), None), Some((None, at(may))));
    assert_eq!(listed(&campaign("Done", may), Some(&known("Done", may))), None);
    let changed = Some((Some(at("2026-05-03T00:00:00Z")), at(june)));
    assert_eq!(
        listed(&campaign("Done", june), Some(&known("Done", may))),
        changed
    );
    assert_eq!(
        listed(&campaign("Removed", june), Some(&known("Done", may))),
        changed
    );
    let unread = KnownCampaign {
        activities: Vec::new(),
        ..known("Draft", may)
    };
    assert_eq!(
        listed(&campaign("Done", june), Some(&unread)),
        Some((None, at(june)))
    );
    // A draft that was sent according to the report is queued with the date of the report.
    let sent = KnownCampaign {
        last_sent_at: Some(at(may)),
        is_queued: true,
        ..unread.clone()
    };
    assert_eq!(listed(&campaign("Done", june), Some(&sent)), None);
    // Other incompletely read campaigns are queued: deleted campaigns, campaigns that were unreadable completely or in one
    // activity, and campaigns without activities.
    let unqueued = KnownCampaign {
        is_queued: false,
        ..sent.clone()
    };
    let failed = KnownCampaign {
        failing_since: Some(at(may)),
        ..unqueued.clone()
    };
    let back = KnownCampaign {
        is_gone: true,
        ..unqueued.clone()
    };
    let mut rejected = KnownCampaign {
        last_sent_at: Some(at(may)),
        ..known("Done", may)
    };
    rejected.activities[0].fetched_at = None;
    for unread in [unqueued, back, failed, rejected] {
        assert_eq!(
            listed(&campaign("Done", june), Some(&unread)),
            Some((None, at(june)))
        );
    }
    let dateless = Campaign {
        updated_at: None,
        ..campaign("Done", may)
    };
    assert_eq!(listed(&dateless, None), Some((None, at(NOW))));
}

#[test]
fn sent_campaign_is_read_regardless_of_its_status() {
    let (may, june) = ("2026-05-02T10:00:00Z", "2026-06-02T10:00:00Z");
    for status in ["Draft", "Removed", "Archived"] {
        let work = listed(&campaign(status, june), Some(&known("Done", may)));
        assert_eq!(
            work,
            Some((Some(at("2026-05-03T00:00:00Z")), at(june))),
            "{status}"
        );
    }
    let gone = KnownCampaign {
        is_gone: true,
        activities: Vec::new(),
        ..known("Done", may)
    };
    assert!(
        listed(&campaign("Done", may), Some(&gone)).is_some(),
        "the campaign is listed again"
    );
    let removed = KnownCampaign {
        campaign: campaign("Removed", may),
        ..gone
    };
    assert_eq!(listed(&campaign("Removed", may), Some(&removed)), None);
}

#[test]
fn times_from_a_clock_that_was_ahead_are_not_trusted() {
    let (may, june) = ("2026-05-02T10:00:00Z", "2026-06-02T10:00:00Z");
    let mut ahead = known("Done", may);
    ahead.activities[0].fetched_at = Some(at("2030-01-01T00:00:00Z"));
    let missing = |from: Option<&str>| {
        work_of_listed(&campaign("Done", june), Some(&ahead), from.map(at), at(NOW))
            .unwrap()
            .missing_from
    };
    assert_eq!(missing(None), Some(at(may)), "the previous update");
    let from = "2026-06-01T00:00:00Z";
    assert_eq!(missing(Some(from)), Some(at(from)), "the previous listing");
    assert!(is_due(
        &StoredAnswer {
            fetched_at: at("2030-01-01T00:00:00Z"),
            answer: Answer::History(Arc::new(SendHistory::default())),
        },
        at(NOW)
    ));
    assert!(listing_is_due(Some(at("2030-01-01T00:00:00Z")), None, at(NOW)));
    assert!(!is_credible(at("2030-01-01T00:00:00Z"), at(NOW)));
}

#[test]
fn reported_send_causes_work_unless_a_history_has_it() {
    let id = campaign("Done", NOW).id;
    let known = known("Done", "2026-05-02T10:00:00Z");
    let has_work = |last_sent: &str, known: Option<&KnownCampaign>| {
        work_of_summary(id, Some(at(last_sent)), known, None, at(NOW)).is_some()
    };
    assert!(!has_work("2026-05-02T09:00:30Z", Some(&known)), "the same send");
    assert!(has_work("2026-05-02T09:02:00Z", Some(&known)));
    assert!(has_work("2026-05-02T09:00:00Z", None));
    let reported = KnownCampaign {
        last_sent_at: Some(at("2026-05-04T00:00:00Z")),
        is_queued: true,
        ..known.clone()
    };
    assert!(!has_work("2026-05-04T00:00:00Z", Some(&reported)), "queued");
    assert!(
        has_work("2026-05-03T00:00:00Z", Some(&reported)),
        "an earlier date"
    );
    let unqueued = KnownCampaign {
        is_queued: false,
        ..reported.clone()
    };
    assert!(
        has_work("2026-05-04T00:00:00Z", Some(&unqueued)),
        "missing from all histories"
    );
    // A date in the future hides no send and causes no repeated reads.
    let in_the_future = KnownCampaign {
        last_sent_at: Some(at("2099-01-01T00:00:00Z")),
        failing_since: Some(at(NOW)),
        ..known.clone()
    };
    assert!(has_work("2026-05-04T00:00:00Z", Some(&in_the_future)));
    assert!(!has_work("2099-01-01T00:00:00Z", Some(&in_the_future)));
    let undated = |known: Option<&KnownCampaign>| work_of_summary(id, None, known, None, at(NOW)).is_some();
    assert!(undated(None));
    assert!(!undated(Some(&reported)));
}

/// Returns whether an activity is due at noon on 15 June if its only send has this run date, reason code and fetch time.
fn due(ran: &str, code: i32, fetched: &str) -> bool {
    let json = format!(
        r#"[{{"send_id":1,"count":5,"run_date":"{ran}","send_status":"COMPLETED","reason_code":{code}}}]"#
    );
    let history = SendHistory::from_json(json.as_bytes()).unwrap();
    let stored = StoredAnswer {
        fetched_at: at(fetched),
        answer: Answer::History(Arc::new(history)),
    };
    is_due(&stored, at(NOW))
}

#[test]
fn each_send_is_reread_once_after_a_day() {
    assert!(
        !due("2026-06-15T09:00:00Z", 0, "2026-06-15T09:30:00Z"),
        "less than a day old"
    );
    assert!(due("2026-06-14T11:00:00Z", 0, "2026-06-14T12:00:00Z"));
    assert!(
        !due("2026-06-14T11:00:00Z", 0, "2026-06-15T11:30:00Z"),
        "already re-read"
    );
}

#[test]
fn unfinished_send_is_reread_for_three_days() {
    let (staged, partial) = (5, 6);
    for code in [staged, partial] {
        assert!(due("2026-06-13T12:00:00Z", code, "2026-06-15T10:59:00Z"));
        assert!(due("2026-06-15T09:00:00Z", code, "2026-06-15T10:59:00Z"));
    }
    assert!(
        !due("2026-06-12T11:00:00Z", staged, "2026-06-15T10:00:00Z"),
        "older than three days"
    );
    assert!(!due("2019-06-12T11:00:00Z", staged, "2020-06-15T10:00:00Z"));
}

#[test]
fn unsettled_history_without_a_recent_send_is_reread() {
    assert!(due("2025-06-12T11:00:00Z", 0, "2026-06-15T10:00:00Z"));
}

#[test]
fn retry_pauses_double_from_five_minutes_to_a_week() {
    let since = at("2026-01-01T00:00:00Z");
    let mut tried = vec![since];
    let mut now = since;
    while now < at("2026-03-01T00:00:00Z") {
        now += SignedDuration::from_mins(5);
        let attempts = u32::try_from(tried.len()).unwrap();
        let unreadable = failing(since, tried[tried.len() - 1], attempts);
        if is_due_again(&unreadable, now) {
            tried.push(now);
        }
        assert!(is_due_again(&unreadable, since - SignedDuration::from_hours(1)));
    }
    let pauses: Vec<i64> = tried
        .windows(2)
        .map(|two| two[1].duration_since(two[0]).as_mins())
        .collect();
    assert_eq!(pauses[..6], [5, 5, 10, 20, 40, 80]);
    assert_eq!(
        pauses[11..15],
        [5 * 1024, 5 * 2048 - 160, 7 * 24 * 60, 7 * 24 * 60]
    );
}

fn failing(since: Timestamp, tried_at: Timestamp, attempts: u32) -> Unreadable {
    Unreadable {
        subject: sends_store::Subject::Campaign(campaign("Done", NOW).id),
        campaign: None,
        missing_from: None,
        missing_until: since,
        since,
        tried_at,
        attempts,
        records: 0,
        reason: String::new(),
        is_queued: false,
    }
}

#[test]
fn clock_that_was_behind_at_the_first_failure_does_not_extend_the_second_pause() {
    let unreadable = failing(at("1999-01-01T00:00:00Z"), at(NOW), 2);
    let after = |minutes| is_due_again(&unreadable, at(NOW) + SignedDuration::from_mins(minutes));
    assert_eq!([1, 19, 20].map(after), [false, false, true]);
}

#[test]
fn stored_time_in_the_future_does_not_change_later_pauses() {
    let (now, future) = (at(NOW), at("2029-06-15T12:00:00Z"));
    let minutes = |minutes| now + SignedDuration::from_mins(minutes);
    let all_ahead = failing(future, future, 9);
    assert!(is_due_again(&all_ahead, now));
    assert!(listing_is_due(Some(future), Some(&all_ahead), now));
    let removal = Unreadable {
        reason: sends_store::UNCONFIRMED_REMOVAL.to_owned(),
        ..all_ahead
    };
    assert!(removal_is_due(&removal, now, now));
    // The listing was readable while the clock was ahead, and has failed since the clock was corrected. The usual pauses apply.
    let failed = failing(minutes(-80), now, 6);
    let is_due = |after| listing_is_due(Some(future), Some(&failed), minutes(after));
    assert_eq!([79, 80].map(is_due), [false, true]);
}

#[test]
fn changed_report_date_after_the_last_send_indicates_another_send() {
    let mut known = known("Done", "2026-05-02T09:00:00Z");
    let is_read = |known: &KnownCampaign, last_sent: &str| {
        work_of_summary(known.campaign.id, Some(at(last_sent)), Some(known), None, at(NOW)).is_some()
    };
    let soon = "2026-05-02T09:00:45Z";
    assert!(!is_read(&known, soon), "the same send, as dated by the report");
    known.last_sent_at = Some(at("2026-04-01T09:00:00Z"));
    assert!(!is_read(&known, soon));
    known.last_sent_at = Some(at("2026-05-02T09:00:00Z"));
    assert!(is_read(&known, soon));
    known.last_sent_at = Some(at(soon));
    assert!(!is_read(&known, soon));
}

#[test]
fn send_only_in_the_report_is_missing_since_the_last_run() {
    let mut known = known("Done", "2026-05-02T09:00:00Z");
    assert_eq!(only_reported(&known), None);
    known.last_sent_at = Some(at("2026-05-02T09:01:00Z"));
    assert_eq!(only_reported(&known), None);
    known.last_sent_at = Some(at("2026-05-02T09:02:00Z"));
    let period = (Some(at("2026-05-02T09:00:00Z")), at("2026-05-02T09:02:00Z"));
    assert_eq!(only_reported(&known), Some(period));
    known.activities[0].failing_since = Some(at(NOW));
    assert_eq!(only_reported(&known), None);
}
