//! Statistics with the minimum number of calls.

use futures_util::future::join_all;
use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{codes, costs, of};

const BATCH: &str = "reports/stats/email_campaign_activities/*";
const OF_CAMPAIGNS: &str = "reports/stats/email_campaigns/*";
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

fn stats_of(activities: &[String]) -> String {
    format!(
        "{{ campaignActivities(ids: {}) {{ id stats {{ sends opens bounces {{ total }} totalOpensMobile refreshedAt }} }} }}",
        json!(activities)
    )
}

#[tokio::test]
async fn forty_activities_cost_four_calls() {
    for keys in ["dotted", "underscored"] {
        let sandbox = SandboxProcess::unlimited(&["--activities", "200", "--stats-keys", keys]);
        let service = ServiceProcess::unpaced_on(&sandbox, &[]);
        let activities = sandbox.generated_activities(40).await;
        let response = service.query(&stats_of(&activities)).await;
        assert!(response.get("errors").is_none(), "{response}");
        for (id, returned) in activities
            .iter()
            .zip(response["data"]["campaignActivities"].as_array().unwrap())
        {
            assert_eq!(returned["id"], *id);
            assert!(returned["stats"]["totalOpensMobile"].is_u64(), "{returned}");
        }
        assert_eq!(costs(&sandbox).await, of([(BATCH, 4)]));
        assert_eq!(response["extensions"]["upstream"]["calls"], 4);
        assert_eq!(
            service.query(&stats_of(&activities)).await["extensions"]["upstream"]["calls"],
            0
        );
    }
}

#[tokio::test]
async fn unknown_activity_is_not_found_and_the_others_have_statistics() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let mut activities = sandbox.generated_activities(9).await;
    activities.insert(4, UNKNOWN.to_owned());
    let response = service.query(&stats_of(&activities)).await;
    assert_eq!(codes(&response), ["NOT_FOUND"], "{response}");
    assert_eq!(
        response["errors"][0]["path"],
        json!(["campaignActivities", 4, "stats"])
    );
    assert_eq!(
        response["errors"][0]["message"],
        "Statistics not found: the email was never sent, or the account has no such object."
    );
    // The history distinguishes an unknown activity from an unsent activity.
    let expected = of([(BATCH, 1), ("emails/activities/*/send_history", 1)]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn rejected_batch_is_requested_again_in_parts() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = sandbox.generated_activities(10).await;
    // Any batch with the first id is rejected, which is also the response to a malformed id.
    sandbox
        .fault(&json!({ "kind": "status", "status": 404, "body": "array", "path_contains": activities[0] }))
        .await;
    let response = service.query(&stats_of(&activities)).await;
    // An activity that is rejected alone is null, as a draft is.
    assert!(response.get("errors").is_none(), "{response}");
    let returned = response["data"]["campaignActivities"].as_array().unwrap();
    assert_eq!(returned.iter().filter(|one| one["stats"].is_object()).count(), 9);
    assert!(returned[0]["stats"].is_null());
    // The batches contain 10, 5 and 5 ids, and then one id each for five of them.
    assert_eq!(costs(&sandbox).await, of([(BATCH, 8)]));
}

async fn failing_with(sandbox: &SandboxProcess, status: u16, id: &str) {
    sandbox
        .fault(&json!({ "kind": "status", "status": status, "path_contains": id }))
        .await;
}

#[tokio::test]
async fn batch_that_fails_because_of_one_id_loses_only_that_id() {
    for (position, status) in [(0, 500), (9, 502)] {
        let sandbox = SandboxProcess::unlimited(&[]);
        let service = ServiceProcess::unpaced_on(&sandbox, &[]);
        let activities = sandbox.generated_activities(10).await;
        failing_with(&sandbox, status, &activities[position]).await;
        let response = service.query(&stats_of(&activities)).await;
        assert_eq!(codes(&response), ["UPSTREAM_UNAVAILABLE"], "{response}");
        assert_eq!(
            response["errors"][0]["path"],
            json!(["campaignActivities", position, "stats"])
        );
        let returned = response["data"]["campaignActivities"].as_array().unwrap();
        assert_eq!(returned.iter().filter(|one| one["stats"].is_object()).count(), 9);
    }
}

#[tokio::test]
async fn campaign_batch_that_fails_because_of_one_id_loses_only_that_id() {
    const CAMPAIGNS: usize = 60;
    for position in [0, CAMPAIGNS - 1] {
        let sandbox = SandboxProcess::unlimited(&["--activities", "300"]);
        let service = ServiceProcess::unpaced_on(&sandbox, &[]);
        let ids = service
            .query(&format!(
                "{{ campaigns(first: {CAMPAIGNS}) {{ nodes {{ id }} }} }}"
            ))
            .await;
        let mut ids: Vec<&str> = ids["data"]["campaigns"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|campaign| campaign["id"].as_str().unwrap())
            .collect();
        // Batches follow the order of the ids.
        ids.sort_unstable();
        failing_with(&sandbox, 500, ids[position].trim_start_matches("Campaign:")).await;
        let response = service
            .query(&format!(
                "{{ campaigns(first: {CAMPAIGNS}) {{ nodes {{ id stats {{ sends }} }} }} }}"
            ))
            .await;
        assert_eq!(codes(&response), ["UPSTREAM_UNAVAILABLE"], "{response}");
        let campaigns = response["data"]["campaigns"]["nodes"].as_array().unwrap();
        let without: Vec<&Value> = campaigns
            .iter()
            .filter(|campaign| campaign["stats"].is_null())
            .map(|campaign| &campaign["id"])
            .collect();
        assert_eq!(without, [ids[position]], "{response}");
    }
}

