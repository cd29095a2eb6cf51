//! Log of all sends of the requested histories.

mod commands;
mod failures;

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

/// Activity that was sent forty times.
const WEEKLY: &str = "feed0000-0000-4000-8000-000000000013";
/// Activity with a send that failed with reason code 8.
const LONG_URL: &str = "c0de0000-0000-4000-8000-000000000008";

async fn with_three_histories(sandbox: &SandboxProcess) -> ServiceProcess {
    let service = ServiceProcess::unpaced_on(sandbox, &[]);
    service
        .query(&format!(
            r#"{{ campaignActivities(ids: ["{GUIDE_ACTIVITY}", "{WEEKLY}", "{LONG_URL}"]) {{ latestSend {{ sendId }} }} }}"#
        ))
        .await;
    service
}

#[tokio::test]
async fn requested_histories_are_in_the_log_and_completeness_is_not_claimed() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = with_three_histories(&sandbox).await;
    let response = service
        .query(
            "{ sends(first: 3, filter: { reasonCategories: [CONTENT, AUDIENCE] }) {
                    totalCount
                    coverage { isComplete completeFrom completeUntil }
                    pageInfo { hasNextPage hasPreviousPage }
                    nodes { id outcome reasonCode activity { id } } } }",
        )
        .await;
    let log = &response["data"]["sends"];
    assert_eq!(response["extensions"]["upstream"]["calls"], 0, "{response}");
    assert_eq!(
        log["coverage"],
        json!({ "isComplete": false, "completeFrom": null, "completeUntil": null })
    );
    let found = log["nodes"].as_array().unwrap();
    assert!(log["totalCount"].as_u64().unwrap() >= found.len() as u64);
    let of_guide = json!({
        "id": format!("{GUIDE_ACTIVITY}:2"), "outcome": "NO_RECIPIENTS", "reasonCode": 12,
        "activity": { "id": GUIDE_ACTIVITY }
    });
    let filter = format!(r#"filter: {{ activityIds: ["{GUIDE_ACTIVITY}"], reasonCodes: [12] }}"#);
    let response = service
        .query(&format!(
            "{{ sends({filter}) {{ totalCount nodes {{ id outcome reasonCode activity {{ id }} }} }} }}"
        ))
        .await;
    assert_eq!(
        response["data"]["sends"],
        json!({ "totalCount": 1, "nodes": [of_guide] })
    );
    assert_eq!(sandbox.requests().await.len(), 3);
}

#[tokio::test]
async fn pages_traverse_the_log_in_either_direction() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = with_three_histories(&sandbox).await;
    let all = service.query("{ sends { nodes { id runDate } } }").await["data"]["sends"]["nodes"].clone();
    let all = all.as_array().unwrap();
    assert!(all.len() > 40, "{}", all.len());
    let dates: Vec<&str> = all.iter().filter_map(|send| send["runDate"].as_str()).collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older));

    for (length, place, more, end) in [
        ("first", "after", "hasNextPage", "endCursor"),
        ("last", "before", "hasPreviousPage", "startCursor"),
    ] {
        let mut met: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = service
                .query(&format!(
                    "{{ sends({length}: 7 {cursor}) {{ pageInfo {{ {more} {end} }} edges {{ cursor node {{ id runDate }} }} }} }}"
                ))
                .await["data"]["sends"]
                .clone();
            let edges = page["edges"].as_array().unwrap();
            let nodes = edges.iter().map(|edge| edge["node"].clone());
            if length == "first" {
                met.extend(nodes);
            } else {
                met.splice(0..0, nodes);
            }
            assert!(met.len() <= all.len(), "the pagination does not end");
            cursor = format!("{place}: {}", page["pageInfo"][end]);
            if page["pageInfo"][more] == false {
                break;
            }
        }
        assert_eq!(&met, all, "{length}");
    }
}

