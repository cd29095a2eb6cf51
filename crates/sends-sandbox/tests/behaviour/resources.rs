//! Endpoints other than send histories: formats, pages and peculiarities.

use std::collections::BTreeSet;

use sends_sandbox::Config;
use serde_json::{Value, json};

use crate::{UNKNOWN_ID, Visit};

const GUIDE: &str = sends_sandbox::GUIDE_ACTIVITY_ID;
const GUIDE_CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";

async fn all(visit: &Visit, path: &str, rows: &str) -> (Vec<Value>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = visit.json(&path).await;
        all.extend(page[rows].as_array().unwrap().clone());
        pages += 1;
        assert!(pages < 1_000, "the pagination does not end");
        let href = page["_links"]["next"]["href"].as_str();
        next = href.map(|href| {
            href.strip_prefix("/v3/")
                .expect("the link is relative and has the version")
                .to_owned()
        });
    }
    (all, pages)
}

fn texts<'a>(rows: &'a [Value], key: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

#[tokio::test]
async fn campaigns_are_paged_newest_update_first() {
    let visit = Visit::to(Config::unlimited().with_odd_records().with_activities(300)).await;
    let (campaigns, pages) = all(&visit, "emails?limit=40", "campaigns").await;
    assert!(texts(&campaigns, "updated_at").is_sorted_by(|left, right| left >= right));
    let ids: BTreeSet<_> = texts(&campaigns, "campaign_id").into_iter().collect();
    assert_eq!(ids.len(), campaigns.len());
    assert_eq!(pages, campaigns.len().div_ceil(40));
    assert!(
        campaigns
            .iter()
            .any(|campaign| campaign["current_status"] == "Removed")
    );
}

#[tokio::test]
async fn campaigns_are_filtered_by_their_update() {
    let visit = Visit::unlimited().await;
    let path = "emails?limit=3&after_date=2024-05-01T00:00:00Z&before_date=2024-06-30T00:00:00Z";
    let (campaigns, _) = all(&visit, path, "campaigns").await;
    assert!(campaigns.len() >= 13);
    for updated_at in texts(&campaigns, "updated_at") {
        assert!(
            ("2024-05-01"..="2024-06-30").contains(&updated_at),
            "{updated_at}"
        );
    }
}

#[tokio::test]
async fn undocumented_limits_are_400() {
    let visit = Visit::unlimited().await;
    for path in [
        "emails?limit=501",
        "emails?limit=0",
        "contact_lists?limit=1001",
        "emails?cursor=x",
    ] {
        let response = visit.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        assert!(response.json::<Value>().await.unwrap().is_array());
    }
}

#[tokio::test]
async fn resend_is_a_separate_activity() {
    let visit = Visit::unlimited().await;
    let campaign = visit.json("emails/cafefeed-0000-4000-8000-000000000003").await;
    let resend = json!({"campaign_activity_id": "feed0000-0000-4000-8000-000000000004", "role": "resend"});
    assert!(
        campaign["campaign_activities"]
            .as_array()
            .unwrap()
            .contains(&resend)
    );
    let activity = visit
        .json("emails/activities/feed0000-0000-4000-8000-000000000004")
        .await;
    assert_eq!(activity["campaign_id"], campaign["campaign_id"]);
}

#[tokio::test]
async fn listed_campaign_can_be_missing_and_a_removed_activity_is_unreadable() {
    let visit = Visit::unlimited().await;
    let gone = "cafefeed-0000-4000-8000-000000000012";
    let (campaigns, _) = all(&visit, "emails", "campaigns").await;
    assert!(texts(&campaigns, "campaign_id").contains(&gone));
    assert_eq!(visit.get(&format!("emails/{gone}")).await.status(), 404);
    assert_eq!(
        visit
            .get("emails/activities/feed0000-0000-4000-8000-00000000000e")
            .await
            .status(),
        404
    );
}

#[tokio::test]
async fn names_arrive_escaped() {
    let visit = Visit::unlimited().await;
    let activity = visit
        .json("emails/activities/feed0000-0000-4000-8000-000000000011")
        .await;
    assert_eq!(
        activity["subject"],
        "Tea &amp; biscuits: &quot;free&quot; &lt;today&gt;"
    );
}

