//! What an answer that is not a success says.
//!
//! The body comes in at least four shapes and the status does not tell which, so each is tried. Behind a gateway it may
//! also be HTML, empty or cut off. The status decides the class; the key decides only between the two kinds of 429.

use reqwest::StatusCode;
use serde_json::Value;

use crate::FailureClass;

/// The longest message that is kept, in characters. Longer ones come from pages, not from the API.
const MESSAGE_LIMIT: usize = 300;

/// The upstream's words about a refused request.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) error_key: Option<String>,
    pub(crate) message: Option<String>,
}

impl Refusal {
    /// Reads whichever of the documented shapes `body` has. Anything else is an empty refusal.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        // Most endpoints answer an array of errors; the first one says enough.
        let error = match &body {
            Value::Array(errors) => errors.first().unwrap_or(&Value::Null),
            other => other,
        };
        Self {
            error_key: text(error, &["error_key", "error"]),
            message: text(
                error,
                &["error_message", "error_description", "message", "Message"],
            ),
        }
    }

    pub(crate) fn class(&self, status: StatusCode) -> FailureClass {
        match status {
            StatusCode::UNAUTHORIZED => FailureClass::Unauthenticated,
            StatusCode::FORBIDDEN => FailureClass::Forbidden,
            StatusCode::NOT_FOUND => FailureClass::NotFound,
            // Without a readable key the shorter wait is assumed: a day used up shows again at the next call.
            StatusCode::TOO_MANY_REQUESTS if self.error_key.as_deref() == Some("quota_exceeded") => {
                FailureClass::QuotaExceeded
            }
            StatusCode::TOO_MANY_REQUESTS => FailureClass::Throttled,
            status if status.is_client_error() => FailureClass::Rejected,
            status if status.is_server_error() => FailureClass::ServerFailure,
            _ => FailureClass::Invalid,
        }
    }
}

fn text(error: &Value, names: &[&str]) -> Option<String> {
    let found = names.iter().find_map(|name| error.get(name)?.as_str())?;
    let clean: String = found
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
