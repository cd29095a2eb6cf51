//! Parses instants in the format of RFC 3339, section 5.6, which is a subset of what the date library accepts.

use jiff::{Timestamp, tz::Offset};

const DATE_AND_TIME: &str = "0000-00-00T00:00:00";

/// Digits of a fraction of a second that an instant can represent. Further ones are cut off.
const MAX_FRACTION_DIGITS: usize = 9;

/// `None` for any other format, and for an instant after 9999-12-30T22:00:00Z.
///
/// A leap second, which the RFC permits at the end of a UTC month only, is the second before it.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (date_and_time, rest) = text.split_at_checked(DATE_AND_TIME.len())?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|character: char| !character.is_ascii_digit())?),
        None => ("0", rest),
    };
    if !has_format(date_and_time, DATE_AND_TIME) || fraction.is_empty() || !is_offset(offset) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(MAX_FRACTION_DIGITS)];
    let at: Timestamp = format!("{date_and_time}.{fraction}{offset}").parse().ok()?;
    let is_leap_second = date_and_time.ends_with("60");
    (!is_leap_second || is_end_of_month(at)).then_some(at)
}

fn is_offset(text: &str) -> bool {
    let numbers = |hours: &str, minutes: &str| hours <= "23" && minutes <= "59";
    matches!(text, "Z" | "z")
        || ["+00:00", "-00:00"].iter().any(|format| has_format(text, format))
            && numbers(&text[1..3], &text[4..])
}

/// Whether the text consists of the characters of the format, with any digit for `0`, and letters in either case.
fn has_format(text: &str, format: &str) -> bool {
    let matches = |(byte, expected): (u8, u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        _ => byte.eq_ignore_ascii_case(&expected),
    };
    text.len() == format.len() && text.bytes().zip(format.bytes()).all(matches)
}

fn is_end_of_month(at: Timestamp) -> bool {
    let at = Offset::UTC.to_datetime(at);
    at.date() == at.date().last_of_month() && (at.hour(), at.minute(), at.second()) == (23, 59, 59)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_the_rfc_is_accepted() {
        for (text, expected) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00.5+05:30", "2026-01-31T06:30:00.5Z"),
            ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00-23:59", "2026-02-01T11:59:00Z"),
            (
                "2026-01-31T12:00:00.123456789987Z",
                "2026-01-31T12:00:00.123456789Z",
            ),
            ("1990-12-31T23:59:60Z", "1990-12-31T23:59:59Z"),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00Z"),
        ] {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_formats_that_the_date_library_accepts_are_rejected() {
        for text in [
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00Z",
            "2026-01-31T12Z",
            "20260131T120000Z",
            "2026-01-31T120000Z",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T12:00:00+05",
            "2026-01-31T12:00:00+0530",
            "2026-01-31T12:00:00+05:30:15",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00Z[UTC]",
            "2026-01-31T12:00:00-05:00[America/New_York]",
            "+002026-01-31T12:00:00Z",
            "2026-01-31T12:00:60Z",
            "1990-12-30T23:59:60Z",
            "1990-12-31T23:59:60-08:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00.5",
            "2026-02-30T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00+05:60",
            "2026-01-31T12:00:00Z ",
            "2026-01-31T12:00:0٣Z",
            "９999-12-31T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
