//! Login whose user lacks the privilege for reports.

use serde_json::json;

use super::{Home, works};
use sends_end_to_end::GUIDE_ACTIVITY;

#[tokio::test]
async fn login_without_the_reports_privilege_lacks_only_statistics() {
    let mut home = Home::new(&["--without-privilege", "ui:campaign:metrics", "--activities", "20"]);
    let login = home.log_in().await;
    assert_eq!(login.status, Some(0), "{login:?}");
    assert!(login.output.contains("Connected: "), "{login:?}");
    assert!(
        login.output.contains(
            "The user lacks the privilege ui:campaign:metrics: statistics are not available, and the log misses sends that \
             do not change their campaign."
        ),
        "{login:?}"
    );

    let status = home.run(&["status"]).await;
    assert_eq!(status.status, Some(0), "{status:?}");
    assert!(status.output.contains("from a login"), "{status:?}");
    assert!(!status.output.contains("LOG IN AGAIN"), "{status:?}");
    let history = home.run(&["history", GUIDE_ACTIVITY]).await;
    assert_eq!(history.status, Some(0), "{history:?}");

    let service = home.serve(&[]);
    assert!(works(&service).await, "{}", service.log());
    let response = service
        .query(&format!(
            r#"{{ account {{ organizationName }}
                 campaignActivity(id: "{GUIDE_ACTIVITY}") {{ subject sendHistory {{ sendId }} stats {{ sends }} }} }}"#
        ))
        .await;
    let errors = response["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{response}");
    assert_eq!(
        errors[0]["path"],
        json!(["campaignActivity", "stats"]),
        "{response}"
    );
    assert_eq!(errors[0]["extensions"]["code"], "FORBIDDEN", "{response}");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("privilege ui:campaign:metrics"), "{message}");
    let activity = &response["data"]["campaignActivity"];
    assert!(activity["stats"].is_null(), "{response}");
    assert!(activity["subject"].is_string(), "{response}");
    assert!(
        !activity["sendHistory"].as_array().unwrap().is_empty(),
        "{response}"
    );
    assert!(
        response["data"]["account"]["organizationName"].is_string(),
        "{response}"
    );
}

#[tokio::test]
async fn login_with_unverifiable_privileges_is_stored_with_a_warning() {
    let mut home = Home::new(&[]);
    for fault in [
        json!({ "kind": "status", "status": 403, "path_contains": "/privileges" }),
        json!({ "kind": "status", "status": 200, "path_contains": "/privileges", "members": { "other": 1 } }),
    ] {
        home.sandbox.fault(&fault).await;
        let login = home.log_in().await;
        assert_eq!(login.status, Some(0), "{login:?}");
        assert!(login.output.contains("Connected: "), "{login:?}");
        let message = "Whether the user has the privileges campaign:read and ui:campaign:metrics could not be checked: ";
        assert!(login.output.contains(message), "{login:?}");
        assert!(works(&home.serve(&[])).await);
        home.sandbox.control("DELETE", "faults", &json!(null)).await;
    }
}

#[tokio::test]
async fn synchronisation_without_the_reports_privilege_names_it_and_reads_the_rest() {
    let mut home = Home::new(&["--without-privilege", "ui:campaign:metrics", "--activities", "20"]);
    home.log_in().await;
    let sync = home.run(&["sync"]).await;
    let message = format!("{}{}", sync.output, sync.errors);
    assert!(message.contains("ui:campaign:metrics"), "{sync:?}");
    let service = home.serve(&[]);
    let response = service
        .query("{ sends(first: 1) { totalCount nodes { sendId } } }")
        .await;
    assert!(
        response["data"]["sends"]["totalCount"].as_u64() > Some(0),
        "{response}"
    );
}
