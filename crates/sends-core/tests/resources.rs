//! Decoding of campaigns, activities, lists, segments and statistics: accepted deviations from the documentation, and errors.

#![allow(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use insta::assert_snapshot;
use sends_core::{
    AccountSummary, ActivityDetail, ActivityReference, ActivityStats, Campaign, CampaignDetail,
    CampaignStats, CampaignStatus, CampaignSummary, ContactList, EngagementStats, FromJson, FromJsonOf,
    ListId, NextLink, Page, Schedule, Segment, SegmentId, Verbatim,
};

const CAMPAIGN: &str = "cafe1ead-0000-4000-8000-000000000001";
const ACTIVITY: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";

fn read<T: FromJson>(json: &str) -> T {
    T::from_json(json.as_bytes()).unwrap()
}

fn activity(json: &str) -> ActivityDetail {
    ActivityDetail::decode_of(ACTIVITY.parse().unwrap(), json.as_bytes())
        .unwrap()
        .value
}

fn detail(json: &str) -> CampaignDetail {
    CampaignDetail::decode_of(CAMPAIGN.parse().unwrap(), json.as_bytes())
        .unwrap()
        .value
}

fn decode_error<T: FromJson>(json: &str) -> String {
    T::from_json(json.as_bytes()).map(|_| ()).unwrap_err().to_string()
}

