//! A login whose user lacks the privilege for reports.

use serde_json::json;

use super::{Home, is_answered};
use sends_end_to_end::GUIDE_ACTIVITY;

#[tokio::test]
async fn a_login_without_the_privilege_for_reports_lacks_statistics_alone() {
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
    assert!(is_answered(&service).await, "{}", service.log());
    let answer = service
        .query(&format!(
            r#"{{ account {{ organizationName }}
                 campaignActivity(id: "{GUIDE_ACTIVITY}") {{ subject sendHistory {{ sendId }} stats {{ sends }} }} }}"#
        ))
        .await;
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer}");
    assert_eq!(
        errors[0]["path"],
        json!(["campaignActivity", "stats"]),
        "{answer}"
    );
    assert_eq!(errors[0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("privilege ui:campaign:metrics"), "{message}");
    let activity = &answer["data"]["campaignActivity"];
    assert!(activity["stats"].is_null(), "{answer}");
    assert!(activity["subject"].is_string(), "{answer}");
    assert!(
        !activity["sendHistory"].as_array().unwrap().is_empty(),
        "{answer}"
    );
    assert!(
        answer["data"]["account"]["organizationName"].is_string(),
        "{answer}"
    );
}

#[tokio::test]
async fn a_login_whose_privileges_cannot_be_checked_says_so_and_is_kept() {
    let mut home = Home::new(&[]);
    for fault in [
        json!({ "kind": "status", "status": 403, "path_contains": "/privileges" }),
        json!({ "kind": "status", "status": 200, "path_contains": "/privileges", "members": { "other": 1 } }),
    ] {
        home.sandbox.fault(&fault).await;
        let login = home.log_in().await;
        assert_eq!(login.status, Some(0), "{login:?}");
        assert!(login.output.contains("Connected: "), "{login:?}");
        let said = "Whether the user has the privileges campaign:read and ui:campaign:metrics could not be checked: ";
        assert!(login.output.contains(said), "{login:?}");
        assert!(is_answered(&home.serve(&[])).await);
        home.sandbox.control("DELETE", "faults", &json!(null)).await;
    }
}

#[tokio::test]
async fn a_synchronisation_without_the_privilege_for_reports_names_it_and_reads_the_rest() {
    let mut home = Home::new(&["--without-privilege", "ui:campaign:metrics", "--activities", "20"]);
    home.log_in().await;
    let sync = home.run(&["sync"]).await;
    let said = format!("{}{}", sync.output, sync.errors);
    assert!(said.contains("ui:campaign:metrics"), "{sync:?}");
    let service = home.serve(&[]);
    let answer = service
        .query("{ sends(first: 1) { totalCount nodes { sendId } } }")
        .await;
    assert!(
        answer["data"]["sends"]["totalCount"].as_u64() > Some(0),
        "{answer}"
    );
}
