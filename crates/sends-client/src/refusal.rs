//! What an answer that is not a success says.
//!
//! The body comes in at least four shapes and the status does not tell which, so an error is looked for wherever it may be.
//! Behind a gateway the body may also be HTML, empty or cut off. The status decides the class; the body decides only between
//! the two kinds of 429, and tells a missing path from a missing right.

use reqwest::StatusCode;
use serde_json::Value;

use crate::FailureClass;

/// The longest message that is kept, in characters. Longer ones come from pages, not from the API.
const MESSAGE_LIMIT: usize = 300;

/// How deep in the body an error is looked for.
const DEPTH_LIMIT: usize = 4;

/// What a gateway of Amazon's answers for a path that does not exist (observed).
const NO_SUCH_PATH: &str = "missing authentication token";

/// The upstream's words about a refused request.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) error_key: Option<String>,
    pub(crate) message: Option<String>,
}

impl Refusal {
    /// Reads whichever of the documented shapes `body` has, nested or not, its names in any letter case. Anything else is an
    /// empty refusal.
    pub(crate) fn read(body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        let Ok(body) = serde_json::from_str::<Value>(body.trim_start_matches('\u{feff}')) else {
            // Plain text, or JSON that was cut off: of such only the word counts that stops all calls of the day.
            let quota = clean(&body).filter(|text| text.to_ascii_lowercase().contains("quota"));
            return Self {
                error_key: None,
                message: quota,
            };
        };
        Self {
            error_key: find(&body, &["error_key", "error", "code", "key"], DEPTH_LIMIT),
            message: find(
                &body,
                &["error_message", "error_description", "message"],
                DEPTH_LIMIT,
            ),
        }
    }

    pub(crate) fn class(&self, status: StatusCode) -> FailureClass {
        match status {
            StatusCode::UNAUTHORIZED => FailureClass::Unauthenticated,
            StatusCode::FORBIDDEN if self.says_no_such_path() => FailureClass::NoSuchPath,
            StatusCode::FORBIDDEN => FailureClass::Forbidden,
            StatusCode::NOT_FOUND => FailureClass::NotFound,
            // Without readable words the shorter wait is assumed: a day used up shows again at the next call.
            StatusCode::TOO_MANY_REQUESTS if self.says_day_used_up() => FailureClass::QuotaExceeded,
            StatusCode::TOO_MANY_REQUESTS => FailureClass::Throttled,
            status if status.is_client_error() => FailureClass::Rejected,
            status if status.is_server_error() => FailureClass::ServerFailure,
            _ => FailureClass::Invalid,
        }
    }

    fn says_no_such_path(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        message.to_ascii_lowercase().contains(NO_SUCH_PATH)
    }

    /// The key decides where it is one of the two; else the message does, whose documented texts are the gateway's own.
    fn says_day_used_up(&self) -> bool {
        let key = self.error_key.as_deref().unwrap_or_default().to_ascii_lowercase();
        let message = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        if key.contains("throttl") {
            return false;
        }
        let is_documented = matches!(message.trim_end_matches(['.', '!']).trim(), "limit exceeded");
        key.contains("quota") || message.contains("quota") || is_documented
    }
}

/// The first text under one of these names, the earlier ones first, on the way into the body.
fn find(value: &Value, names: &[&str], depth: usize) -> Option<String> {
    let inner = |value: &Value| find(value, names, depth.checked_sub(1)?);
    match value {
        // Most endpoints answer an array of errors; the first one says enough.
        Value::Array(errors) => errors.iter().find_map(inner),
        Value::Object(members) => {
            let own = |name: &&str| {
                let mut members = members.iter();
                members.find_map(|(key, value)| is_named(key, name).then(|| clean(value.as_str()?))?)
            };
            let found = names.iter().find_map(own);
            found.or_else(|| members.values().find_map(inner))
        }
        _ => None,
    }
}

/// Whether a member has this name, in any letter case and with or without underscores.
fn is_named(key: &str, name: &str) -> bool {
    let letters = |text: &str| text.replace(['_', '-'], "").to_ascii_lowercase();
    letters(key) == letters(name)
}