#[tokio::test]
async fn statistics_accept_ten_activities_and_distinguish_unknown_activities() {
    let visit = Visit::unlimited().await;
    let path = "reports/stats/email_campaign_activities";
    let stats = visit.json(&format!("{path}/{GUIDE},{UNKNOWN_ID}")).await;
    assert_eq!(stats["results"][0]["stats"]["em_sends"], 2);
    assert_eq!(stats["errors"][0]["campaign_activity_id"], UNKNOWN_ID);
    assert_eq!(visit.get(&format!("{path}/{GUIDE},nonsense")).await.status(), 404);
    let eleven = [GUIDE; 11].join(",");
    assert_eq!(visit.get(&format!("{path}/{eleven}")).await.status(), 400);
}

#[tokio::test]
async fn statistics_of_campaigns_fail_together() {
    let visit = Visit::unlimited().await;
    let path = "reports/stats/email_campaigns";
    assert_eq!(
        visit.json(&format!("{path}/{GUIDE_CAMPAIGN}")).await["results"][0]["stats"]["em_sends"],
        2
    );
    assert_eq!(
        visit
            .get(&format!("{path}/{GUIDE_CAMPAIGN},{UNKNOWN_ID}"))
            .await
            .status(),
        404
    );
    let too_many = [GUIDE_CAMPAIGN; 151].join(",");
    assert_eq!(visit.get(&format!("{path}/{too_many}")).await.status(), 400);
}

#[tokio::test]
async fn summaries_are_paged_last_sent_first_without_unsent_campaigns() {
    let visit = Visit::to(Config::unlimited().with_odd_records().with_activities(200)).await;
    let path = "reports/summary_reports/email_campaign_summaries?limit=17";
    let (summaries, _) = all(&visit, path, "bulk_email_campaign_summaries").await;
    assert!(texts(&summaries, "last_sent_date").is_sorted_by(|left, right| left >= right));
    assert!(!texts(&summaries, "campaign_id").contains(&"cafefeed-0000-4000-8000-000000000005"));
    assert!(summaries[0]["unique_counts"]["sends"].is_i64());
}

#[tokio::test]
async fn lists_are_paged_and_include_deleted_lists_on_request() {
    let visit = Visit::to(Config::unlimited().with_odd_records().with_activities(100)).await;
    let (active, _) = all(&visit, "contact_lists?limit=9", "lists").await;
    assert!(active.iter().all(|list| list.get("deleted_at").is_none()));
    assert!(active.iter().all(|list| list.get("membership_count").is_none()));
    let (every, pages) = all(
        &visit,
        "contact_lists?limit=9&status=all&include_membership_count=all",
        "lists",
    )
    .await;
    assert_eq!(every.len(), active.len() + 1);
    assert_eq!(pages, every.len().div_ceil(9));
    assert!(every[0]["membership_count"].is_i64());
}

#[tokio::test]
async fn deleted_segment_is_found_but_not_listed() {
    let visit = Visit::unlimited().await;
    let (segments, _) = all(&visit, "segments?limit=1", "segments").await;
    assert!(segments.iter().all(|segment| segment["segment_id"] != 17));
    assert_eq!(visit.json("segments/17").await["name"], "Summer visitors");
    assert_eq!(visit.get("segments/99").await.status(), 404);
}

#[tokio::test]
async fn account_summary_is_returned() {
    let visit = Visit::unlimited().await;
    assert_eq!(visit.json("account/summary").await["time_zone_id"], "US/Eastern");
}

#[tokio::test]
async fn account_is_a_shop_with_recent_campaigns_unless_odd_records_are_enabled() {
    let visit = Visit::to(Config::unlimited()).await;
    let summary = visit.json("account/summary").await;
    assert_eq!(summary["organization_name"], "The Lantern Bookshop");
    let (campaigns, _) = all(&visit, "emails?limit=10", "campaigns").await;
    assert!((25..=40).contains(&campaigns.len()), "{}", campaigns.len());
    let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(48);
    assert!(texts(&campaigns, "updated_at")[0] > yesterday.to_string().as_str());
    for status in ["Draft", "Scheduled", "Executing", "Done", "Error"] {
        assert!(texts(&campaigns, "current_status").contains(&status), "{status}");
    }
    for campaign in texts(&campaigns, "campaign_id") {
        let detail = visit.json(&format!("emails/{campaign}")).await;
        for activity in detail["campaign_activities"].as_array().unwrap() {
            let id = activity["campaign_activity_id"].as_str().unwrap();
            let history = visit.json(&crate::history_of(id)).await;
            for row in history.as_array().unwrap() {
                for field in ["send_id", "count", "run_date", "send_status", "reason_code"] {
                    assert!(!row[field].is_null(), "{id}: {row}");
                }
            }
        }
    }
}

