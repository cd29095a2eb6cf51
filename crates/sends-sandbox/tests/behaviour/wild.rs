//! Wild upstream: every variant of a response occurs, and the data stays the same.

use std::collections::BTreeSet;

use reqwest::Response;
use sends_sandbox::Config;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{Visit, guide};

async fn wild(seed: u64) -> Visit {
    let mut config = Config::unlimited().with_activities(120);
    config.settings.wild = Some(seed);
    Visit::to(config).await
}

/// Retries until there is a response, as a client does.
async fn answered(visit: &Visit, path: &str) -> Response {
    for _ in 0..2 {
        match visit.asking(path).send().await {
            Ok(response) if response.status().as_u16() < 429 => return response,
            _ => {}
        }
    }
    panic!("{path}: a retry fails as well")
}

/// Returns the status, content type and body of a hundred responses to the same request.
async fn forms(visit: &Visit, path: &str) -> Vec<(u16, Option<String>, Vec<u8>)> {
    let mut forms = Vec::new();
    for _ in 0..100 {
        let response = answered(visit, path).await;
        let content_type = response.headers().get("content-type");
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        forms.push((status, content_type, response.bytes().await.unwrap().to_vec()));
    }
    forms
}

fn rows(body: &[u8]) -> Vec<Value> {
    serde_json::from_slice(body).unwrap()
}

#[tokio::test]
async fn history_has_many_forms_with_the_same_data() {
    let visit = wild(1).await;
    let forms = forms(&visit, &guide()).await;
    let statuses: BTreeSet<_> = forms.iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 202, 203]));
    let content_types: BTreeSet<_> = forms.iter().map(|(_, content_type, _)| content_type).collect();
    assert!(
        content_types.contains(&None) && content_types.len() >= 4,
        "{content_types:?}"
    );
    let mut met = BTreeSet::new();
    for (.., body) in &forms {
        let rows = rows(body);
        let facts: Vec<_> = rows
            .iter()
            .map(|row| json!([row["send_id"], row["send_status"], row["reason_code"]]))
            .collect();
        assert_eq!(facts, [json!([1, "COMPLETED", 0]), json!([2, "COMPLETED", 12])]);
        assert!(rows[0]["count"].is_null() || rows[0]["count"] == 2);
        assert_eq!(rows[1]["count"], 0);
        let date = rows[0]["run_date"].as_str().unwrap();
        let sent: jiff::Timestamp = date.parse().unwrap();
        assert_eq!(sent, "2019-04-18T20:03:08Z".parse::<jiff::Timestamp>().unwrap());
        met.insert(date.to_owned());
        let row = rows[0].as_object().unwrap();
        let lists = ["contact_list_ids", "contact_lists_ids"].map(|name| row.contains_key(name));
        assert!(lists == [true, false] || lists == [false, true], "{row:?}");
        met.extend(row.keys().cloned());
    }
    for form in [
        "2019-04-18T20:03:08.000Z",
        "2019-04-18T20:03:08Z",
        "2019-04-18T15:03:08-05:00",
        "contact_list_ids",
        "contact_lists_ids",
        "segment_ids",
    ] {
        assert!(met.contains(form), "{form} is not among {met:?}");
    }
}