fn clean(text: &str) -> Option<String> {
    let clean: String = text
        .chars()
        .filter(|character| !character.is_control())
        .take(MESSAGE_LIMIT)
        .collect();
    (!clean.is_empty()).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(error_key: Option<&str>, message: Option<&str>) -> Refusal {
        Refusal {
            error_key: error_key.map(String::from),
            message: message.map(String::from),
        }
    }

    #[test]
    fn every_shape_of_an_error_body_is_read() {
        let cases: &[(&str, Refusal)] = &[
            (
                r#"[{"error_key":"contacts.api.not_found","error_message":"Gone."}]"#,
                refusal(Some("contacts.api.not_found"), Some("Gone.")),
            ),
            (
                r#"{"error_key":"unauthorized","error_message":"Unauthorized"}"#,
                refusal(Some("unauthorized"), Some("Unauthorized")),
            ),
            (r#"{"message":"Forbidden"}"#, refusal(None, Some("Forbidden"))),
            (
                r#"{"error":"invalid_grant","error_description":"Expired."}"#,
                refusal(Some("invalid_grant"), Some("Expired.")),
            ),
            ("<html><h1>502</h1></html>", refusal(None, None)),
            ("", refusal(None, None)),
            (r#"[{"error_key":"contacts.a"#, refusal(None, None)),
            ("[]", refusal(None, None)),
            ("null", refusal(None, None)),
            (r#"{"error_key":7,"error_message":["x"]}"#, refusal(None, None)),
        ];
        for (body, expected) in cases {
            assert_eq!(&Refusal::read(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_429_is_recognised_in_whatever_shape_its_key_comes() {
        for body in [
            r#"{"error_key":"quota_exceeded","error_message":"Limit Exceeded"}"#,
            r#"{"error_key":"QUOTA_EXCEEDED"}"#,
            r#"{"Error_Key":"Quota_Exceeded"}"#,
            r#"[{"error_key":"quota_exceeded"}]"#,
            r#"{"error":{"error_key":"quota_exceeded"}}"#,
            r#"{"errors":[{"error_key":"api.quotaExceeded"}]}"#,
            r#"{"fault":{"detail":{"error_key":"quota_exceeded"}}}"#,
            r#"{"message":"Limit Exceeded"}"#,
            r#"{"Message":"limit exceeded."}"#,
            r#"{"message":"The daily quota of this key is used up"}"#,
            "\u{feff}{\"error_key\":\"quota_exceeded\"}",
            r#"{"errorKey":"QuotaExceeded"}"#,
            r#"{"error-key":"quota-exceeded"}"#,
            "quota_exceeded",
            r#"{"error_key":"quota_exceeded","error_mess"#,
        ] {
            let class = Refusal::read(body.as_bytes()).class(StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(class, FailureClass::QuotaExceeded, "{body}");
        }
        for body in [
            r#"{"error_key":"throttled","error_message":"Too Many Requests"}"#,
            r#"{"error_key":"THROTTLED","error_message":"Limit Exceeded"}"#,
            r#"[{"error_key":"throttled"}]"#,
            r#"{"message":"Too Many Requests"}"#,
            r#"{"message":"Rate limit exceeded"}"#,
            r#"{"error_key":7}"#,
            "<html>Limit Exceeded</html>",
            "",
        ] {
            let class = Refusal::read(body.as_bytes()).class(StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(class, FailureClass::Throttled, "{body}");
        }
    }

    #[test]
    fn a_path_that_does_not_exist_is_no_missing_right() {
        for (body, class) in [
            (
                r#"{"message":"Missing Authentication Token"}"#,
                FailureClass::NoSuchPath,
            ),
            (
                r#"{"Message":"missing authentication token"}"#,
                FailureClass::NoSuchPath,
            ),
            (r#"{"message":"Forbidden"}"#, FailureClass::Forbidden),
            ("", FailureClass::Forbidden),
        ] {
            assert_eq!(
                Refusal::read(body.as_bytes()).class(StatusCode::FORBIDDEN),
                class,
                "{body}"
            );
        }
    }

    #[test]
    fn the_status_decides_the_class_and_the_key_only_which_429_it_is() {
        use FailureClass::{
            Forbidden, Invalid, NotFound, QuotaExceeded, Rejected, ServerFailure, Throttled, Unauthenticated,
        };
        let cases = [
            (401, None, Unauthenticated),
            (403, Some("unauthorized"), Forbidden),
            (404, Some("throttled"), NotFound),
            (429, Some("throttled"), Throttled),
            (429, Some("quota_exceeded"), QuotaExceeded),
            (429, None, Throttled),
            (400, None, Rejected),
            (410, Some("quota_exceeded"), Rejected),
            (500, None, ServerFailure),
            (503, Some("throttled"), ServerFailure),
            (302, None, Invalid),
            (204, None, Invalid),
        ];
        for (status, key, class) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(refusal(key, None).class(status), class, "{status} {key:?}");
        }
    }

    #[test]
    fn a_message_is_bounded_and_holds_no_control_characters() {
        let body = format!(r#"{{"message":"a\n\u001b[31m{}"}}"#, "é".repeat(5000));
        let message = Refusal::read(body.as_bytes()).message.unwrap();
        assert_eq!(message.chars().count(), MESSAGE_LIMIT);
        assert!(message.starts_with("a[31mé"));
    }
}