#[tokio::test]
async fn lists_are_counted_sorted_and_filtered_by_name_and_status() {
    let visit = Visit::unlimited().await;
    let (both, _) = all(&visit, "contact_lists?limit=1000&status=active,deleted", "lists").await;
    let (every, _) = all(&visit, "contact_lists?status=all", "lists").await;
    assert_eq!(both, every);
    let page = visit
        .json("contact_lists?limit=1&status=all&include_count=true")
        .await;
    assert_eq!(page["lists_count"], every.len());
    assert!(visit.json("contact_lists").await.get("lists_count").is_none());
    let (sorted, _) = all(&visit, "contact_lists?limit=2&sort_by=name", "lists").await;
    assert!(sorted.len() > 2 && texts(&sorted, "name").is_sorted());
    assert_eq!(visit.get("contact_lists?sort_by=size").await.status(), 400);
    let (found, _) = all(&visit, "contact_lists?name=Regulars", "lists").await;
    assert_eq!(texts(&found, "name"), ["Regulars"]);
    let (newest, _) = all(&visit, "segments?sort_by=date", "segments").await;
    assert!(texts(&newest, "created_at").is_sorted_by(|left, right| left >= right));
}

#[tokio::test]
async fn list_is_found_by_its_identifier_even_if_deleted() {
    let visit = Visit::unlimited().await;
    let (every, _) = all(
        &visit,
        "contact_lists?status=all&include_membership_count=all",
        "lists",
    )
    .await;
    for list in every {
        let path = format!("contact_lists/{}", list["list_id"].as_str().unwrap());
        let alone = visit.json(&format!("{path}?include_membership_count=all")).await;
        assert_eq!(alone, list);
        assert!(visit.json(&path).await.get("membership_count").is_none());
    }
    let unknown = visit.get(&format!("contact_lists/{UNKNOWN_ID}")).await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn dates_without_an_offset_are_utc() {
    let visit = Visit::unlimited().await;
    let range =
        |end| format!("emails?after_date=2024-05-01T00:00:00{end}&before_date=2024-06-30T00:00:00{end}");
    let (with_offset, _) = all(&visit, &range("Z"), "campaigns").await;
    let (without, _) = all(&visit, &range(""), "campaigns").await;
    assert!(!without.is_empty());
    assert_eq!(without, with_offset);
    assert_eq!(visit.get("emails?after_date=yesterday").await.status(), 400);
}

#[tokio::test]
async fn statistics_contain_totals_and_bounces_by_kind() {
    let visit = Visit::to(Config::unlimited().with_activities(40)).await;
    for index in 0..40 {
        let id = visit.sandbox.activity_id(index).unwrap();
        let response = visit
            .get(&format!("reports/stats/email_campaign_activities/{id}"))
            .await;
        if response.status() == 404 {
            continue;
        }
        let answer: Value = response.json().await.unwrap();
        let stats = answer["results"][0]["stats"].as_object().unwrap();
        let sum_of = |prefix: &str| -> i64 {
            let parts = stats.iter().filter(|(name, _)| name.starts_with(prefix));
            parts.map(|(_, count)| count.as_i64().unwrap()).sum()
        };
        assert_eq!(sum_of("em_bounces."), stats["em_bounces"], "{stats:?}");
        assert_eq!(sum_of("em_opens.all."), stats["em_opens.all"], "{stats:?}");
        assert_eq!(sum_of("em_clicks.all."), stats["em_clicks.all"], "{stats:?}");
    }
}

#[tokio::test]
async fn batch_of_drafts_has_no_statistics() {
    let visit = Visit::unlimited().await;
    let path = "reports/stats/email_campaign_activities";
    let never_sent = "feed0000-0000-4000-8000-000000000005";
    let drafts = format!("{path}/{never_sent},feed0000-0000-4000-8000-000000000006");
    assert_eq!(visit.get(&drafts).await.status(), 404);
    let mixed = visit.json(&format!("{path}/{never_sent},{GUIDE}")).await;
    assert_eq!(mixed["results"].as_array().unwrap().len(), 1);
    assert_eq!(mixed["errors"][0]["campaign_activity_id"], never_sent);
    let unknown = visit.json(&format!("{path}/{UNKNOWN_ID}")).await;
    assert_eq!(unknown["errors"].as_array().unwrap().len(), 1);
}
