//! What lists, segments and the account are called, and dates as the account's clocks show them.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{codes, costs, of};

/// Sent to a list and to a segment that were deleted since.
const DELETED: &str = "feed0000-0000-4000-8000-000000000010";
/// Sent to a segment.
const TO_SEGMENT: &str = "feed0000-0000-4000-8000-000000000001";

fn names_of(activities: &[&str]) -> String {
    format!(
        "{{ campaignActivities(ids: {}) {{ sendHistory {{ runDate
            contactLists {{ id listId name isDeleted }} segments {{ id segmentId name }} }} }} }}",
        json!(activities)
    )
}

/// Everything under this key, in order.
fn all(answer: &Value, key: &str) -> Vec<Value> {
    match answer {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                if name == key {
                    vec![value.clone()]
                } else {
                    all(value, key)
                }
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| all(item, key)).collect(),
        _ => Vec::new(),
    }
}

/// A service whose token lacks every scope but one.
async fn limited_service(sandbox: &SandboxProcess) -> ServiceProcess {
    let token = sandbox
        .control("POST", "tokens", &json!({ "scopes": ["campaign_data"] }))
        .await;
    let url = sandbox.api_url();
    ServiceProcess::start(
        &[
            "--upstream-url",
            &url,
            "--rate-per-second",
            "0",
            "--rate-per-day",
            "0",
        ],
        &[("SENDS_ACCESS_TOKEN", token["access_token"].as_str().unwrap())],
    )
}

#[tokio::test]
async fn many_names_cost_one_call_for_the_lists_and_one_for_the_segments() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = [
        GUIDE_ACTIVITY,
        DELETED,
        TO_SEGMENT,
        "feed0000-0000-4000-8000-00000000000d",
    ];
    let answer = service.query(&names_of(&activities)).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let names = all(&answer, "name");
    assert!(
        !names.is_empty() && names.iter().all(Value::is_string),
        "{answer}"
    );
    assert!(
        names.contains(&json!("Summer visitors")),
        "the deleted segment: {answer}"
    );
    assert!(
        names.contains(&json!("Old catalogue")),
        "the deleted list: {answer}"
    );
    assert!(all(&answer, "isDeleted").contains(&json!(true)));
    let expected = of([
        ("contact_lists", 1),
        ("emails/activities/*/send_history", 4),
        ("segments", 1),
        ("segments/*", 1),
    ]);
    assert_eq!(costs(&sandbox).await, expected);
    assert_eq!(
        service.query(&names_of(&activities)).await["extensions"]["upstream"]["calls"],
        0
    );
}

#[tokio::test]
async fn ids_cost_nothing_and_one_name_as_much_as_many() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let ids = format!(
        r#"{{ campaignActivity(id: "{DELETED}") {{ sendHistory {{ contactLists {{ id listId }} segments {{ id segmentId }} }} }} }}"#
    );
    service.query(&ids).await;
    assert_eq!(
        costs(&sandbox).await,
        of([("emails/activities/*/send_history", 1)])
    );
    let answer = service.query(&names_of(&[TO_SEGMENT])).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let expected = of([("emails/activities/*/send_history", 2), ("segments", 1)]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn without_the_scope_the_ids_answer_and_one_error_tells_why_the_names_do_not() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = limited_service(&sandbox).await;
    let activities = [
        GUIDE_ACTIVITY,
        DELETED,
        TO_SEGMENT,
        "feed0000-0000-4000-8000-000000000013",
    ];
    let answer = service.query(&names_of(&activities)).await;
    assert_eq!(codes(&answer), ["FORBIDDEN"], "{answer}");
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("contact_data")
    );
    let ids = [all(&answer, "listId"), all(&answer, "segmentId")].concat();
    assert!(ids.len() > 10 && ids.iter().all(Value::is_string));
    assert!(all(&answer, "name").iter().all(Value::is_null));
}

#[tokio::test]
async fn the_account_and_its_zone_cost_one_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let answer = service
        .query(&format!(
            r#"{{ account {{ organizationName timeZone encodedAccountId }}
              campaignActivity(id: "{GUIDE_ACTIVITY}") {{
                sendHistory {{ runDate local: runDate(zone: ACCOUNT) utc: runDate(zone: UTC) }}
                sendSummary {{ lastRunDate(zone: ACCOUNT) }} }} }}"#
        ))
        .await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(answer["data"]["account"]["timeZone"], "US/Eastern");
    let activity = &answer["data"]["campaignActivity"];
    assert_eq!(
        activity["sendHistory"][0],
        json!({ "runDate": "2019-04-18T20:03:08.000Z", "local": "2019-04-18T16:03:08.000-04:00", "utc": "2019-04-18T20:03:08.000Z" })
    );
    assert_eq!(
        activity["sendSummary"]["lastRunDate"],
        "2019-05-07T10:42:57.000-04:00"
    );
    assert_eq!(
        costs(&sandbox).await,
        of([("account/summary", 1), ("emails/activities/*/send_history", 1)])
    );
}

#[tokio::test]
async fn without_the_scope_local_dates_are_null_with_one_error() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = limited_service(&sandbox).await;
    let answer = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ sendHistory {{ runDate local: runDate(zone: ACCOUNT) }} }} }}"#
        ))
        .await;
    assert_eq!(codes(&answer), ["FORBIDDEN"], "{answer}");
    assert_eq!(all(&answer["data"], "local"), [Value::Null, Value::Null]);
    assert!(all(&answer["data"], "runDate").iter().all(Value::is_string));
}
