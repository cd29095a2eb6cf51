//! Valid and invalid ids, and their error messages.

#![allow(clippy::unwrap_used, reason = "tests and their helpers fail by panicking")]

use insta::assert_snapshot;
use proptest::prelude::*;
use sends_core::{ActivityId, CampaignId};

const TEXT: &str = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c";

fn parse_error(text: &str) -> String {
    text.parse::<ActivityId>().unwrap_err().to_string()
}

#[test]
fn id_is_normalised_to_lower_case() {
    let id: ActivityId = TEXT.parse().unwrap();
    assert_eq!(TEXT.to_uppercase().parse(), Ok(id));
    assert_eq!(id.to_string(), TEXT);
    assert_eq!(format!("{id:?}"), format!("ActivityId({TEXT})"));
    assert_eq!(id.as_bytes()[..4], [0x1e, 0xad, 0x98, 0xbe]);
    assert_eq!(ActivityId::from_bytes(*id.as_bytes()), id);
}

#[test]
fn serde_uses_the_text_form() {
    let id: ActivityId = serde_json::from_str(&format!("\"{}\"", TEXT.to_uppercase())).unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
    assert!(serde_json::from_str::<ActivityId>("7").is_err());
    let error = serde_json::from_str::<ActivityId>("\"7\"")
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&parse_error("7")), "{error}");
}

#[test]
fn other_forms_of_a_uuid_are_rejected() {
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
fn error_describes_the_problem() {
    assert_snapshot!(parse_error(""), @r#""" is not an activity id: the text is empty"#);
    assert_snapshot!(parse_error("x"), @r#""x" is not an activity id: expected 36 characters, found 1"#);
    assert_snapshot!(parse_error("1ead98be-dfa0-4e04-81f7"), @r#""1ead98be-dfa0-4e04-81f7" is not an activity id: expected 36 characters, found 23"#);
    assert_snapshot!(parse_error("1ead98be-dfa0-4e04-81f7-5f1534d42e9g"), @r#""1ead98be-dfa0-4e04-81f7-5f1534d42e9g" is not an activity id: character 36 of a UUID must be a hexadecimal digit (0-9, a-f)"#);
    assert_snapshot!(parse_error("1ead98be0dfa0-4e04-81f7-5f1534d42e9c"), @r#""1ead98be0dfa0-4e04-81f7-5f1534d42e9c" is not an activity id: character 9 of a UUID must be a hyphen"#);
    assert_snapshot!(parse_error("1ead98be-dfa0-4e04-81f7-5f1534d42é9c"), @r#""1ead98be-dfa0-4e04-81f7-5f1534d42é9c" is not an activity id: character 34 of a UUID must be a hexadecimal digit (0-9, a-f)"#);
}

#[test]
fn campaign_id_follows_the_same_rules() {
    let id: CampaignId = serde_json::from_str(&format!("\"{}\"", TEXT.to_uppercase())).unwrap();
    assert_eq!(id.to_string(), TEXT);
    assert_eq!(format!("{id:?}"), format!("CampaignId({TEXT})"));
    assert_snapshot!("x".parse::<CampaignId>().unwrap_err(), @r#""x" is not a campaign id: expected 36 characters, found 1"#);
    assert_snapshot!(serde_json::from_str::<CampaignId>("7").unwrap_err(), @"invalid type: integer `7`, expected a campaign id, which is a UUID as text at line 1 column 1");
}

#[test]
fn error_contains_a_short_escaped_excerpt() {
    assert_snapshot!(parse_error(&"ä".repeat(1000)), @r#""ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää…" is not an activity id: expected 36 characters, found 1000"#);
    assert_snapshot!(parse_error("\u{1b}[31m\r\n"), @r#""\u{1b}[31m\r\n" is not an activity id: expected 36 characters, found 7"#);
}

proptest! {
    #[test]
    fn bytes_round_trip_through_text(bytes: [u8; 16]) {
        let id = ActivityId::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_sort_like_their_texts(a: [u8; 16], b: [u8; 16]) {
        let (a, b) = (ActivityId::from_bytes(a), ActivityId::from_bytes(b));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn parsed_text_is_displayed_in_lower_case(text in "[0-9a-fA-Fg-]{36}|\\PC{30,40}") {
        match text.parse::<ActivityId>() {
            Ok(id) => prop_assert_eq!(id.to_string(), text.to_ascii_lowercase()),
            Err(error) => prop_assert!(error.to_string().chars().count() < 800),
        }
    }
}
