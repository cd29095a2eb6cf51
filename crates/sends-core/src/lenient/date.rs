//! Decoding of dates.
//!
//! The vendor documents RFC 3339 date-times. Equivalent ISO 8601 notations are accepted as well; the table in the tests lists
//! accepted and rejected notations. Decisions beyond the parser's rules:
//!
//! | form | decision |
//! |---|---|
//! | offset of 24 hours or more, or with seconds | rejected: no zone has such an offset, and RFC 3339 excludes both |
//! | year with a sign | rejected: RFC 3339 requires four digits |
//! | instant before 1970 | rejected: the service is younger, and years such as 1 are zero values of other systems |
//! | zone or calendar in brackets after the offset | rejected: the brackets may contradict the offset |
//! | second 60 | second 59 of the same minute (the parser's rule for leap seconds) |
//! | fraction beyond nanoseconds | truncated |

use alloc::format;

use jiff::Timestamp;

const NANOSECOND_DIGITS: usize = 9;

pub(super) fn read(text: &str) -> Option<Timestamp> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) || !has_real_offset(text) {
        return None;
    }
    parse(text).filter(|instant| *instant >= Timestamp::UNIX_EPOCH)
}

/// Returns whether the string ends with an offset that a time zone can have.
fn has_real_offset(text: &str) -> bool {
    let Some((_, time)) = text.split_once(['T', 't', ' ']) else {
        return false;
    };
    if time.ends_with(['Z', 'z']) {
        return true;
    }
    let Some((_, offset)) = time.split_once(['+', '-']) else {
        return false;
    };
    let hours = offset.get(..2).and_then(|hours| hours.parse::<u8>().ok());
    matches!((offset.len(), hours), (2 | 4 | 5, Some(0..24)))
}

fn parse(text: &str) -> Option<Timestamp> {
    let begin = text.find(['.', ',']).map_or(text.len(), |point| point + 1);
    let digits = text[begin..].bytes().take_while(u8::is_ascii_digit).count();
    if digits <= NANOSECOND_DIGITS {
        return text.parse().ok();
    }
    let (truncated, rest) = (&text[..begin + NANOSECOND_DIGITS], &text[begin + digits..]);
    format!("{truncated}{rest}").parse().ok()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::read;

    #[test]
    fn text_is_accepted_only_if_it_identifies_one_instant() {
        let at = Some("2019-04-18T20:03:08Z");
        let cases = [
            // RFC 3339.
            ("2019-04-18T20:03:08Z", at),
            ("2019-04-18T20:03:08.000Z", at),
            ("2019-04-18T20:03:08+00:00", at),
            ("2019-04-18T20:03:08-00:00", at),
            ("2019-04-18T15:03:08-05:00", at),
            ("2019-04-19T20:02:08+23:59", at),
            ("2019-04-18t20:03:08z", at),
            ("2019-04-18 20:03:08Z", at),
            (
                "2019-04-18T20:03:08.123456789Z",
                Some("2019-04-18T20:03:08.123456789Z"),
            ),
            (
                "2019-04-18T20:03:08.123456789999Z",
                Some("2019-04-18T20:03:08.123456789Z"),
            ),
            ("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59Z")),
            ("2016-12-31T18:59:60-05:00", Some("2016-12-31T23:59:59Z")),
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("1969-12-31T19:00:00-05:00", Some("1970-01-01T00:00:00Z")),
            ("9999-12-30T21:59:59Z", Some("9999-12-30T21:59:59Z")),
            // Unambiguous ISO 8601 notations.
            ("2019-04-18T20:03:08,5Z", Some("2019-04-18T20:03:08.5Z")),
            (
                "2019-04-18T20:03:08,123456789999-05:00",
                Some("2019-04-19T01:03:08.123456789Z"),
            ),
            ("2019-04-18T15:03:08-0500", at),
            ("2019-04-18T15:03:08-05", at),
            ("20190418T200308Z", at),
            ("2019-04-18T20:03Z", Some("2019-04-18T20:03:00Z")),
            // Offsets that no time zone has.
            ("2019-04-18T20:03:08+24:00", None),
            ("2019-04-18T20:03:08+25:00", None),
            ("2019-04-18T20:03:08-99:00", None),
            ("2019-04-18T20:03:08+05:60", None),
            ("2019-04-18T20:03:08+05:30:15", None),
            ("2019-04-18T20:03:08-053015", None),
            ("2019-04-18T20:03:08+5:00", None),
            ("2019-04-18T20:03:08\u{2212}05:00", None),
            ("2019-04-18T20:03:08+ä1", None),
            // Missing offset, or an additional zone.
            ("2019-04-18T20:03:08", None),
            ("2019-04-18", None),
            ("2019-04-18T20:03:08 EST", None),
            ("2019-04-18T20:03:08 Z", None),
            ("2019-04-18T20:03:08Z[UTC]", None),
            ("2019-04-18T20:03:08+00:00[America/New_York]", None),
            ("2019-04-18T20:03:08Z[u-ca=hebrew]", None),
            // Years before the service existed, or not of four digits.
            ("-002019-04-18T20:03:08Z", None),
            ("+002019-04-18T20:03:08Z", None),
            ("-2019-04-18T20:03:08Z", None),
            ("99999-01-01T00:00:00Z", None),
            ("19-04-18T20:03:08Z", None),
            ("0000-01-01T00:00:00Z", None),
            ("0001-01-01T00:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("1970-01-01T00:00:00+00:01", None),
            ("9999-12-31T23:59:59Z", None),
            // Nonexistent times and days.
            ("2019-04-18T24:00:00Z", None),
            ("2016-12-31T23:59:61Z", None),
            ("2019-02-29T20:03:08Z", None),
            ("2019-13-01T20:03:08Z", None),
            ("2019-04-18T20:03:08.Z", None),
            // Other notations.
            ("2019-04-18  20:03:08Z", None),
            ("2019-04-18_20:03:08Z", None),
            (" 2019-04-18T20:03:08Z", None),
            ("2019-108T20:03:08Z", None),
            ("2019-W16-4T20:03:08Z", None),
            ("18 Apr 2019 20:03:08", None),
            ("Thu, 18 Apr 2019 20:03:08 +0000", None),
        ];
        for (text, instant) in cases {
            assert_eq!(
                read(text).map(|read| read.to_string()).as_deref(),
                instant,
                "{text}"
            );
        }
    }
}