#[tokio::test]
async fn last_page_has_every_form_and_no_page_is_missing() {
    let visit = wild(2).await;
    let mut ends = BTreeSet::new();
    for (.., body) in forms(&visit, "segments").await {
        let page: Value = serde_json::from_str(&String::from_utf8_lossy(&body).replace(['\u{7}'], ""))
            .unwrap_or_else(|_| json!({"_links": "half a surrogate pair"}));
        ends.insert(page.get("_links").map(ToString::to_string));
    }
    for end in [
        None,
        Some("null"),
        Some("{}"),
        Some(r#"{"next":null}"#),
        Some(r#"{"next":{}}"#),
        Some(r#"{"next":{"href":null}}"#),
        Some(r#"{"next":{"href":""}}"#),
    ] {
        assert!(
            ends.contains(&end.map(str::to_owned)),
            "{end:?} is not among {ends:?}"
        );
    }
    let first = forms(&visit, "contact_lists?limit=2").await;
    assert!(first.iter().all(|(.., body)| {
        String::from_utf8_lossy(body).contains(r#""href":"/v3/contact_lists?limit=2&cursor="#)
    }));
}

#[tokio::test]
async fn names_contain_invalid_characters() {
    let visit = wild(3).await;
    let bodies: Vec<_> = forms(&visit, "contact_lists").await;
    let has = |part: &[u8]| {
        bodies
            .iter()
            .any(|(.., body)| body.windows(part.len()).any(|window| window == part))
    };
    assert!(has(br"\ud83d") && has(b"\x07") && has(b"\xff"));
    assert!(has(b"Friends & Family") && has(b"Friends &amp; Family") && has(b"children&#39;s"));
}

#[tokio::test]
async fn diagnostic_headers_are_optional() {
    let visit = wild(9).await;
    let mut met = BTreeSet::new();
    for _ in 0..40 {
        let request = visit.asking("emails?limit=3").header("accept-encoding", "gzip");
        let Ok(response) = request.send().await else {
            continue;
        };
        for name in ["content-encoding", "x-amzn-requestid", "x-amz-apigw-id"] {
            met.insert((name, response.headers().contains_key(name)));
        }
    }
    assert_eq!(met.len(), 6, "{met:?}");
}

#[tokio::test]
async fn errors_keep_their_status_and_vary_their_format() {
    let visit = wild(4).await;
    let unknown = format!("emails/{}", crate::UNKNOWN_ID);
    let forms = forms(&visit, &unknown).await;
    assert!(forms.iter().all(|(status, ..)| *status == 404));
    let begins = |first: &[u8]| forms.iter().any(|(.., body)| body.starts_with(first));
    assert!(begins(b"[{") && begins(b"{\"error_key") && begins(b"{\"message") && begins(b"<html"));
    assert!(forms.iter().any(|(.., body)| body.is_empty()));
}

#[tokio::test]
async fn failure_is_followed_by_a_success() {
    let visit = wild(5).await;
    let mut failures = BTreeSet::new();
    for activity in 0..120 {
        let path = crate::history_of(&visit.sandbox.activity_id(activity).unwrap());
        for attempt in 0..4 {
            let outcome = visit.asking(&path).send().await;
            let failure = match outcome {
                Ok(response) if response.status().is_success() => continue,
                Ok(response) => response.status().to_string(),
                Err(_) => "no answer".to_owned(),
            };
            assert_eq!(attempt % 2, 0, "{failure} on a retry");
            failures.insert(failure);
        }
    }
    assert!(failures.len() >= 3, "{failures:?}");
}

#[tokio::test]
async fn same_seed_gives_the_same_forms_and_another_seed_gives_others() {
    let mut runs = Vec::new();
    for seed in [6, 6, 7] {
        let visit = wild(seed).await;
        runs.push(forms(&visit, &guide()).await);
        visit.sandbox.stop().await;
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

/// Returns the members of a token response, and records the deviations that a strict parser rejects.
fn tokens_in(body: &[u8], forms: &mut BTreeSet<String>) -> Value {
    let text = String::from_utf8_lossy(body);
    let mut note = |is_met: bool, form: &str| {
        if is_met {
            forms.insert(form.to_owned());
        }
    };
    let Some(begin) = text.find('{') else {
        note(true, "a form");
        let members = form_urlencoded::parse(body);
        return members
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect::<serde_json::Map<_, _>>()
            .into();
    };
    note(text.contains('\u{feff}'), "a byte order mark");
    note(!text.ends_with('}'), "bytes after the object");
    note(text.contains(r"\ud83d"), "half a surrogate pair");
    note(text.contains('\u{7}'), "a control character");
    note(text.contains('\u{fffd}'), "invalid UTF-8");
    let mended = text[begin..].replace(r"\ud83d", "").replace('\u{7}', "");
    let mut values = serde_json::Deserializer::from_str(&mended).into_iter();
    values.next().unwrap().unwrap()
}

#[tokio::test]
async fn omitted_refresh_token_stays_valid() {
    let visit = wild(8).await;
    let issued = visit.order("tokens", json!({})).await;
    let mut held = issued["refresh_token"].as_str().unwrap().to_owned();
    let mut forms = BTreeSet::new();
    for _ in 0..40 {
        let url = format!("{}/token", visit.sandbox.oauth_base_url());
        let body = format!("grant_type=refresh_token&refresh_token={held}");
        let request = visit.client.post(url).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request
            .basic_auth("sandbox-client", Some("sandbox-secret"))
            .send();
        let response = response.await.unwrap();
        assert_eq!(response.status(), 200);
        let tokens = tokens_in(&response.bytes().await.unwrap(), &mut forms);
        assert!(tokens["access_token"].is_string());
        forms.insert(format!("expires_in {}", tokens["expires_in"]));
        forms.insert(format!("scope {}", tokens["scope"].is_array()));
        forms.insert(format!("token_type {}", tokens["token_type"]));
        match tokens["refresh_token"].as_str() {
            Some(next) if !next.is_empty() => next.clone_into(&mut held),
            _ => drop(forms.insert(format!("refresh_token {:?}", tokens.get("refresh_token")))),
        }
    }
    for form in [
        "expires_in 86400",
        "expires_in 86400.0",
        "expires_in \"86400\"",
        "expires_in null",
        "scope true",
        "token_type null",
        "token_type \"bearer\"",
        "refresh_token None",
        "refresh_token Some(Null)",
        "refresh_token Some(String(\"\"))",
        "a form",
        "a byte order mark",
        "bytes after the object",
        "half a surrogate pair",
        "a control character",
        "invalid UTF-8",
    ] {
        assert!(forms.contains(form), "{form} is not among {forms:?}");
    }
}
