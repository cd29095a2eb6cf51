//! What is read of campaigns, activities, lists, segments and statistics, what is tolerated in them, and what is said
//! about everything else.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helper functions too"
)]

use insta::assert_snapshot;
use sends_core::{
    ActivityDetail, ActivityReference, ActivityRole, ActivityStats, Campaign, CampaignDetail, CampaignStats,
    CampaignStatus, CampaignSummary, ContactList, EngagementStats, FromJson, ListId, Page, Schedule, Segment,
    SegmentId,
};

const CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";
const ACTIVITY: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";

fn read<T: FromJson>(json: &str) -> T {
    T::from_json(json.as_bytes()).unwrap()
}

fn refusal<T: FromJson>(json: &str) -> String {
    T::from_json(json.as_bytes()).map(|_| ()).unwrap_err().to_string()
}

fn campaign(fields: &str) -> Campaign {
    read(&format!(r#"{{"campaign_id": "{CAMPAIGN}"{fields}}}"#))
}

#[test]
fn only_the_id_of_a_record_is_required() {
    let nulls = r#", "name": null, "current_status": null, "type": null, "type_code": null, "created_at": null,
        "updated_at": null, "campaign_activities": null, "unheard_of": {"a": [1]}"#;
    assert_eq!(campaign(nulls), campaign(""));
    let detail: CampaignDetail = read(&format!(r#"{{"campaign_id": "{CAMPAIGN}"{nulls}}}"#));
    assert_eq!(detail.campaign, campaign(""));
    assert_eq!(detail.activities, []);

    let bare: ActivityDetail = read(&format!(r#"{{"campaign_activity_id": "{ACTIVITY}"}}"#));
    let nulls = format!(
        r#"{{"campaign_activity_id": "{ACTIVITY}", "campaign_id": null, "role": null, "current_status": null,
            "contact_list_ids": null, "segment_ids": null, "subject": null, "format_type": null}}"#
    );
    assert_eq!(read::<ActivityDetail>(&nulls), bare);
    assert_eq!((bare.contact_list_ids.len(), bare.segment_ids.len()), (0, 0));

    assert_eq!(read::<ContactList>(r#"{"list_id": "l"}"#).id, ListId::from("l"));
    assert_eq!(
        read::<Segment>(r#"{"segment_id": 9007199254740993}"#).id,
        SegmentId::new(9_007_199_254_740_993)
    );
    let summary: CampaignSummary = read(&format!(r#"{{"campaign_id": "{CAMPAIGN}"}}"#));
    assert_eq!(summary.unique_counts, None);
    let stats: ActivityStats = read(&format!(
        r#"{{"campaign_activity_id": "{ACTIVITY}", "stats": null}}"#
    ));
    assert_eq!(stats.stats, EngagementStats::default());
}

#[test]
fn a_status_is_recognised_in_the_spelling_of_campaigns_and_of_activities() {
    for (text, status) in [
        ("Draft", CampaignStatus::Draft),
        ("Scheduled", CampaignStatus::Scheduled),
        ("Executing", CampaignStatus::Executing),
        ("Done", CampaignStatus::Done),
        ("Error", CampaignStatus::Error),
        ("Removed", CampaignStatus::Removed),
    ] {
        assert_eq!(CampaignStatus::from(text), status);
        assert_eq!(CampaignStatus::from(text.to_uppercase()), status);
    }
    let unknown = campaign(r#", "current_status": "Being Reviewed""#)
        .status
        .unwrap();
    assert_eq!(unknown.as_str(), "Being Reviewed");
}

#[test]
fn activities_are_told_apart_by_role() {
    let detail: CampaignDetail = read(&format!(
        r#"{{"campaign_id": "{CAMPAIGN}", "campaign_activities": [
            {{"campaign_activity_id": "{ACTIVITY}", "role": "permalink"}},
            {{"campaign_activity_id": "{ACTIVITY}", "role": "PRIMARY_EMAIL"}},
            {{"campaign_activity_id": "{ACTIVITY}", "role": "sms"}},
            {{"campaign_activity_id": "{ACTIVITY}"}}
        ]}}"#
    ));
    let roles: Vec<_> = detail
        .activities
        .iter()
        .map(|activity| activity.role.as_ref().map(ActivityRole::as_str))
        .collect();
    assert_eq!(
        roles,
        [Some("permalink"), Some("primary_email"), Some("sms"), None]
    );
    let sendable = detail.activities.iter().map(ActivityReference::can_be_sent);
    assert_eq!(sendable.collect::<Vec<_>>(), [false, true, true, true]);
}

#[test]
fn names_and_subjects_are_freed_of_html_once() {
    for (escaped, plain) in [
        ("Friends &amp; Family", "Friends & Family"),
        (
            "&lt;b&gt; &quot;quoted&quot; &#39;x&#39; &#x20AC;",
            "<b> \"quoted\" 'x' €",
        ),
        ("Fish & Chips &c", "Fish & Chips &c"),
        ("AT&T; R&D", "AT&T; R&D"),
        ("&amp;amp;", "&amp;"),
        ("plain", "plain"),
        ("", ""),
    ] {
        let name = campaign(&format!(
            r#", "name": {}"#,
            serde_json::to_string(escaped).unwrap()
        ))
        .name;
        assert_eq!(name.as_deref(), Some(plain));
    }
    let activity: ActivityDetail = read(&format!(
        r#"{{"campaign_activity_id": "{ACTIVITY}", "subject": "A &amp; B", "preheader": "C &amp; D", "from_name": "E &amp; F"}}"#
    ));
    let texts = [activity.subject, activity.preheader, activity.from_name].map(Option::unwrap);
    assert_eq!(texts, ["A & B", "C & D", "E & F"]);
    assert_eq!(
        read::<Segment>(r#"{"segment_id": 1, "name": "G &amp; H"}"#)
            .name
            .unwrap(),
        "G & H"
    );
}

#[test]
fn counts_are_read_as_numbers_and_as_strings_under_both_spellings() {
    let stats = |json: &str| {
        let json = format!(r#"{{"campaign_id": "{CAMPAIGN}", "stats": {json}}}"#);
        read::<CampaignStats>(&json).stats
    };
    let dotted = stats(
        r#"{"em_sends": 15, "em_opens.all.mobile": 3, "em_opens.all": 6, "em_bounces_mailbox_full": 1}"#,
    );
    let underscored = stats(
        r#"{"em_sends": "15", "em_opens_all_mobile": "3", "em_opens_all": "6", "em_bounces_mailbox_full": "1", "em_new": {}}"#,
    );
    assert_eq!(dotted, underscored);
    assert_eq!(
        (dotted.sends, dotted.opens_mobile, dotted.opens_all),
        (Some(15), Some(3), Some(6))
    );
    assert_eq!((dotted.bounces_mailbox_full, dotted.clicks), (Some(1), None));

    let counts = |json: &str| {
        let json = format!(r#"{{"campaign_id": "{CAMPAIGN}", "unique_counts": {json}}}"#);
        read::<CampaignSummary>(&json).unique_counts.unwrap()
    };
    assert_eq!(
        counts(r#"{"sends": 3129, "opens": 1672}"#),
        counts(r#"{"sends": "3129", "opens": "1672", "clicks": null}"#)
    );
}

#[test]
fn a_schedule_has_its_dates() {
    assert_eq!(read::<Schedule>("[]"), Schedule::default());
    let schedule: Schedule = read(r#"[{"scheduled_date": "2022-05-17T16:37:59.091Z"}, {}]"#);
    let dates: Vec<_> = schedule.0.iter().map(ToString::to_string).collect();
    assert_eq!(dates, ["2022-05-17T16:37:59.091Z"]);
}

#[test]
fn every_form_of_a_last_page_is_one() {
    for links in [
        "",
        r#", "_links": null"#,
        r#", "_links": {}"#,
        r#", "_links": {"next": null}"#,
        r#", "_links": {"next": {}}"#,
        r#", "_links": {"next": {"href": null}}"#,
    ] {
        let page: Page<Segment> = read(&format!(r#"{{"segments": [{{"segment_id": 14}}]{links}}}"#));
        assert_eq!(
            (page.records.len(), page.unreadable.len(), page.next),
            (1, 0, None)
        );
    }
    assert_eq!(read::<Page<Segment>>(r#"{"segments": null}"#).records, []);
}

#[test]
fn a_malformed_record_costs_its_neighbours_nothing() {
    let page: Page<Campaign> = read(&format!(
        r#"{{"campaigns": [7, {{"campaign_id": "x"}}, {{"campaign_id": "{CAMPAIGN}"}}, {{"campaign_id": "{CAMPAIGN}", "updated_at": 7}}]}}"#
    ));
    assert_eq!(page.records, [campaign("")]);
    assert_snapshot!(page.unreadable.join("\n"), @r#"
    record 1 of the page is not a campaign: invalid type: integer `7`, expected an object at line 1 column 1
    record 2 of the page is not a campaign, field campaign_id: "x" is not a campaign id: it has 1 character, a UUID with its hyphens has 36 at line 1 column 19
    record 4 of the page is not a campaign, field updated_at: invalid type: integer `7`, expected a string at line 1 column 71
    "#);
}

#[test]
fn what_is_no_page_is_refused() {
    assert_snapshot!(refusal::<Page<Campaign>>("{}"), @"not a page, field campaigns: it is missing");
    assert_snapshot!(refusal::<Page<Campaign>>(r#"{"campaigns": {}}"#), @"not a page, field campaigns: invalid type: map, expected a sequence at line 1 column 0");
    assert_snapshot!(refusal::<Page<Campaign>>(r#"{"campaigns": [], "_links": {"next": {"href": 7}}}"#), @"not a page, field _links: invalid type: integer `7`, expected a string at line 1 column 19");
    assert_snapshot!(refusal::<Page<Campaign>>(r#"{"campaigns": [{"#), @"not a page, field campaigns: the JSON is cut off: EOF while parsing an object at line 1 column 16");
    assert_snapshot!(refusal::<Page<Campaign>>("[]"), @"not a page: invalid type: sequence, expected an object at line 1 column 0");
    assert_snapshot!(refusal::<Page<Campaign>>("<html>"), @"not a page: not valid JSON: expected value at line 1 column 1");
}

#[test]
fn a_field_of_another_type_is_named() {
    assert_snapshot!(refusal::<Campaign>("{}"), @"not a campaign: missing field `campaign_id` at line 1 column 2");
    assert_snapshot!(refusal::<Campaign>("[]"), @"not a campaign: invalid type: sequence, expected an object at line 1 column 0");
    assert_snapshot!(refusal::<Campaign>(&format!(r#"{{"campaign_id": "{CAMPAIGN}", "type_code": "ten"}}"#)), @r#"not a campaign, field type_code: "ten" is not a whole number at line 1 column 74"#);
    assert_snapshot!(refusal::<CampaignDetail>(&format!(r#"{{"campaign_id": "{CAMPAIGN}", "campaign_activities": [{{"role": "resend"}}]}}"#)), @"not a campaign, field campaign_activities[0]: missing field `campaign_activity_id` at line 1 column 98");
    assert_snapshot!(refusal::<ActivityStats>(&format!(r#"{{"campaign_activity_id": "{ACTIVITY}", "stats": {{"em_opens.all": []}}}}"#)), @"not the statistics of an activity, field stats: em_opens.all: invalid type: sequence, expected a whole number, or a string of its digits at line 1 column 95");
    assert_snapshot!(refusal::<Schedule>(r#"[{"scheduled_date": "soon"}]"#), @r#"not a schedule, field [0].scheduled_date: "soon" is not an RFC 3339 date-time with its offset at line 1 column 27"#);
    assert_snapshot!(refusal::<Schedule>(r#"[["2022-05-17T16:37:59.091Z"]]"#), @"not a schedule, field [0]: invalid type: sequence, expected an object at line 1 column 1");
    assert_snapshot!(refusal::<Segment>(r#"{"segment_id": 1} x"#), @"not a segment: not valid JSON: trailing characters at line 1 column 19");
}

#[test]
fn an_error_carries_a_short_excerpt_only() {
    let long = serde_json::to_string(&"ä\u{1b}".repeat(100_000)).unwrap();
    for error in [
        refusal::<Campaign>(&long),
        refusal::<Campaign>(&format!(r#"{{"campaign_id": {long}}}"#)),
        refusal::<ContactList>(&format!(r#"{{"list_id": "l", "membership_count": {long}}}"#)),
        refusal::<CampaignStats>(&format!(
            r#"{{"campaign_id": "{CAMPAIGN}", "stats": {{"em_sends": {long}}}}}"#
        )),
    ] {
        assert!(error.len() < 1_000 && !error.contains('\u{1b}'), "{error}");
    }
}
