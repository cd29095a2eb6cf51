//! Requirements of normalised caches: each object is found by its id, and cursors page through lists.

use sends_end_to_end::{GUIDE_ACTIVITY, SandboxProcess, ServiceProcess};
use serde_json::{Value, json};

/// Activity that was sent forty times.
const WEEKLY: &str = "feed0000-0000-4000-8000-000000000013";

const FILTERS: [&str; 4] = [
    "",
    "orderBy: NEWEST_FIRST",
    "filter: { outcomes: [FAILED] }",
    "maxAge: 0",
];

#[tokio::test]
async fn every_object_is_found_by_its_id() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let fields = "__typename id ... on Send { sendId outcome count }";
    let query = format!(
        r#"{{ campaignActivity(id: "{GUIDE_ACTIVITY}") {{ __typename id sendHistory {{ {fields} }} }} }}"#
    );
    let activity = service.query(&query).await["data"]["campaignActivity"].clone();
    let sends = activity["sendHistory"].as_array().unwrap();
    assert_eq!(sends.len(), 2);
    for send in sends {
        let response = service
            .query(&format!("{{ node(id: {}) {{ {fields} }} }}", send["id"]))
            .await;
        assert_eq!(response["data"]["node"], *send);
    }
    let response = service
        .query(&format!(
            r#"{{ node(id: "{}") {{ __typename id }} }}"#,
            GUIDE_ACTIVITY.to_uppercase()
        ))
        .await;
    assert_eq!(
        response["data"]["node"],
        json!({ "__typename": "CampaignActivity", "id": GUIDE_ACTIVITY })
    );
    assert_eq!(response["extensions"]["upstream"]["calls"], 0, "{response}");
}

#[tokio::test]
async fn node_accepts_every_global_id_and_names_an_invalid_one() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let response = service
        .query(
            r#"{ campaigns(first: 3) { nodes { id activities { id sendHistory { id contactLists { id } segments { id } } } } }
                 segmented: campaignActivities(ids: ["feed0000-0000-4000-8000-000000000010", "feed0000-0000-4000-8000-000000000001"]) {
                   sendHistory { id contactLists { id } segments { id } } } }"#,
        )
        .await;
    let mut ids = Vec::new();
    let mut found = vec![&response["data"]];
    while let Some(value) = found.pop() {
        match value {
            Value::Object(members) => {
                ids.extend(members.get("id").cloned());
                found.extend(members.values());
            }
            Value::Array(items) => found.extend(items),
            _ => {}
        }
    }
    for kind in ["Campaign:", "ContactList:", "Segment:"] {
        let is_kind = |id: &Value| id.as_str().unwrap().starts_with(kind);
        assert!(ids.iter().any(is_kind), "{kind}: {response}");
    }
    let again = service
        .query(&format!("{{ nodes(ids: {}) {{ id }} }}", json!(ids)))
        .await;
    let expected: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
    assert_eq!(again["data"]["nodes"], json!(expected), "{again}");

    let wrong = service.query(r#"{ node(id: "Campaign:nothing") { id } }"#).await;
    let error = &wrong["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{wrong}");
    let message = "\"Campaign:nothing\" is not an id of this schema. Use the `id` of an object.";
    assert_eq!(error["message"], message);
}

