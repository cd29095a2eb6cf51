//! Valid and invalid ids, and the error messages.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helper functions too"
)]

use insta::assert_snapshot;
use proptest::prelude::*;
use sends_core::{ActivityId, CampaignId};

const TEXT: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";

fn refusal(text: &str) -> String {
    text.parse::<ActivityId>().unwrap_err().to_string()
}

#[test]
fn an_id_has_one_spelling_whatever_its_case() {
    let id: ActivityId = TEXT.parse().unwrap();
    assert_eq!(TEXT.to_uppercase().parse(), Ok(id));
    assert_eq!(id.to_string(), TEXT);
    assert_eq!(format!("{id:?}"), format!("ActivityId({TEXT})"));
    assert_eq!(id.as_bytes()[..4], [0x1e, 0xad, 0x98, 0xbe]);
    assert_eq!(ActivityId::from_bytes(*id.as_bytes()), id);
}

#[test]
fn serde_reads_and_writes_the_text() {
    let id: ActivityId = serde_json::from_str(&format!("\"{}\"", TEXT.to_uppercase())).unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
    assert!(serde_json::from_str::<ActivityId>("7").is_err());
    let error = serde_json::from_str::<ActivityId>("\"7\"")
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&refusal("7")), "{error}");
}

#[test]
fn other_forms_of_a_uuid_are_refused() {
    for text in [
        "1ead98bedfa04e0481f75f1534d42e9c".to_owned(),
        format!("{{{TEXT}}}"),
        format!("urn:uuid:{TEXT}"),
        format!(" {TEXT}"),
        format!("{TEXT}\n"),
    ] {
        assert!(text.parse::<ActivityId>().is_err(), "{text:?}");
    }
}

#[test]
fn a_refusal_says_what_is_wrong() {
    assert_snapshot!(refusal(""), @r#""" is not an activity id: it is empty"#);
    assert_snapshot!(refusal("x"), @r#""x" is not an activity id: it has 1 character, a UUID with its hyphens has 36"#);
    assert_snapshot!(refusal("1ead98be-dfa0-4e04-81f7"), @r#""1ead98be-dfa0-4e04-81f7" is not an activity id: it has 23 characters, a UUID with its hyphens has 36"#);
    assert_snapshot!(refusal("1ead98be-dfa0-4e04-81f7-5f1534d42e9g"), @r#""1ead98be-dfa0-4e04-81f7-5f1534d42e9g" is not an activity id: character 36 of a UUID must be a hexadecimal digit (0-9, a-f)"#);
    assert_snapshot!(refusal("1ead98be0dfa0-4e04-81f7-5f1534d42e9c"), @r#""1ead98be0dfa0-4e04-81f7-5f1534d42e9c" is not an activity id: character 9 of a UUID must be a hyphen"#);
    assert_snapshot!(refusal("1ead98be-dfa0-4e04-81f7-5f1534d42é9c"), @r#""1ead98be-dfa0-4e04-81f7-5f1534d42é9c" is not an activity id: character 34 of a UUID must be a hexadecimal digit (0-9, a-f)"#);
}

#[test]
fn a_campaigns_id_follows_the_same_rules_under_its_own_name() {
    let id: CampaignId = serde_json::from_str(&format!("\"{}\"", TEXT.to_uppercase())).unwrap();
    assert_eq!(id.to_string(), TEXT);
    assert_eq!(format!("{id:?}"), format!("CampaignId({TEXT})"));
    assert_snapshot!("x".parse::<CampaignId>().unwrap_err(), @r#""x" is not a campaign id: it has 1 character, a UUID with its hyphens has 36"#);
    assert_snapshot!(serde_json::from_str::<CampaignId>("7").unwrap_err(), @"invalid type: integer `7`, expected a campaign id, which is a UUID as text at line 1 column 1");
}

#[test]
fn a_refusal_quotes_little_and_nothing_that_acts_on_a_terminal() {
    assert_snapshot!(refusal(&"ä".repeat(1000)), @r#""ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää…" is not an activity id: it has 1000 characters, a UUID with its hyphens has 36"#);
    assert_snapshot!(refusal("\u{1b}[31m\r\n"), @r#""\u{1b}[31m\r\n" is not an activity id: it has 7 characters, a UUID with its hyphens has 36"#);
}

proptest! {
    #[test]
    fn sixteen_bytes_survive_their_text(bytes: [u8; 16]) {
        let id = ActivityId::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_sort_as_their_texts_do(a: [u8; 16], b: [u8; 16]) {
        let (a, b) = (ActivityId::from_bytes(a), ActivityId::from_bytes(b));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn a_text_is_an_id_only_if_it_is_displayed_the_same(text in "[0-9a-fA-Fg-]{36}|\\PC{30,40}") {
        match text.parse::<ActivityId>() {
            Ok(id) => prop_assert_eq!(id.to_string(), text.to_ascii_lowercase()),
            Err(error) => prop_assert!(error.to_string().chars().count() < 800),
        }
    }
}
