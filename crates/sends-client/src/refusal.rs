//! Decoder of error responses.
//!
//! The body has one of at least four shapes, which do not depend on the status, so all shapes are searched. Behind a gateway,
//! the body may also be plain text, HTML, empty or cut off. The status determines the class. The body only distinguishes the
//! two kinds of 429 response, and a missing path from a missing privilege.

use reqwest::StatusCode;
use serde_json::Value;

use crate::FailureClass;

/// Maximum length of a message in characters. Longer messages are web pages instead of messages of the API.
const MESSAGE_LIMIT: usize = 300;

/// Maximum depth of the search in the body.
const DEPTH_LIMIT: usize = 4;

/// Message of Amazon's gateway for an unknown path (observed), after removal of all characters other than letters.
const NO_SUCH_PATH: &str = "missingauthenticationtoken";

/// Members with the kind of an error, the most specific first. `type` also matches Amazon's `__type`.
const KEYS: [&str; 6] = ["error_key", "error", "type", "error_code", "code", "key"];
const MESSAGES: [&str; 5] = ["error_message", "error_description", "message", "detail", "title"];

/// Key and message of an error response.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) error_key: Option<String>,
    pub(crate) message: Option<String>,
}

impl Refusal {
    /// Decodes any documented shape, nested or not, with member names in any letter case. `error_type` is the error kind from a
    /// header of Amazon's gateway (observed), which is used if the body contains no kind. Any other body yields an empty value.
    pub(crate) fn read(body: &[u8], error_type: Option<&str>) -> Self {
        let body = String::from_utf8_lossy(body);
        let (error_key, message) = match serde_json::from_str(body.trim_start_matches('\u{feff}')) {
            Ok(Value::String(text)) => (None, quota_message(&text)),
            Ok(body) => (find_first(&body, &KEYS), find_first(&body, &MESSAGES)),
            // The body is plain text, or JSON that is cut off.
            Err(_) => (None, quota_message(&body)),
        };
        Self {
            error_key: error_key.or_else(|| clean(error_type?)),
            message,
        }
    }

    pub(crate) fn class(&self, status: StatusCode) -> FailureClass {
        match status {
            StatusCode::UNAUTHORIZED => FailureClass::Unauthenticated,
            StatusCode::FORBIDDEN if self.is_no_such_path() => FailureClass::NoSuchPath,
            StatusCode::FORBIDDEN => FailureClass::Forbidden,
            StatusCode::NOT_FOUND => FailureClass::NotFound,
            // A body that names no limit is treated as throttling, whose pause is shorter. If the day is used up, the next call
            // gets the same response again.
            StatusCode::TOO_MANY_REQUESTS if self.is_quota_exceeded() => FailureClass::QuotaExceeded,
            StatusCode::TOO_MANY_REQUESTS => FailureClass::Throttled,
            status if status.is_client_error() => FailureClass::Rejected,
            status if status.is_server_error() => FailureClass::ServerFailure,
            _ => FailureClass::Invalid,
        }
    }

    fn is_no_such_path(&self) -> bool {
        let words = [&self.error_key, &self.message].into_iter().flatten();
        words.into_iter().any(|text| letters(text).contains(NO_SUCH_PATH))
    }

    /// The key determines the limit if it names a limit. Otherwise, the message determines the limit.
    fn is_quota_exceeded(&self) -> bool {
        let limit = |text: &Option<String>| text.as_deref().and_then(limit_named_by);
        limit(&self.error_key).or_else(|| limit(&self.message)) == Some(LimitKind::Day)
    }
}

/// Limit that a 429 response reports (documented).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum LimitKind {
    Second,
    Day,
}

/// Substrings that identify a limit after removal of all characters other than letters. `throttled` and `quota_exceeded` are
/// documented; the others are inferred from gateway responses.
const OF_THE_SECOND: [&str; 6] = [
    "throttl",
    "toomanyrequest",
    "ratelimit",
    "slowdown",
    "persecond",
    "perminute",
];
const OF_THE_DAY: [&str; 3] = ["quota", "daily", "perday"];

/// Returns the limit that a key, an exception name or a message names. If both limits are named, returns the limit per second.
fn limit_named_by(text: &str) -> Option<LimitKind> {
    // The standard reason phrase of the status names no limit.
    if text.trim().eq_ignore_ascii_case("too many requests") {
        return None;
    }
    let letters = letters(text);
    let has = |words: &[&str]| words.iter().any(|word| letters.contains(word));
    // Prefix and suffix are removed from names such as "com.amazonaws#LimitExceededException:http://…" and "Limit Exceeded"
    // (documented). The name is compared as a whole because Amazon's services also throttle with "RequestLimitExceeded".
    let name = text.split(':').next().and_then(|text| text.rsplit('#').next());
    let name = self::letters(name.unwrap_or(text));
    let is_limit_exceeded = ["exception", "error", ""]
        .into_iter()
        .any(|suffix| name.strip_suffix(suffix) == Some("limitexceeded"));
    if has(&OF_THE_SECOND) {
        Some(LimitKind::Second)
    } else if is_limit_exceeded || has(&OF_THE_DAY) {
        Some(LimitKind::Day)
    } else {
        None
    }
}

/// Returns a plain-text body as the message if it reports that the daily limit is used up. Any other body may be a web page.
fn quota_message(text: &str) -> Option<String> {
    clean(text.trim()).filter(|text| limit_named_by(text) == Some(LimitKind::Day))
}

