//! Lenient parser of token and device responses.
//!
//! All members except an access token or a device code are optional, because discarding the response to a refresh loses the
//! rotated refresh token. Observed or plausible: numbers as strings or floats, `scope` as an array, a missing `token_type`, other
//! content types, a form instead of JSON, invalid characters, and bytes before and after the object.

mod members;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use self::members::Members;

/// Lifetime of an access token (documented), and the maximum accepted lifetime.
const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Minimum accepted lifetime. A shorter lifetime would require a refresh for nearly every query.
const MIN_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

/// Minimum `expires_in` that is an absolute time in seconds (the year 2001), because no token is valid for thirty years.
const FIRST_ABSOLUTE: f64 = 1e9;

/// Minimum `expires_in` that is an absolute time in milliseconds.
const FIRST_ABSOLUTE_MS: f64 = 1e12;

/// Default lifetime of a device code (documented).
const DEVICE_LIFE: Duration = Duration::from_mins(10);

const MAX_DEVICE_LIFETIME: Duration = Duration::from_hours(1);

const DEVICE_INTERVAL: Duration = Duration::from_secs(5);

/// Maximum accepted interval. The server can increase the interval further with `slow_down`.
const MAX_DEVICE_INTERVAL: Duration = Duration::from_mins(1);

/// Maximum number of `{` in a body at which the parser searches for an object with both tokens.
const MAX_OBJECTS: usize = 32;

/// Maximum length in characters of upstream text in errors.
const PRINTABLE_LIMIT: usize = 300;

#[derive(Debug)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: Option<SecretString>,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) expires_in: Option<f64>,
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct DeviceResponse {
    pub(crate) device_code: SecretString,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    pub(crate) expires_in: Duration,
    pub(crate) interval: Duration,
}

/// OAuth error (RFC 6749, section 5.2), or the same code in one of the API's own error formats.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}{}", description.as_ref().map(|text| format!(" ({text})")).unwrap_or_default())]
pub(crate) struct OAuthError {
    /// OAuth error code in lower case.
    pub(crate) code: String,
    pub(crate) description: Option<String>,
}

impl TokenResponse {
    /// Returns `None` if the body is neither a JSON object nor a form, or is truncated before both tokens. Text before an object
    /// with both tokens is skipped.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let response = Members::read(body).as_ref().and_then(Self::of);
        if response.as_ref().is_some_and(Self::has_both_tokens) {
            return response;
        }
        let objects = (0..body.len()).filter(|place| body[*place] == b'{');
        objects
            .take(MAX_OBJECTS)
            .filter_map(|begin| Self::of(&Members::read(&body[begin..])?))
            .find(Self::has_both_tokens)
            .or(response)
    }

    fn of(members: &Members) -> Option<Self> {
        let response = Self {
            access_token: members.text(&["access_token"]).map(SecretString::from),
            refresh_token: members.token("refresh_token").map(SecretString::from),
            expires_in: members.number("expires_in"),
            scopes: members.words("scope"),
        };
        (members.is_whole || response.has_both_tokens()).then_some(response)
    }

    pub(crate) fn has_both_tokens(&self) -> bool {
        self.access_token.is_some() && self.refresh_token.is_some()
    }
}

impl DeviceResponse {
    /// Returns `None` if a code or the verification URI is missing.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let members = Members::read_whole(body)?;
        let seconds = |name: &str| {
            let seconds = members.number(name).filter(|seconds| *seconds >= 0.0)?;
            Duration::try_from_secs_f64(seconds).ok()
        };
        // These strings are shown in a terminal.
        let shown = |names: &[&str]| members.text(names).map(|text| printable(&text));
        let life = seconds("expires_in").filter(|life| !life.is_zero());
        Some(Self {
            device_code: members.text(&["device_code"])?.into(),
            user_code: shown(&["user_code"])?,
            // The second name comes from drafts of the standard and is still in use.
            verification_uri: shown(&["verification_uri", "verification_url"])?,
            verification_uri_complete: shown(&["verification_uri_complete"]),
            expires_in: life.unwrap_or(DEVICE_LIFE).min(MAX_DEVICE_LIFETIME),
            interval: seconds("interval")
                .unwrap_or(DEVICE_INTERVAL)
                .min(MAX_DEVICE_INTERVAL),
        })
    }
}

impl OAuthError {
    pub(crate) fn new(code: &str, description: Option<&str>) -> Self {
        Self {
            code: printable(code),
            description: description.map(printable),
        }
    }