#[tokio::test]
async fn totals_add_up_by_reason_and_by_day_of_a_time_zone() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = with_three_histories(&sandbox).await;
    let response = service
        .query(&format!(
            r#"{{ sends {{ totalCount }}
                 byReason: sendTotals(groupBy: REASON) {{ groupCount total {{ sendCount byOutcome {{ outcome sendCount }} }}
                    groups {{ reason {{ code name remedy }} period {{ from }} total {{ sendCount contactsReached }} }} }}
                 byDay: sendTotals(groupBy: DAY, zone: "Asia/Tokyo", filter: {{ activityIds: ["{GUIDE_ACTIVITY}"] }}) {{
                    groups {{ period {{ from until }} total {{ sendCount contactsReached }} }} }} }}"#
        ))
        .await;
    let data = &response["data"];
    let groups = data["byReason"]["groups"].as_array().unwrap();
    let sum: u64 = groups
        .iter()
        .map(|group| group["total"]["sendCount"].as_u64().unwrap())
        .sum();
    assert_eq!(data["byReason"]["total"]["sendCount"], sum);
    assert_eq!(data["sends"]["totalCount"], sum);
    let long_url = groups.iter().find(|group| group["reason"]["code"] == 8).unwrap();
    assert_eq!(long_url["reason"]["name"], "LINK_TOO_LONG");
    assert!(long_url["period"].is_null(), "{long_url}");
    assert!(!long_url["reason"]["remedy"].as_str().unwrap().is_empty());
    // 20:03 and 14:42 in UTC are the next morning and the same evening in this time zone.
    assert_eq!(
        data["byDay"]["groups"],
        json!([
            { "period": { "from": "2019-05-07", "until": "2019-05-08" }, "total": { "sendCount": 1, "contactsReached": 0 } },
            { "period": { "from": "2019-04-19", "until": "2019-04-20" }, "total": { "sendCount": 1, "contactsReached": 2 } }
        ])
    );
}

#[tokio::test]
async fn list_filter_accepts_the_upstream_id_in_either_case_and_the_global_id() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = with_three_histories(&sandbox).await;
    let response = service
        .query("{ sends(first: 1) { nodes { contactLists { id listId } } } }")
        .await;
    let list = &response["data"]["sends"]["nodes"][0]["contactLists"][0];
    let count = async |id: &Value| {
        let query = format!("{{ sends(filter: {{ contactListIds: [{id}] }}) {{ totalCount }} }}");
        service.query(&query).await["data"]["sends"]["totalCount"].as_u64()
    };
    let found = count(&list["listId"]).await;
    assert!(found.unwrap() > 0, "{response}");
    assert_eq!(count(&list["id"]).await, found);
    let in_upper_case = json!(list["listId"].as_str().unwrap().to_uppercase());
    assert_eq!(count(&in_upper_case).await, found);
}

#[tokio::test]
async fn sends_removed_upstream_leave_the_log() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = with_three_histories(&sandbox).await;
    let change = json!({ "operation": "delete_activity", "activity_id": LONG_URL });
    sandbox.control("POST", "sends", &change).await;
    let count = format!(r#"{{ sends(filter: {{ activityIds: ["{LONG_URL}"] }}) {{ totalCount }} }}"#);
    assert!(
        service.query(&count).await["data"]["sends"]["totalCount"]
            .as_u64()
            .unwrap()
            > 0
    );
    service
        .query(&format!(
            r#"{{ campaignActivity(id: "{LONG_URL}", maxAge: 0) {{ latestSend {{ sendId }} }} }}"#
        ))
        .await;
    assert_eq!(service.query(&count).await["data"]["sends"]["totalCount"], 0);
}

#[tokio::test]
async fn invalid_argument_error_names_the_correction() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    for (field, output) in [
        ("sends(first: 501) { totalCount }", "from 0 to 500"),
        ("sends(after: \"x\") { totalCount }", "`after`"),
        ("sends(first: 1, last: 1) { totalCount }", "not both"),
        (
            "sends(filter: { campaignIds: [\"x\"] }) { totalCount }",
            "not a campaign id",
        ),
        (
            "sends(filter: { segmentIds: [\"x\"] }) { totalCount }",
            "segment id",
        ),
        (
            "sendTotals(groupBy: DAY, zone: \"Nowhere\") { groupCount }",
            "IANA",
        ),
        ("sendTotals(groupBy: DAY, first: -1) { groupCount }", "`first`"),
    ] {
        let response = service.query(&format!("{{ {field} }}")).await;
        let error = &response["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{response}");
        assert!(error["message"].as_str().unwrap().contains(output), "{response}");
    }
}