/// Returns the first string value of a member with one of these names, at any depth. Earlier names take precedence.
fn find_first(body: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| find(body, name, DEPTH_LIMIT))
}

/// Returns the first string value of a member with this name, outer members first.
fn find(value: &Value, name: &str, depth: usize) -> Option<String> {
    let inner = |value: &Value| find(value, name, depth.checked_sub(1)?);
    match value {
        // Most endpoints respond with an array of errors, of which the first is used.
        Value::Array(errors) => errors.iter().find_map(inner),
        Value::Object(members) => {
            let mut named = members.iter().filter(|(key, _)| is_named(key, name));
            let own = named.find_map(|(_, value)| clean(value.as_str()?));
            own.or_else(|| members.values().find_map(inner))
        }
        _ => None,
    }
}

/// Compares member names in any letter case, with or without underscores.
fn is_named(key: &str, name: &str) -> bool {
    letters(key) == letters(name)
}

fn letters(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
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
    fn every_shape_of_an_error_body_is_decoded() {
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
            assert_eq!(&Refusal::read(body.as_bytes(), None), expected, "{body}");
        }
    }

    #[test]
    fn kind_of_429_is_recognised_in_every_shape() {
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
            r#"{"__type":"LimitExceededException"}"#,
            r#"{"__type":"com.amazon.coral.service#LimitExceededException","message":null}"#,
            r#"{"__type":"LimitExceededException:http://internal.amazon.com/coral/"}"#,
            r#"{"code":"429","__type":"LimitExceededException"}"#,
            r#"{"type":"error","error":{"error_key":"quota_exceeded"}}"#,
            r#"{"status":429,"error":"Too Many Requests","message":"Limit Exceeded"}"#,
            r#"{"error":"Limit Exceeded"}"#,
            r#"{"errorCode":"daily_limit_exceeded"}"#,
            r#"{"message":"10000 calls per day are allowed"}"#,
            r#"{"type":"about:blank","title":"Too Many Requests","detail":"The daily limit is reached."}"#,
            "Limit Exceeded",
            "Limit exceeded.\n",
            r#""quota_exceeded""#,
        ] {
            let class = Refusal::read(body.as_bytes(), None).class(StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(class, FailureClass::QuotaExceeded, "{body}");
        }
        for body in [
            r#"{"error_key":"throttled","error_message":"Too Many Requests"}"#,
            r#"{"error_key":"THROTTLED","error_message":"Limit Exceeded"}"#,
            r#"[{"error_key":"throttled"}]"#,
            r#"{"message":"Too Many Requests"}"#,
            r#"{"message":"Rate limit exceeded"}"#,
            r#"{"__type":"TooManyRequestsException"}"#,
            r#"{"__type":"com.amazonaws.apigateway#TooManyRequestsException","message":"Limit Exceeded"}"#,
            r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#,
            r#"{"__type":"RequestLimitExceeded"}"#,
            r#"{"__type":"ProvisionedThroughputExceededException"}"#,
            r#"{"error":"rate_limit_exceeded"}"#,
            r#"{"message":"The quota of 4 calls per second is used up"}"#,
            r#"{"message":"4 calls per second and 10000 per day are allowed"}"#,
            r#"{"error_key":"throttled","error_message":"quota"#,
            r#"{"error":"Too Many Requests"}"#,
            "Too Many Requests",
            "slow down",
            r#""throttled""#,
            r#"{"error_key":7}"#,
            "<html>Limit Exceeded</html>",
            "",
        ] {
            let class = Refusal::read(body.as_bytes(), None).class(StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(class, FailureClass::Throttled, "{body}");
        }
    }

    #[test]
    fn gateway_header_is_used_if_the_body_has_no_error_kind() {
        for (error_type, body, class) in [
            ("LimitExceededException", "", FailureClass::QuotaExceeded),
            (
                "LimitExceededException:http://internal.amazon.com/",
                "<html></html>",
                FailureClass::QuotaExceeded,
            ),
            ("TooManyRequestsException", "", FailureClass::Throttled),
            (
                "TooManyRequestsException",
                r#"{"error_key":"quota_exceeded"}"#,
                FailureClass::QuotaExceeded,
            ),
            (
                "UnknownError",
                r#"{"message":"Limit Exceeded"}"#,
                FailureClass::QuotaExceeded,
            ),
        ] {
            let refusal = Refusal::read(body.as_bytes(), Some(error_type));
            assert_eq!(
                refusal.class(StatusCode::TOO_MANY_REQUESTS),
                class,
                "{error_type} {body}"
            );
        }
        let refusal = Refusal::read(b"", Some("MissingAuthenticationTokenException"));
        assert_eq!(refusal.class(StatusCode::FORBIDDEN), FailureClass::NoSuchPath);
    }

    #[test]
    fn missing_path_differs_from_a_missing_privilege() {
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
                Refusal::read(body.as_bytes(), None).class(StatusCode::FORBIDDEN),
                class,
                "{body}"
            );
        }
    }

    #[test]
    fn status_determines_the_class_and_the_key_only_the_kind_of_429() {
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
    fn message_is_bounded_and_free_of_control_characters() {
        let body = format!(r#"{{"message":"a\n\u001b[31m{}"}}"#, "é".repeat(5000));
        let message = Refusal::read(body.as_bytes(), None).message.unwrap();
        assert_eq!(message.chars().count(), MESSAGE_LIMIT);
        assert!(message.starts_with("a[31mé"));
    }
}