    /// Returns `None` if the body contains no code, such as an HTML page.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        const CODES: [&str; 5] = ["error", "error_key", "errorCode", "error_code", "code"];
        const DESCRIPTIONS: [&str; 5] = [
            "error_description",
            "error_message",
            "errorSummary",
            "message",
            "description",
        ];
        let members = Members::read_whole(body)?;
        // `error` may be an object with the code and the description.
        let nested = members.nested("error");
        let members = nested.as_ref().unwrap_or(&members);
        let code = members.text(&CODES)?.to_lowercase();
        Some(Self::new(&code, members.text(&DESCRIPTIONS).as_deref()))
    }
}

/// Limits the length of a text and removes control characters, which could control a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(PRINTABLE_LIMIT)
        .collect()
}

/// Returns the expiry of a token that was requested at `requested_at`.
///
/// | `expires_in` | lifetime |
/// |---|---|
/// | a positive number of seconds | that number, clamped to between a minute and a day |
/// | 10⁹ or more | until that time, in seconds or milliseconds since 1970, within the same limits |
/// | zero, negative, a past time, missing or not a number | a day (documented) |
///
/// The upstream rejects a token that expires earlier, which is then renewed.
pub(crate) fn expires_at(requested_at: Timestamp, expires_in: Option<f64>) -> Timestamp {
    let seconds = |number: f64| SignedDuration::try_from_secs_f64(number).ok();
    let until = |end: SignedDuration| {
        let end = Timestamp::UNIX_EPOCH.checked_add(end).ok()?;
        Some(end.duration_since(requested_at))
    };
    let life = expires_in.and_then(|number| match number {
        end if end >= FIRST_ABSOLUTE_MS => until(seconds(end / 1e3)?),
        end if end >= FIRST_ABSOLUTE => until(seconds(end)?),
        life => seconds(life),
    });
    let life = life.filter(SignedDuration::is_positive).unwrap_or(MAX_LIFETIME);
    let life = life.clamp(MIN_LIFETIME, MAX_LIFETIME);
    requested_at.checked_add(life).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(body: &str) -> TokenResponse {
        TokenResponse::read(body.as_bytes()).unwrap()
    }

    fn shown(token: Option<&SecretString>) -> Option<&str> {
        token.map(ExposeSecret::expose_secret)
    }

    #[test]
    fn malformed_member_does_not_lose_the_tokens() {
        let neighbours = [
            r#""token_type":null"#,
            r#""token_type":7"#,
            r#""expires_in":1e999"#,
            r#""expires_in":{"seconds":5}"#,
            r#""scope":{"a":1}"#,
        ];
        for neighbour in neighbours {
            let response = read(&format!(
                r#"{{"access_token":"a","refresh_token":"r","organization":"half a pair \ud83d",{neighbour}}}"#
            ));
            assert_eq!(shown(response.access_token.as_ref()), Some("a"), "{neighbour}");
            assert_eq!(shown(response.refresh_token.as_ref()), Some("r"), "{neighbour}");
        }
        let framed = "\u{feff}\r\n {\"access_token\":\" a\\n\",\"note\":\"a\tb\"}\n\0";
        assert_eq!(shown(read(framed).access_token.as_ref()), Some("a"));
        let mut invalid = br#"{"access_token":"a","note":""#.to_vec();
        invalid.extend(b"\xff\"}");
        assert!(TokenResponse::read(&invalid).unwrap().access_token.is_some());
    }

    #[test]
    fn invalid_character_or_surrounding_text_does_not_lose_the_tokens() {
        let bodies: [&[u8]; 20] = [
            br#"/* served by node 7 */ {"access_token":"a","refresh_token":"r"}"#,
            br#")]}',{"access_token":"a","refresh_token":"r"}"#,
            br#"while(1);{"access_token":"a","refresh_token":"r"}"#,
            br#"callback({"access_token":"a","refresh_token":"r"});"#,
            br#"{"half \ud83d":1,"access_token":"a","refresh_token":"r"}"#,
            br#"{"\ude00":{"\ud83d":[]},"access_token":"a","refresh_token":"r"}"#,
            br#"{"access_token":"a","note":"\ud83dx","refresh_token":"r"}"#,
            br#"{"access_token":"a","note":"\x","refresh_token":"r"}"#,
            b"{\"access_token\":\"a\",\"note \xff\":\"\xe4\",\"refresh_token\":\"r\"}",
            b"{\"access_token\":\"a\",\"note\x01\":\"b\tc\x00\",\"refresh_token\":\"r\"}",
            b"\xef\xbb\xbf{\"access_token\":\"a\",\"refresh_token\":\"r\"}",
            b"\0 \xef\xbb\xbf\xef\xbb\xbf{\"access_token\":\"a\",\"refresh_token\":\"r\"}",
            br#"{"access_token":"a","refresh_token":"r"}{"access_token":"b","refresh_token":"s"}"#,
            b"{\"access_token\":\"a\",\"refresh_token\":\"r\"}\n<!-- served by node 7 -->",
            b"{\"access_token\":\"a\",\"refresh_token\":\"r\"}\0\0\0",
            br#"[{"access_token":"a","refresh_token":"r"}] and more"#,
            br#"{"access_token":"a","refresh_token":"r","expires_in":NaN}"#,
            br#"{"access_token":"a","refresh_token":"r",}"#,
            br#"{"access_token":"a","refresh_token":"r","scope":"broken o"#,
            b"access_token=a&refresh_token=r&token_type=bearer&expires_in=86400",
        ];
        for body in bodies {
            let shown_body = String::from_utf8_lossy(body);
            let response = TokenResponse::read(body).unwrap_or_else(|| panic!("{shown_body}"));
            assert_eq!(shown(response.access_token.as_ref()), Some("a"), "{shown_body}");
            assert_eq!(shown(response.refresh_token.as_ref()), Some("r"), "{shown_body}");
        }
    }

    #[test]
    fn last_readable_value_of_a_repeated_member_is_used() {
        for (twice, token) in [
            (r#""refresh_token":"q","refresh_token":"r""#, Some("r")),
            (r#""refresh_token":"r","refresh_token":null"#, Some("r")),
            (r#""refresh_token":"r","refresh_token":" ""#, Some("r")),
            (r#""refresh_token":[],"refresh_token":"r""#, Some("r")),
            (r#""refresh_token":null,"refresh_token":{}"#, None),
        ] {
            let response = read(&format!(r#"{{"access_token":"a",{twice}}}"#));
            assert_eq!(shown(response.refresh_token.as_ref()), token, "{twice}");
        }
    }

    #[test]
    fn refresh_token_with_an_invalid_character_is_ignored() {
        for broken in [r"r\ud83d", r"r\u0000t", "r\u{fffd}", "r\tt", "r\u{7f}t"] {
            let response = read(&format!(r#"{{"access_token":"a","refresh_token":"{broken}"}}"#));
            assert!(response.access_token.is_some(), "{broken}");
            assert!(response.refresh_token.is_none(), "{broken}");
        }
    }

    #[test]
    fn form_is_parsed_like_an_object() {
        let form = "\u{feff}scope=campaign_data%20offline_access&access_token=a%2Bb&expires_in=300\r\n";
        let response = read(form);
        assert_eq!(shown(response.access_token.as_ref()), Some("a+b"));
        assert!(response.refresh_token.is_none());
        assert_eq!(response.expires_in, Some(300.0));
        assert_eq!(response.scopes, ["campaign_data", "offline_access"]);
        let error = OAuthError::read(b"error=invalid_grant&error_description=Gone.").unwrap();
        assert_eq!(
            (error.code.as_str(), error.description.as_deref()),
            ("invalid_grant", Some("Gone."))
        );
    }

    #[test]
    fn blank_token_is_ignored() {
        for blank in [r#""""#, r#"" \t""#, "null", "[]", "true", "{}"] {
            let response = read(&format!(r#"{{"access_token":{blank},"refresh_token":{blank}}}"#));
            assert!(response.access_token.is_none(), "{blank}");
            assert!(response.refresh_token.is_none(), "{blank}");
        }
        for body in [
            "",
            "<html>",
            "null",
            "[]",
            "\"a\"",
            "Unauthorized",
            "<a href=\"/?x=1&access_token=a\">",
            r#"{"access_token":"#,
            r#"{"access_token":"a","scope":"broken o"#,
            r#"{"access_token":"a","refresh_token":"broken o"#,
        ] {
            assert!(TokenResponse::read(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn scopes_are_parsed_from_a_string_or_an_array() {
        for scope in [
            r#""campaign_data offline_access""#,
            r#"["campaign_data","offline_access"]"#,
            r#"["campaign_data offline_access",null]"#,
            r#""campaign_data, offline_access ""#,
        ] {
            let response = read(&format!(r#"{{"scope":{scope}}}"#));
            assert_eq!(response.scopes, ["campaign_data", "offline_access"], "{scope}");
        }
        for scope in ["null", "7", r#""""#, "[]", r#"{"0":"a"}"#] {
            assert!(
                read(&format!(r#"{{"scope":{scope}}}"#)).scopes.is_empty(),
                "{scope}"
            );
        }
    }

    #[test]
    fn lifetime_is_clamped_to_between_a_minute_and_a_day() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let in_two_hours = now.as_second() + 7_200;
        let cases = [
            ("86400", 86_400),
            ("\"86400\"", 86_400),
            ("86400.0", 86_400),
            ("\" 300 \"", 300),
            ("299.5", 299),
            ("\"3e2\"", 300),
            ("1", 60),
            ("0.25", 60),
            ("0", 86_400),
            ("-5", 86_400),
            ("null", 86_400),
            ("\"soon\"", 86_400),
            ("\"NaN\"", 86_400),
            ("\"inf\"", 86_400),
            ("[300]", 86_400),
            ("604800", 86_400),
            ("86400000", 86_400),
            ("1e300", 86_400),
            // The expiry is in the past.
            ("1000000000", 86_400),
            // The expiry is several years in the future.
            ("4000000000", 86_400),
            (&in_two_hours.to_string(), 7_200),
            (&format!("{in_two_hours}000"), 7_200),
            (&format!("\"{in_two_hours}\""), 7_200),
        ];
        for (stated, life) in cases {
            let response = read(&format!(r#"{{"expires_in":{stated}}}"#));
            let end = expires_at(now, response.expires_in);
            assert_eq!(end.duration_since(now).as_secs(), life, "{stated}");
        }
        assert_eq!(expires_at(Timestamp::MAX, Some(300.0)), Timestamp::MAX);
    }

    #[test]
    fn device_response_requires_only_its_codes_and_the_address() {
        let device = |more: &str| {
            let body = format!(
                r#"{{"device_code":"d","user_code":12345678,"verification_uri":"https://example.com"{more}}}"#
            );
            DeviceResponse::read(body.as_bytes()).unwrap()
        };
        let cases = [
            ("", 600, 5_000),
            (r#","interval":null,"expires_in":null"#, 600, 5_000),
            (r#","interval":"7","expires_in":"300""#, 300, 7_000),
            (r#","interval":2.5,"expires_in":300.0"#, 300, 2_500),
            (r#","interval":-1,"expires_in":-1"#, 600, 5_000),
            (r#","interval":"soon","expires_in":0"#, 600, 5_000),
            (r#","interval":0,"expires_in":1790000000"#, 3_600, 0),
            (r#","interval":1790000000,"expires_in":1e300"#, 600, 60_000),
        ];
        for (more, life, interval) in cases {
            let device = device(more);
            assert_eq!(device.user_code, "12345678");
            assert_eq!(device.expires_in.as_secs(), life, "{more}");
            assert_eq!(device.interval.as_millis(), interval, "{more}");
        }
        for missing in [
            r#"{"user_code":"u","verification_uri":"v"}"#,
            r#"{"device_code":" ","user_code":"u","verification_uri":"v"}"#,
            r#"{"device_code":"d","verification_uri":"v"}"#,
            r#"{"device_code":"d","user_code":"u"}"#,
        ] {
            assert!(DeviceResponse::read(missing.as_bytes()).is_none(), "{missing}");
        }
    }

    #[test]
    fn error_code_is_found_in_every_format() {
        let bodies = [
            r#"{"error":"invalid_grant","error_description":"Gone."}"#,
            r#"{"error":" INVALID_GRANT ","error_description":"Gone."}"#,
            r#"[{"error_key":"invalid_grant","error_message":"Gone."}]"#,
            r#"{"error_key":"invalid_grant","error_message":"Gone."}"#,
            r#"{"errorCode":"invalid_grant","errorSummary":"Gone."}"#,
            r#"{"error":{"code":"invalid_grant","message":"Gone."}}"#,
        ];
        for body in bodies {
            let error = OAuthError::read(body.as_bytes()).unwrap();
            let expected = ("invalid_grant", Some("Gone."));
            assert_eq!(
                (error.code.as_str(), error.description.as_deref()),
                expected,
                "{body}"
            );
        }
        for body in [
            "",
            "<html>",
            r#"{"message":"Forbidden"}"#,
            "[]",
            r#"[{"error_key":"inv"#,
        ] {
            assert_eq!(OAuthError::read(body.as_bytes()), None, "{body}");
        }
    }
}
