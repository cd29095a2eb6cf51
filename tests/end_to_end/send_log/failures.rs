//! Command `failures`.

use std::collections::BTreeSet;

use sends_end_to_end::{ServiceProcess, run};
use serde_json::Value;

fn failures(options: &[&str]) -> Vec<Value> {
    let command = ["failures", "--sandbox", "--json"];
    let printed = run(&[&command, options].concat(), &[]);
    assert_eq!((printed.status, printed.errors.as_str()), (Some(0), ""));
    serde_json::from_str(&printed.output).unwrap()
}

#[tokio::test]
async fn failures_are_the_activities_that_need_attention() {
    let service = ServiceProcess::start(&["--sandbox"], &[]);
    let mut expected = BTreeSet::new();
    let mut after = String::new();
    loop {
        let page = service
            .query(&format!(
                "{{ campaigns(first: 50 {after}) {{ pageInfo {{ hasNextPage endCursor }}
                    nodes {{ name activities {{ id sendSummary {{ needsAttention }} latestSend {{ outcome }} }} }} }} }}"
            ))
            .await;
        assert!(page["errors"].is_null(), "{page}");
        let campaigns = &page["data"]["campaigns"];
        for campaign in campaigns["nodes"].as_array().unwrap() {
            for activity in campaign["activities"].as_array().unwrap() {
                if activity["sendSummary"]["needsAttention"] == true {
                    let text = |value: &Value| value.as_str().unwrap().to_owned();
                    expected.insert((
                        text(&activity["id"]),
                        text(&campaign["name"]),
                        text(&activity["latestSend"]["outcome"]),
                    ));
                }
            }
        }
        if campaigns["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!("after: {}", campaigns["pageInfo"]["endCursor"]);
    }
    let printed: BTreeSet<_> = failures(&["--since", "2000-01-01"])
        .iter()
        .map(|failure| {
            let text = |name| failure[name].as_str().unwrap().to_owned();
            (text("activity_id"), text("campaign_name"), text("outcome"))
        })
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(printed, expected);
}

#[tokio::test]
async fn failures_are_limited_to_the_period_and_are_in_descending_order() {
    let all = failures(&["--since", "2000-01-01"]);
    let dates: Vec<&str> = all
        .iter()
        .filter_map(|failure| failure["run_date"].as_str())
        .collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older), "{dates:?}");
    let recent = failures(&["--since", dates[0]]);
    assert_eq!(recent, all[..1]);
    assert!(failures(&["--since", "1s"]).is_empty());
}

#[tokio::test]
async fn failures_print_the_remedy_as_text() {
    let printed = run(&["failures", "--sandbox"], &[]);
    assert_eq!((printed.status, printed.errors.as_str()), (Some(0), ""));
    for part in ["need attention", "Remedy", "Who acts"] {
        assert!(printed.output.contains(part), "{part}: {}", printed.output);
    }
    // The output has no escape sequences, since standard output is not a terminal.
    assert!(!printed.output.contains('\u{1b}'), "{:?}", printed.output);
}
