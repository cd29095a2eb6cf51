//! Values of the fields of a send history.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::json;

#[tokio::test]
async fn one_command_serves_the_guide_example_from_the_embedded_sandbox() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id:"{GUIDE_ACTIVITY}") {{
                sendHistory {{ sendId contactListIds segmentIds count runDate sendStatus reasonCode }} }} }}"#
        ))
        .await;
    insta::assert_json_snapshot!(response, @r#"
    {
      "data": {
        "campaignActivity": {
          "sendHistory": [
            {
              "contactListIds": [
                "f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"
              ],
              "count": 2,
              "reasonCode": 0,
              "runDate": "2019-04-18T20:03:08.000Z",
              "segmentIds": [],
              "sendId": 1,
              "sendStatus": "COMPLETED"
            },
            {
              "contactListIds": [
                "f4ab800a-5adf-11e9-ba6a-fa163e6b01c1"
              ],
              "count": 0,
              "reasonCode": 12,
              "runDate": "2019-05-07T14:42:57.000Z",
              "segmentIds": [],
              "sendId": 2,
              "sendStatus": "COMPLETED"
            }
          ]
        }
      },
      "extensions": {
        "upstream": {
          "calls": 0
        }
      }
    }
    "#);
}

#[tokio::test]
async fn derived_fields_are_returned_with_the_history() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id:"{GUIDE_ACTIVITY}") {{
                id
                latestSend {{ id outcome isContradictory sendStatusRaw reason {{ name category retry responsible }} }}
                sendSummary {{
                    attemptCount failedAttemptCount contactsReached firstRunDate lastRunDate latestOutcome needsAttention
                }}
                newestFirst: sendHistory(orderBy: NEWEST_FIRST, first: 1) {{ sendId }}
                lastOfAll: sendHistory(last: 1) {{ sendId }}
                nobody: sendHistory(filter: {{ outcomes: [NO_RECIPIENTS] }}) {{ sendId }}
                byCode: sendHistory(filter: {{ reasonCodes: [0], statuses: [COMPLETED] }}) {{ sendId }}
                later: sendHistory(filter: {{ from: "2019-05-07T10:42:57-04:00" }}) {{ sendId }}
                earlier: sendHistory(filter: {{ until: "2019-05-07T14:42:57Z" }}) {{ sendId }}
            }} }}"#
        ))
        .await;
    insta::assert_json_snapshot!(response, @r#"
    {
      "data": {
        "campaignActivity": {
          "byCode": [
            {
              "sendId": 1
            }
          ],
          "earlier": [
            {
              "sendId": 1
            }
          ],
          "id": "1ead98be-dfa0-4e04-81f7-5f1534d42e9c",
          "lastOfAll": [
            {
              "sendId": 2
            }
          ],
          "later": [
            {
              "sendId": 2
            }
          ],
          "latestSend": {
            "id": "1ead98be-dfa0-4e04-81f7-5f1534d42e9c:2",
            "isContradictory": false,
            "outcome": "NO_RECIPIENTS",
            "reason": {
              "category": "AUDIENCE",
              "name": "NO_ELIGIBLE_CONTACTS",
              "responsible": [
                "LIST_OWNER"
              ],
              "retry": "RETRY_AFTER_FIX"
            },
            "sendStatusRaw": "COMPLETED"
          },
          "newestFirst": [
            {
              "sendId": 2
            }
          ],
          "nobody": [
            {
              "sendId": 2
            }
          ],
          "sendSummary": {
            "attemptCount": 2,
            "contactsReached": 2,
            "failedAttemptCount": 0,
            "firstRunDate": "2019-04-18T20:03:08.000Z",
            "lastRunDate": "2019-05-07T14:42:57.000Z",
            "latestOutcome": "NO_RECIPIENTS",
            "needsAttention": false
          }
        }
      },
      "extensions": {
        "upstream": {
          "calls": 1
        }
      }
    }
    "#);
    assert_eq!(
        sandbox.requests().await.len(),
        1,
        "all fields of one activity cost one call"
    );
}

#[tokio::test]
async fn reason_codes_and_ids_cost_no_upstream_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query(&format!(
            r#"{{ reasonCodes {{ code name isKnown }}
                campaignActivity(id: "{}") {{ id }}
                campaignActivities(ids: ["{GUIDE_ACTIVITY}", "{GUIDE_ACTIVITY}"]) {{ id }} }}"#,
            GUIDE_ACTIVITY.to_uppercase()
        ))
        .await;
    let codes: Vec<i64> = response["data"]["reasonCodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_i64().unwrap())
        .collect();
    assert_eq!(codes, (0..=12).collect::<Vec<i64>>());
    assert_eq!(response["data"]["campaignActivity"]["id"], GUIDE_ACTIVITY);
    assert_eq!(
        response["data"]["campaignActivities"],
        json!([{ "id": GUIDE_ACTIVITY }, { "id": GUIDE_ACTIVITY }])
    );
    assert_eq!(sandbox.requests().await.len(), 0);
}

#[tokio::test]
async fn unsent_activity_has_an_empty_history() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let made = sandbox
        .control("POST", "sends", &json!({ "operation": "create_campaign" }))
        .await;
    let id = made["activity_id"].as_str().unwrap();
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{id}") {{
                sendHistory {{ sendId }} latestSend {{ sendId }} sendSummary {{ attemptCount latestOutcome needsAttention }} }} }}"#
        ))
        .await;
    insta::assert_json_snapshot!(response, @r#"
    {
      "data": {
        "campaignActivity": {
          "latestSend": null,
          "sendHistory": [],
          "sendSummary": {
            "attemptCount": 0,
            "latestOutcome": null,
            "needsAttention": false
          }
        }
      },
      "extensions": {
        "upstream": {
          "calls": 1
        }
      }
    }
    "#);
}