#[tokio::test]
async fn batch_is_not_split_during_a_general_failure() {
    for fault in [
        json!({ "kind": "status", "status": 503, "path_contains": "/reports" }),
        json!({ "kind": "reset", "path_contains": "/reports" }),
    ] {
        let sandbox = SandboxProcess::unlimited(&[]);
        let service = ServiceProcess::unpaced_on(&sandbox, &[]);
        let activities = sandbox.generated_activities(10).await;
        sandbox.fault(&fault).await;
        let response = service.query(&stats_of(&activities)).await;
        assert_eq!(codes(&response), ["UPSTREAM_UNAVAILABLE"; 10], "{response}");
        // The four requests are attempts of one call.
        assert_eq!(costs(&sandbox).await, of([(BATCH, 4)]), "{fault}");
    }
}

#[tokio::test]
async fn rejection_for_another_reason_than_an_unknown_id_is_reported_as_such() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let activities = sandbox.generated_activities(10).await;
    sandbox
        .fault(&json!({ "kind": "status", "status": 400, "path_contains": activities[0] }))
        .await;
    let response = service.query(&stats_of(&activities)).await;
    assert_eq!(codes(&response), ["UPSTREAM_INVALID"], "{response}");
    assert_eq!(
        response["errors"][0]["path"],
        json!(["campaignActivities", 0, "stats"])
    );
}

#[tokio::test]
async fn campaigns_of_a_page_cost_one_call_and_an_unknown_one_affects_no_other() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "300"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query("{ campaigns(first: 50) { nodes { id stats { sends clicks } } } }")
        .await;
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(costs(&sandbox).await, of([("emails", 1), (OF_CAMPAIGNS, 1)]));

    let response = service
        .query(&format!(
            r#"{{ known: campaign(id: "cafe1ead-0000-4000-8000-000000000001") {{ stats {{ sends }} }}
              unknown: campaign(id: "{UNKNOWN}") {{ stats {{ sends }} }} }}"#
        ))
        .await;
    assert_eq!(codes(&response), ["NOT_FOUND"], "{response}");
    assert_eq!(response["errors"][0]["path"], json!(["unknown", "stats"]));
    assert!(response["data"]["known"]["stats"]["sends"].is_u64());
}

#[tokio::test]
async fn activities_of_a_page_of_campaigns_are_fetched_in_batches_of_ten() {
    const ROUNDS: usize = 10;
    let sandbox = SandboxProcess::unlimited(&["--activities", "300"]);
    // No data of the previous round is fresh.
    let service = ServiceProcess::unpaced_on(&sandbox, &["--max-age", "0"]);
    let mut counted = 0;
    for _ in 0..ROUNDS {
        let response = service
            .query("{ campaigns(first: 50) { nodes { name activities { role stats { sends } } } } }")
            .await;
        assert!(response.get("errors").is_none(), "{response}");
        let campaigns = response["data"]["campaigns"]["nodes"].as_array().unwrap();
        let activities: Vec<&Value> = campaigns
            .iter()
            .flat_map(|campaign| campaign["activities"].as_array().unwrap())
            .collect();
        let of_role = |activity: &&&Value| activity["role"] == "PERMALINK";
        let pages = activities.iter().filter(of_role).count();
        let has_stats = |activity: &&&Value| activity["stats"].is_object();
        counted = activities.iter().filter(has_stats).count();
        assert_eq!(counted + pages, activities.len());
    }
    let expected = of([
        ("emails", ROUNDS),
        ("emails/*", ROUNDS * 50),
        (BATCH, ROUNDS * counted.div_ceil(10)),
    ]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn concurrent_operations_share_calls_for_the_same_data() {
    let sandbox = SandboxProcess::unlimited(&["--activities", "300", "--latency-ms", "50"]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let query = "{ campaigns(first: 20) { nodes { stats { sends } activities(roles: [PRIMARY_EMAIL]) { stats { sends } } } } }";
    let answers = join_all((0..10).map(|_| service.query(query))).await;
    let campaigns = answers[0]["data"]["campaigns"]["nodes"].as_array().unwrap();
    let activities = campaigns
        .iter()
        .map(|campaign| campaign["activities"].as_array().unwrap().len());
    let batches = activities.sum::<usize>().div_ceil(10);
    for response in &answers {
        assert!(response.get("errors").is_none(), "{response}");
        assert_eq!(response["data"], answers[0]["data"]);
    }
    let expected = of([
        ("emails", 1),
        ("emails/*", 20),
        (OF_CAMPAIGNS, 1),
        (BATCH, batches),
    ]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn data_fetched_by_one_caller_is_not_returned_to_another() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let url = sandbox.api_url();
    let service = ServiceProcess::start(
        &[
            "--upstream-url",
            &url,
            "--caller-tokens",
            "--rate-per-second",
            "0",
            "--rate-per-day",
            "0",
        ],
        &[],
    );
    let query = json!({ "query": format!(
        r#"{{ account {{ organizationName }} campaignActivity(id: "{GUIDE_ACTIVITY}") {{ subject stats {{ sends }} }} }}"#
    ) });
    let (_, mine) = service.post_as(Some(SandboxProcess::ACCESS_TOKEN), &query).await;
    assert!(mine["data"]["campaignActivity"]["subject"].is_string(), "{mine}");
    let (_, theirs) = service.post_as(Some("somebody-elses"), &query).await;
    assert!(
        theirs["data"]["campaignActivity"]["subject"].is_null(),
        "{theirs}"
    );
    assert!(
        codes(&theirs).iter().all(|code| *code == "UNAUTHENTICATED"),
        "{theirs}"
    );
}