fn campaign(fields: &str) -> Campaign {
    read(&format!(r#"{{"campaign_id": "{CAMPAIGN}"{fields}}}"#))
}

#[test]
fn only_the_id_of_a_record_is_required() {
    let nulls = r#", "name": null, "current_status": null, "type": null, "type_code": null, "created_at": null,
        "updated_at": null, "campaign_activities": null, "undocumented": {"a": [1]}"#;
    assert_eq!(campaign(nulls), campaign(""));
    let detail = detail(&format!(r#"{{"campaign_id": "{CAMPAIGN}"{nulls}}}"#));
    assert_eq!(detail.campaign, campaign(""));
    assert_eq!(detail.activities, []);

    let bare = activity(&format!(r#"{{"campaign_activity_id": "{ACTIVITY}"}}"#));
    let nulls = format!(
        r#"{{"campaign_activity_id": "{ACTIVITY}", "campaign_id": null, "role": null, "current_status": null,
            "contact_list_ids": null, "segment_ids": null, "subject": null, "format_type": null}}"#
    );
    assert_eq!(activity(&nulls), bare);
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
fn status_is_recognised_in_both_documented_spellings() {
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
    let done = campaign(r#", "current_status": "Done""#).status.unwrap();
    assert_eq!((&*done, done.verbatim()), (&CampaignStatus::Done, "Done"));
}

#[test]
fn activities_are_distinguished_by_role() {
    let detail = detail(&format!(
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
        .map(|activity| activity.role.as_ref().map(Verbatim::verbatim))
        .collect();
    assert_eq!(
        roles,
        [Some("permalink"), Some("PRIMARY_EMAIL"), Some("sms"), None]
    );
    let sendable = detail.activities.iter().map(ActivityReference::can_be_sent);
    assert_eq!(sendable.collect::<Vec<_>>(), [false, true, true, true]);
}

#[test]
fn html_entities_are_decoded_once() {
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
    let activity = activity(&format!(
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
fn counts_may_be_numbers_or_strings_in_both_key_spellings() {
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
fn schedule_contains_the_readable_dates() {
    assert_eq!(read::<Schedule>("[]"), Schedule::default());
    let schedule: Schedule = read(r#"[{"scheduled_date": "2022-05-17T16:37:59.091Z"}, {}]"#);
    let dates: Vec<_> = schedule.0.iter().map(ToString::to_string).collect();
    assert_eq!(dates, ["2022-05-17T16:37:59.091Z"]);
}

fn page<T: sends_core::Listed>(json: &str) -> (Page<T>, String) {
    let decoded = Page::<T>::decode(json.as_bytes()).unwrap();
    (decoded.value, decoded.oddities.to_string())
}

#[test]
fn last_page_is_recognised_in_every_form() {
    for links in [
        "",
        r#", "_links": null"#,
        r#", "_links": {}"#,
        r#", "_links": []"#,
        r#", "_links": """#,
        r#", "_links": {"self": {"href": "/v3/segments"}}"#,
        r#", "_links": {"next": null}"#,
        r#", "_links": {"next": ""}"#,
        r#", "_links": {"next": { }}"#,
        r#", "_links": {"next": []}"#,
        r#", "_links": {"next": {"href": null}}"#,
        r#", "_links": {"next": {"href": ""}}"#,
        r#", "_links": {"next": {"href": "null"}}"#,
        r#", "_links": {"next": "null"}"#,
        r#", "_links": "null""#,
    ] {
        let (page, oddities) = page::<Segment>(&format!(r#"{{"segments": [{{"segment_id": 14}}]{links}}}"#));
        assert_eq!(
            (page.records.len(), page.unreadable, page.next),
            (1, 0, NextLink::None),
            "{links}"
        );
        assert_eq!(oddities, "", "{links}");
    }
}

#[test]
fn link_may_be_nested_in_an_object() {
    for next in [
        r#"{"href": "/v3/segments?cursor=x"}"#,
        r#""/v3/segments?cursor=x""#,
    ] {
        let (page, oddities) =
            page::<Segment>(&format!(r#"{{"segments": [], "_links": {{"next": {next}}}}}"#));
        assert_eq!(page.next, NextLink::To("/v3/segments?cursor=x".into()), "{next}");
        assert_eq!(oddities, "", "{next}");
    }
}

#[test]
fn null_list_counts_as_missing() {
    assert_eq!(page::<Campaign>(r#"{"campaigns": null}"#).0.unreadable, 1);
    assert_eq!(page::<Segment>(r#"{"segments": null}"#).0.unreadable, 1);
    assert_eq!(page::<ContactList>(r#"{"lists": null}"#).0.unreadable, 1);
    for json in [r#"{"results": null, "errors": []}"#, r#"{"errors": []}"#] {
        assert_eq!(page::<ActivityStats>(json).0.unreadable, 1, "{json}");
        assert_eq!(page::<CampaignStats>(json).0.unreadable, 1, "{json}");
    }
    assert_eq!(page::<ActivityStats>(r#"{"results": []}"#).0.unreadable, 0);
}

#[test]
fn response_without_any_member_of_the_resource_is_rejected() {
    for json in [
        "{}",
        r#"{"error_key": "x", "error_message": "y"}"#,
        r#"{"name": null}"#,
    ] {
        let json = json.as_bytes();
        assert!(ActivityDetail::decode_of(ACTIVITY.parse().unwrap(), json).is_err());
        assert!(CampaignDetail::decode_of(CAMPAIGN.parse().unwrap(), json).is_err());
        assert!(Segment::decode_of(SegmentId::new(7), json).is_err());
        assert!(AccountSummary::decode(json).is_err());
    }
    assert_snapshot!(decode_error::<AccountSummary>("{}"), @"not an account summary: the response has none of its members");
    let unread_only = read::<AccountSummary>(r#"{"country_code": "US"}"#);
    assert_eq!(unread_only, AccountSummary::default());
}

#[test]
fn unreadable_values_are_counted_per_record() {
    let (page, _) = page::<Campaign>(&format!(
        r#"{{"campaigns": [{{"campaign_id": "{CAMPAIGN}", "updated_at": 7, "name": []}}, {{}}, {{"campaign_id": "{CAMPAIGN}"}}]}}"#
    ));
    assert_eq!((page.records.len(), page.unreadable_values), (2, vec![2, 0]));
    let odd_id = r#"{"campaign_activity_id": "DRAFT", "subject": 7, "segment_ids": ["x", 14]}"#;
    assert_eq!(activity(odd_id).unreadable_values, 2);
    let odd_role = format!(
        r#"{{"created_at": "", "campaign_activities": [{{"campaign_activity_id": "{ACTIVITY}", "role": 7}}]}}"#
    );
    let of_campaign = detail(&odd_role);
    assert_eq!(
        (of_campaign.unreadable_values, of_campaign.unreadable_roles),
        (1, 1)
    );
    let list: ContactList = read(r#"{"list_id": "l", "name": "N", "favorite": "yes"}"#);
    assert_eq!(list.unreadable_values, 1);
    let segment: Segment = read(r#"{"segment_id": 7, "edited_at": "today"}"#);
    assert_eq!(segment.unreadable_values, 1);
    let stats: ActivityStats = read(&format!(
        r#"{{"campaign_activity_id": "{ACTIVITY}", "stats": {{"em_sends": "many", "em_opens": 1}}}}"#
    ));
    assert_eq!(stats.unreadable_values, 1);
    let account: AccountSummary = read(r#"{"time_zone_id": 7, "organization_name": "O"}"#);
    assert_eq!(account.unreadable_values, 1);
}

#[test]
fn unreadable_link_does_not_affect_its_page() {
    for links in [
        r#""_links": 7"#,
        r#""_links": [{"next": {"href": "/v3/segments?cursor=x"}}]"#,
        r#""_links": {"next": {"href": 7}}"#,
        r#""_links": {"next": {"href": ["/v3/segments?cursor=x"]}}"#,
        r#""_links": {"next": {"href": "/v3/a", "href": "/v3/b"}}"#,
        r#""_links": {}, "_links": {"next": {"href": "/v3/segments?cursor=x"}}"#,
    ] {
        let (page, oddities) =
            page::<Segment>(&format!(r#"{{"segments": [{{"segment_id": 14}}], {links}}}"#));
        assert_eq!(
            (page.records.len(), page.unreadable, page.next),
            (1, 0, NextLink::Unreadable),
            "{links}"
        );
        assert_eq!(
            oddities, "field _links: unreadable link to the next page",
            "{links}"
        );
    }
}

#[test]
fn malformed_record_does_not_affect_other_records() {
    let (page, oddities) = page::<Campaign>(&format!(
        r#"{{"campaigns": [7, {{"campaign_id": "x"}}, {{"campaign_id": "{CAMPAIGN}"}}, {{"campaign_id": "{CAMPAIGN}", "updated_at": 7}}]}}"#
    ));
    assert_eq!(page.records, [campaign(""), campaign("")]);
    assert_eq!(page.unreadable, 2);
    assert_snapshot!(oddities.replace("; ", "\n"), @r#"
    record 1 of the page is not a campaign: invalid type: integer `7`, expected an object at line 1 column 1
    record 2 of the page is not a campaign, field campaign_id: "x" is not a campaign id, which is a UUID
    record 4 of the page, field updated_at: 7 is not an RFC 3339 date-time with its offset
    "#);
}

#[test]
fn page_without_its_list_is_empty_and_counted_in_every_listing() {
    fn check<T: sends_core::Listed + std::fmt::Debug>() {
        let member = T::MEMBER;
        for json in [
            r#""_links": {}"#.to_owned(),
            format!(r#""{member}": null"#),
            format!(r#""{member}": {{}}"#),
            format!(r#""{member}": "[]""#),
            format!(r#""{member}": 0"#),
            format!(r#""{}": []"#, member.to_uppercase()),
            format!(r#""{member}": [], "{member}": []"#),
            format!(r#""{member}": null, "{member}": []"#),
        ] {
            let (page, oddities) = page::<T>(&format!("{{{json}}}"));
            assert_eq!((page.records.len(), page.unreadable), (0, 1), "{json}");
            let expected = format!("field {member}: missing or not an array");
            assert_eq!(oddities, expected, "{json}");
        }
        let (page, oddities) = page::<T>(&format!(r#"{{"{member}": []}}"#));
        assert_eq!((page.records.len(), page.unreadable, &*oddities), (0, 0, ""));
    }

    check::<Campaign>();
    check::<CampaignSummary>();
    check::<ContactList>();
    check::<Segment>();
    check::<ActivityStats>();
}

#[test]
fn invalid_page_is_rejected() {
    assert_snapshot!(decode_error::<Page<Campaign>>(r#"{"campaigns": [{"#), @"not a page: the JSON is cut off: EOF while parsing an object at line 1 column 16");
    assert_snapshot!(decode_error::<Page<Campaign>>("[]"), @"not a page: an array without a readable record");
    assert_snapshot!(decode_error::<Page<Campaign>>("<html>"), @"not a page: an HTML or XML page instead of JSON");
}

#[test]
fn record_without_its_id_is_rejected() {
    assert_snapshot!(decode_error::<Campaign>("{}"), @"not a campaign, field campaign_id: missing or null");
    assert_snapshot!(decode_error::<Campaign>("[]"), @"not a campaign: invalid type: sequence, expected an object at line 1 column 0");
    assert_snapshot!(decode_error::<Campaign>(r#"{"campaign_id": "82ee2c37-c8f8-4974-9560-ef93ad51d58z"}"#), @r#"not a campaign, field campaign_id: "82ee2c37-c8f8-4974-9560-ef93ad51d58z" is not a campaign id, which is a UUID"#);
    assert_snapshot!(decode_error::<Campaign>(&format!(r#"{{"campaign_id": "{CAMPAIGN}", "campaign_id": "{CAMPAIGN}"}}"#)), @"not a campaign, field campaign_id: the member is repeated");
    assert_snapshot!(decode_error::<ActivityStats>(r#"{"stats": {"em_sends": 1}}"#), @"not the statistics of an activity, field campaign_activity_id: missing or null");
    assert_snapshot!(decode_error::<ContactList>(r#"{"list_id": 7}"#), @"not a contact list, field list_id: 7 is not the id of a contact list");
    assert_snapshot!(decode_error::<Schedule>(r#"{"scheduled_date": "2022-05-17T16:37:59.091Z"}"#), @"not a schedule: invalid type: map, expected a sequence at line 1 column 0");
}

#[test]
fn response_for_one_id_may_omit_the_id_but_not_differ() {
    let requested = ACTIVITY.parse().unwrap();
    for id in [
        "",
        r#""campaign_activity_id": null,"#,
        r#""campaign_activity_id": "DRAFT","#,
    ] {
        let decoded =
            ActivityDetail::decode_of(requested, format!(r#"{{{id} "subject": "Hello"}}"#).as_bytes())
                .unwrap();
        assert_eq!(
            (decoded.value.id, decoded.value.subject.as_deref()),
            (requested, Some("Hello"))
        );
        assert_eq!(decoded.oddities.values, 1, "{id}");
    }
    let other = br#"{"campaign_activity_id": "1ead98be-dfa0-4e04-81f7-000000000000", "subject": "Hello"}"#;
    assert_snapshot!(ActivityDetail::decode_of(requested, other).unwrap_err(), @"not an email activity, field campaign_activity_id: not the requested id");
    assert!(
        CampaignDetail::decode_of(
            CAMPAIGN.parse().unwrap(),
            br#"{"campaign_id": "cafe1ead-0000-4000-8000-000000000002"}"#
        )
        .is_err()
    );
    assert_eq!(
        Segment::decode_of(SegmentId::new(7), br#"{"name": "Seven"}"#)
            .unwrap()
            .value
            .id,
        SegmentId::new(7)
    );
    assert!(Segment::decode_of(SegmentId::new(7), br#"{"segment_id": 8}"#).is_err());
}

#[test]
fn error_contains_only_a_short_excerpt() {
    let long = serde_json::to_string(&"ä\u{1b}".repeat(100_000)).unwrap();
    for error in [
        decode_error::<Campaign>(&long),
        decode_error::<Campaign>(&format!(r#"{{"campaign_id": {long}}}"#)),
    ] {
        assert!(error.len() < 1_000 && !error.contains('\u{1b}'), "{error}");
    }
}
