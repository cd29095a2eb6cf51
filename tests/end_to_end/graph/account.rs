//! Name of the account, and dates in its time zone.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

use super::{all, codes, costs, limited_service, of};

#[tokio::test]
async fn account_and_its_time_zone_cost_one_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query(&format!(
            r#"{{ account {{ organizationName timeZone encodedAccountId }}
              campaignActivity(id: "{GUIDE_ACTIVITY}") {{
                sendHistory {{ runDate local: runDate(zone: "ACCOUNT") utc: runDate(zone: "UTC") }}
                sendSummary {{ lastRunDate(zone: "ACCOUNT") }} }} }}"#
        ))
        .await;
    assert!(response.get("errors").is_none(), "{response}");
    assert_eq!(response["data"]["account"]["timeZone"], "US/Eastern");
    let activity = &response["data"]["campaignActivity"];
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
async fn dates_and_totals_accept_the_same_time_zones() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let ask = async |zone: &str| {
        service
            .query(&format!(
                r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}", maxAge: 60) {{ sendHistory(first: 1) {{ runDate(zone: {zone}) }} }}
                      sendTotals(groupBy: DAY, zone: {zone}) {{ groups {{ period {{ from until }} }} }} }}"#
            ))
            .await
    };
    ask("\"UTC\"").await;
    for (zone, date, from, until) in [
        ("UTC", "2019-04-18T20:03:08.000Z", "2019-04-18", "2019-04-19"),
        (
            "ACCOUNT",
            "2019-04-18T16:03:08.000-04:00",
            "2019-04-18",
            "2019-04-19",
        ),
        (
            "Asia/Tokyo",
            "2019-04-19T05:03:08.000+09:00",
            "2019-04-19",
            "2019-04-20",
        ),
    ] {
        let response = ask(&json!(zone).to_string()).await;
        assert!(response.get("errors").is_none(), "{response}");
        let data = &response["data"];
        assert_eq!(data["campaignActivity"]["sendHistory"][0]["runDate"], date);
        let period = json!({ "period": { "from": from, "until": until } });
        let groups = data["sendTotals"]["groups"].as_array().unwrap();
        assert_eq!(groups.last(), Some(&period), "{response}");
    }
    for wrong in ["\"Nowhere\"", "ACCOUNT", "5"] {
        let response = ask(wrong).await;
        assert_eq!(codes(&response)[0], "BAD_USER_INPUT", "{response}");
    }
    let expected = of([("account/summary", 1), ("emails/activities/*/send_history", 1)]);
    assert_eq!(costs(&sandbox).await, expected);
}

#[tokio::test]
async fn missing_scope_nulls_local_dates_with_one_error() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = limited_service(&sandbox).await;
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ sendHistory {{ runDate local: runDate(zone: "ACCOUNT") }} }} }}"#
        ))
        .await;
    assert_eq!(codes(&response), ["FORBIDDEN"], "{response}");
    assert_eq!(all(&response["data"], "local"), [Value::Null, Value::Null]);
    assert!(all(&response["data"], "runDate").iter().all(Value::is_string));
}

#[tokio::test]
async fn without_the_scope_totals_lack_only_their_periods_with_one_error() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    sandbox
        .fault(&json!({ "kind": "status", "status": 403, "path_contains": "/account/summary" }))
        .await;
    let totals = "groups { period { from } } groupCount total { sendCount } coverage { isComplete }";
    let answer = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ latestSend {{ runDate(zone: "ACCOUNT") }} }} }}"#
        ))
        .await;
    assert_eq!(codes(&answer), ["FORBIDDEN"], "{answer}");
    let answer = service
        .query(&format!(
            r#"{{ days: sendTotals(groupBy: DAY, zone: "ACCOUNT") {{ {totals} }}
                  months: sendTotals(groupBy: MONTH, zone: "account") {{ {totals} }}
                  outcomes: sendTotals(groupBy: OUTCOME, zone: "ACCOUNT") {{ groupCount }}
                  syncState {{ listedAt }} upstreamBudget {{ resetsAt(zone: "ACCOUNT") }} }}"#
        ))
        .await;
    assert_eq!(codes(&answer), ["FORBIDDEN"], "{answer}");
    let data = &answer["data"];
    for name in ["days", "months"] {
        let totals = &data[name];
        assert_eq!(
            (&totals["groups"], &totals["groupCount"]),
            (&Value::Null, &Value::Null)
        );
        assert!(totals["total"]["sendCount"].as_u64().unwrap() > 0, "{answer}");
        assert!(totals["coverage"]["isComplete"].is_boolean(), "{answer}");
    }
    assert!(data["outcomes"]["groupCount"].as_u64().unwrap() > 0, "{answer}");
    assert_eq!(data["upstreamBudget"]["resetsAt"], Value::Null);
}

#[tokio::test]
async fn ends_of_a_period_select_its_sends() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    service
        .query(&format!(
            r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ sendHistory {{ sendId }} }} }}"#
        ))
        .await;
    for grouping in ["DAY", "WEEK", "MONTH"] {
        let answer = service
            .query(&format!(
                r#"{{ sendTotals(groupBy: {grouping}, zone: "Asia/Tokyo")
                      {{ groups {{ period {{ startsAt(zone: "Asia/Tokyo") endsAt }} total {{ sendCount }} }} }} }}"#
            ))
            .await;
        let groups = answer["data"]["sendTotals"]["groups"].as_array().unwrap();
        assert!(!groups.is_empty(), "{answer}");
        for group in groups {
            let [from, until] = ["startsAt", "endsAt"].map(|end| group["period"][end].clone());
            assert!(from.as_str().unwrap().ends_with("T00:00:00.000+09:00"), "{from}");
            let sends = service
                .query(&format!(
                    "{{ sends(filter: {{ from: {from}, until: {until} }}) {{ totalCount }} }}"
                ))
                .await;
            assert_eq!(
                sends["data"]["sends"]["totalCount"], group["total"]["sendCount"],
                "{from}"
            );
        }
    }
}

#[tokio::test]
async fn dates_of_the_service_itself_accept_the_account_time_zone() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let query = r#"{ upstreamBudget { resetsAt local: resetsAt(zone: "ACCOUNT") } }"#;
    let response = service.query(query).await;
    let resets_at = |name: &str| response["data"]["upstreamBudget"][name].as_str().unwrap();
    assert!(resets_at("resetsAt").ends_with("T00:00:00.000Z"), "{response}");
    let midnight = ["T19:00:00.000-05:00", "T20:00:00.000-04:00"];
    assert!(
        midnight.iter().any(|time| resets_at("local").ends_with(time)),
        "{response}"
    );
    assert_eq!(costs(&sandbox).await, of([("account/summary", 1)]));

    let service = limited_service(&sandbox).await;
    let response = service.query(query).await;
    assert_eq!(codes(&response), ["FORBIDDEN"], "{response}");
    assert_eq!(response["data"]["upstreamBudget"]["local"], Value::Null);
    assert!(response["data"]["upstreamBudget"]["resetsAt"].is_string());
}
