//! Repair of JSON text with invalid characters, so that one malformed name does not make the document unreadable.
//!
//! Observed in similar APIs: unpaired surrogates in escapes, raw control characters and non-UTF-8 bytes in strings, and the
//! literals `NaN` and `Infinity`. A JSON parser rejects the whole document for any of them.

use alloc::borrow::Cow;
use alloc::string::String;

/// Removes a byte order mark and replaces invalid characters with U+FFFD: bytes that are not UTF-8 and, within strings, raw
/// control characters, unpaired surrogates and unknown escapes.
///
/// Outside strings, `NaN` and `Infinity` become `1e999`. No numeric type can represent that number, so only this value is
/// unreadable. Other syntax errors remain. The result borrows the input when there is nothing to replace.
///
/// All decoders of this crate apply this repair. The function is public for other JSON of the same upstream, such as OAuth
/// responses.
///
/// ```
/// let json = sends_core::repair_json(br#"{"name": "a\ud83d"}"#);
/// assert_eq!(json, "{\"name\": \"a\u{fffd}\"}");
/// ```
pub fn repair_json(json: &[u8]) -> Cow<'_, str> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    match String::from_utf8_lossy(json) {
        Cow::Borrowed(text) => repair_strings(text).map_or(Cow::Borrowed(text), Cow::Owned),
        Cow::Owned(text) => Cow::Owned(repair_strings(&text).unwrap_or(text)),
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

const REPLACEMENT_CHARACTER: &str = "\u{fffd}";

/// Valid JSON number beyond the range of every numeric type. The number is also valid after a minus sign.
const OUT_OF_RANGE_NUMBER: &str = "1e999";

/// Returns the repaired text, or `None` when no repair is needed.
fn repair_strings(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut repaired = String::new();
    let (mut at, mut copied, mut in_string) = (0, 0, false);
    while let Some(&byte) = bytes.get(at) {
        let (length, is_odd) = match byte {
            b'"' => {
                in_string = !in_string;
                (1, false)
            }
            b'\\' if in_string => escape(&bytes[at..]),
            0..=0x1f if in_string => (1, true),
            b'N' | b'I' if !in_string => non_finite_literal(&bytes[at..]),
            _ => (1, false),
        };
        if is_odd {
            // All replaced text is ASCII, so both cuts are at character boundaries.
            repaired.push_str(&text[copied..at]);
            repaired.push_str(if in_string {
                REPLACEMENT_CHARACTER
            } else {
                OUT_OF_RANGE_NUMBER
            });
            copied = at + length;
        }
        at += length;
    }
    (copied > 0).then(|| {
        repaired.push_str(&text[copied..]);
        repaired
    })
}

/// Returns the length of the token at the start, and whether that token is `NaN` or `Infinity`.
fn non_finite_literal(bytes: &[u8]) -> (usize, bool) {
    let literal = ["NaN", "Infinity"]
        .into_iter()
        .find(|literal| bytes.starts_with(literal.as_bytes()));
    literal.map_or((1, false), |literal| (literal.len(), true))
}

/// Returns the length of the escape at the start, and whether the escape is invalid.
fn escape(bytes: &[u8]) -> (usize, bool) {
    match bytes.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => (2, false),
        Some(b'u') => match (code_unit(bytes), bytes.get(6..).and_then(code_unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, false),
            (Some(0xd800..=0xdfff), _) => (6, true),
            (Some(_), _) => (6, false),
            (None, _) => (1, true),
        },
        Some(_) => (1, true),
        None => (1, false),
    }
}

/// Returns the UTF-16 code unit of a leading escape such as `\u00e4`.
fn code_unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        Some(unit << 4 | char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;

    use super::repair_json;

    #[test]
    fn valid_text_is_borrowed() {
        for json in [
            "",
            r#"{"a": "b\n\"\\\u00e4\ud83d\ude00", "\\": 1}"#,
            "[\n\t1 ]",
            r#""open"#,
            r#""\"#,
        ] {
            assert!(
                matches!(repair_json(json.as_bytes()), Cow::Borrowed(text) if text == json),
                "{json}"
            );
        }
        assert!(matches!(repair_json(b"\xef\xbb\xbf[]"), Cow::Borrowed("[]")));
    }

    #[test]
    fn only_invalid_characters_are_replaced() {
        for (json, expected) in [
            (&br#"["a\ud83d", "b"]"#[..], r#"["a�", "b"]"#),
            (br#"["\ud83d\ud83d\ude00"]"#, r#"["�\ud83d\ude00"]"#),
            (br#"["\ude00\u00e4x"]"#, r#"["�\u00e4x"]"#),
            (br#"["\ud83dx\\"]"#, r#"["�x\\"]"#),
            (br#"["\x \u12g4"]"#, r#"["�x �u12g4"]"#),
            (b"[\"a\tb\nc\x00\"\n]", "[\"a�b�c�\"\n]"),
            (b"[\"\xff\", \"\xe4\xf6\"]", "[\"�\", \"��\"]"),
            (b"\xef\xbb\xbf[\"\x01\"]", "[\"�\"]"),
            (
                br#"{"NaN": NaN, "b": [Infinity,-Infinity, "Infinity"]}"#,
                r#"{"NaN": 1e999, "b": [1e999,-1e999, "Infinity"]}"#,
            ),
        ] {
            assert_eq!(repair_json(json), expected);
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(&repair_json(json)).is_ok());
        }
    }
}