#[tokio::test]
async fn unknown_id_nulls_only_its_own_item() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let unknown = "00000000-0000-4000-8000-000000000000";
    let ids = [
        format!("{GUIDE_ACTIVITY}:1"),
        format!("{GUIDE_ACTIVITY}:3"),
        format!("{GUIDE_ACTIVITY}:2"),
        "nothing".to_owned(),
        format!("{unknown}:1"),
        GUIDE_ACTIVITY.to_owned(),
        unknown.to_owned(),
        format!("{GUIDE_ACTIVITY}:1"),
    ];
    let response = service
        .query(&format!(
            "{{ nodes(ids: {}) {{ id ... on CampaignActivity {{ latestSend {{ id }} }} }} }}",
            json!(ids)
        ))
        .await;
    assert_eq!(
        response["data"]["nodes"],
        json!([
            { "id": ids[0] },
            null,
            { "id": ids[2] },
            null,
            null,
            { "id": GUIDE_ACTIVITY, "latestSend": { "id": ids[2] } },
            { "id": unknown, "latestSend": null },
            { "id": ids[0] },
        ])
    );
    let mut errors: Vec<_> = response["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["path"].to_string(), error["extensions"]["code"].clone()))
        .collect();
    errors.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        json!(errors),
        json!([
            [r#"["nodes",1]"#, "NOT_FOUND"],
            [r#"["nodes",3]"#, "BAD_USER_INPUT"],
            [r#"["nodes",4]"#, "NOT_FOUND"],
            [r#"["nodes",6,"latestSend"]"#, "NOT_FOUND"],
        ])
    );
    // Only two of the activities are distinct.
    assert_eq!(sandbox.requests().await.len(), 2);
}

#[tokio::test]
async fn pages_of_a_connection_equal_the_plain_list() {
    let service = ServiceProcess::start(&["--sandbox", "--sandbox-odd-records"], &[]);
    for narrowed in FILTERS {
        let whole = ask(&service, &format!("sendHistory(first: 100 {narrowed}) {{ id }}")).await;
        let whole = whole["sendHistory"].as_array().unwrap().clone();
        for (size, from, limit) in [
            ("first", "after", 7),
            ("last", "before", 7),
            ("first", "after", 40),
        ] {
            let (mut pages, mut cursor) = (Vec::new(), Value::Null);
            loop {
                let field = format!(
                    "sendHistoryConnection({size}: {limit}, {from}: {cursor} {narrowed})
                     {{ totalCount edges {{ cursor node {{ id }} }}
                        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"
                );
                let page = ask(&service, &field).await["sendHistoryConnection"].clone();
                assert_eq!(page["totalCount"], whole.len(), "{narrowed}");
                let edges = page["edges"].as_array().unwrap();
                let info = &page["pageInfo"];
                let ends = [edges.first(), edges.last()]
                    .map(|edge| edge.map_or(Value::Null, |e| e["cursor"].clone()));
                assert_eq!([info["startCursor"].clone(), info["endCursor"].clone()], ends);
                pages.push(edges.iter().map(|edge| edge["node"].clone()).collect::<Vec<_>>());
                assert!(pages.len() <= whole.len() + 1, "the pagination does not end");
                let (more, next) = match size {
                    "first" => ("hasNextPage", "endCursor"),
                    _ => ("hasPreviousPage", "startCursor"),
                };
                if info[more] == false {
                    break;
                }
                cursor = info[next].clone();
            }
            if size == "last" {
                pages.reverse();
            }
            assert_eq!(pages.concat(), whole, "{narrowed} {size} {limit}");
        }
    }
}

#[tokio::test]
async fn invalid_page_argument_is_a_caller_error_without_a_call() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    for arguments in [
        "first: -1",
        "last: -1",
        r#"after: "40""#,
        r#"before: """#,
        "first: 1, maxAge: -1",
        "first: 1, last: 1",
    ] {
        let query = format!(
            r#"{{ campaignActivity(id: "{WEEKLY}") {{ sendHistoryConnection({arguments}) {{ totalCount }} }} }}"#
        );
        let response = service.query(&query).await;
        assert_eq!(
            response["data"]["campaignActivity"],
            json!({ "sendHistoryConnection": null })
        );
        assert_eq!(
            response["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{response}"
        );
    }
    assert_eq!(sandbox.requests().await.len(), 0);
}

async fn ask(service: &ServiceProcess, field: &str) -> Value {
    let response = service
        .query(&format!(
            r#"{{ campaignActivity(id: "{WEEKLY}") {{ {field} }} }}"#
        ))
        .await;
    assert!(response.get("errors").is_none(), "{response}");
    response["data"]["campaignActivity"].clone()
}

#[tokio::test]
async fn contact_list_with_a_long_id_is_returned_by_node() {
    let sandbox = SandboxProcess::unlimited(&[]);
    let service = ServiceProcess::unpaced_on(&sandbox, &[]);
    let id = format!("ContactList:{}", "x".repeat(50_000));
    let query = "query($id: ID!) { node(id: $id) { id ... on ContactList { name } } }";
    let answer = service
        .post(&json!({ "query": query, "variables": { "id": id } }))
        .await
        .1;
    assert_eq!(answer["data"]["node"], json!({ "id": id, "name": null }));
}