#[tokio::test]
async fn log_without_a_sync_is_reported_as_never_complete() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::on(&sandbox, &[]);
    let response = service
        .query(
            "{ syncState { coverage { isComplete } unreadCampaignCount changedCampaignCount estimatedCallCount
               estimatedCompleteAt listedAt finishedAt pausedUntil failedAt failure } }",
        )
        .await;
    assert_eq!(
        response["data"]["syncState"],
        json!({
            "coverage": { "isComplete": false }, "unreadCampaignCount": 0, "changedCampaignCount": 0,
            "estimatedCallCount": 0, "estimatedCompleteAt": null, "listedAt": null, "finishedAt": null,
            "pausedUntil": null, "failedAt": null, "failure": null
        })
    );
}

#[tokio::test]
async fn sandbox_log_is_complete_at_startup_and_reported_as_complete() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let response = service
        .query(
            "{ syncState { coverage { isComplete } unreadCampaignCount finishedAt failure }
               sends { totalCount } upstreamBudget { perSecondLimit perDayLimit usedToday } }",
        )
        .await;
    let data = &response["data"];
    assert_eq!(data["syncState"]["coverage"]["isComplete"], true, "{response}");
    assert_eq!(data["syncState"]["unreadCampaignCount"], 0);
    assert!(data["syncState"]["finishedAt"].is_string() && data["syncState"]["failure"].is_null());
    let sends = &data["sends"]["totalCount"];
    let log = service.log();
    assert!(log.contains(&format!("{sends} sends, complete")), "{log}");
    // Calls are counted, but not delayed.
    let budget = &data["upstreamBudget"];
    assert_eq!(
        (&budget["perSecondLimit"], &budget["perDayLimit"]),
        (&Value::Null, &json!(250_000))
    );
    assert!(budget["usedToday"].as_u64().unwrap() > 32, "{budget}");
}

#[tokio::test]
async fn sandbox_with_limits_fills_its_log_in_the_background_at_four_calls_a_second() {
    let service = ServiceProcess::start(&["--sandbox", "--sandbox-limits"], &[]);
    let response = service
        .query("{ syncState { coverage { isComplete } } upstreamBudget { perSecondLimit } }")
        .await;
    assert_eq!(response["data"]["upstreamBudget"]["perSecondLimit"], 4);
    // The log needs about seventy calls, so it cannot be complete yet.
    assert_eq!(response["data"]["syncState"]["coverage"]["isComplete"], false);
}

#[tokio::test]
async fn standalone_sandbox_has_the_same_data() {
    let embedded = ServiceProcess::start(&["--sandbox"], &[]);
    let sandbox = SandboxProcess::with_default_data();
    let service = ServiceProcess::on(&sandbox, &[]);
    let query = "{ campaigns(first: 40) { nodes { campaignId name status updatedAt } } account { organizationName } }";
    let (one, other) = (embedded.query(query).await, service.query(query).await);
    assert!(one["data"]["campaigns"]["nodes"].as_array().unwrap().len() > 25);
    assert_eq!(one["data"], other["data"]);
}

#[tokio::test]
async fn callers_with_their_own_tokens_have_no_log() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let url = sandbox.api_url();
    let service = ServiceProcess::start(&["--upstream-url", &url, "--caller-tokens"], &[]);
    let query = "{ sends { totalCount } sendTotals(groupBy: OUTCOME) { groupCount } syncState { listedAt } }";
    let (_, response) = service
        .post_as(Some(SandboxProcess::ACCESS_TOKEN), &json!({ "query": query }))
        .await;
    assert_eq!(
        response["data"],
        json!({ "sends": null, "sendTotals": null, "syncState": null })
    );
    let errors = response["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 3);
    for error in errors {
        assert_eq!(error["extensions"]["code"], "LOG_UNAVAILABLE", "{response}");
    }
}
