//! Names of lists and segments.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{all, codes, costs, limited_service, of};

/// Activity that was sent to a list and a segment that were deleted later.
const DELETED: &str = "feed0000-0000-4000-8000-000000000010";
/// Activity that was sent to a segment.
const TO_SEGMENT: &str = "feed0000-0000-4000-8000-000000000001";

fn names_of(activities: &[&str]) -> String {
    format!(
        "{{ campaignActivities(ids: {}) {{ sendHistory {{ runDate
            contactLists {{ id listId name isDeleted }} segments {{ id segmentId name }} }} }} }}",
        json!(activities)
    )
}

#[tokio::test]
async fn many_names_cost_one_call_for_lists_and_one_for_segments() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = [
        GUIDE_ACTIVITY,
        DELETED,
        TO_SEGMENT,
        "feed0000-0000-4000-8000-00000000000d",
    ];
    let response = service.query(&names_of(&activities)).await;
    assert!(response.get("errors").is_none(), "{response}");
    let names = all(&response, "name");
    assert!(
        !names.is_empty() && names.iter().all(Value::is_string),
        "{response}"
    );
    assert!(
        names.contains(&json!("Summer visitors")),
        "the deleted segment: {response}"
    );
    assert!(
        names.contains(&json!("Old catalogue")),
        "the deleted list: {response}"
    );
    assert!(all(&response, "isDeleted").contains(&json!(true)));
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
async fn ids_cost_no_call_and_one_name_costs_as_much_as_many() {
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
    let response = service.query(&names_of(&[TO_SEGMENT])).await;
    assert!(response.get("errors").is_none(), "{response}");
    let expected = of([("emails/activities/*/send_history", 2), ("segments", 1)]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn missing_scope_nulls_names_with_one_error_and_returns_ids() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = limited_service(&sandbox).await;
    let activities = [
        GUIDE_ACTIVITY,
        DELETED,
        TO_SEGMENT,
        "feed0000-0000-4000-8000-000000000013",
    ];
    let response = service.query(&names_of(&activities)).await;
    assert_eq!(codes(&response), ["FORBIDDEN"], "{response}");
    assert!(
        response["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("contact_data")
    );
    let ids = [all(&response, "listId"), all(&response, "segmentId")].concat();
    assert!(ids.len() > 10 && ids.iter().all(Value::is_string));
    assert!(all(&response, "name").iter().all(Value::is_null));
}

#[tokio::test]
async fn operation_fetches_a_limited_number_of_names_and_the_next_one_continues() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &["--max-upstream-calls", "10"]);
    let unlisted: Vec<i64> = (9_000..9_020).collect();
    let change =
        json!({ "operation": "append_send", "activity_id": TO_SEGMENT, "send": { "segment_ids": unlisted } });
    sandbox.control("POST", "sends", &change).await;
    let query = format!(
        r#"{{ campaignActivity(id: "{TO_SEGMENT}") {{ latestSend {{ segments {{ segmentId name }} }} }} }}"#
    );
    // The first operation fetches the history, the listing, and eight segments that are missing from the listing. The next
    // operations fetch ten and two segments.
    for (calls, errors) in [(10, 1), (10, 1), (2, 0), (0, 0)] {
        let response = service.query(&query).await;
        assert_eq!(codes(&response), vec!["RATE_LIMITED"; errors], "{response}");
        assert_eq!(response["extensions"]["upstream"]["calls"], calls, "{response}");
        assert_eq!(all(&response, "segmentId").len(), unlisted.len(), "{response}");
    }
}
