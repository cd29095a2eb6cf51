//! Parsers for option values. Each error quotes the value and describes the expected format.

use std::{ops::RangeInclusive, time::Duration};

use bytesize::ByteSize;
use http::HeaderValue;
use jiff::{
    SignedDuration, Span, SpanRelativeTo, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use sends_store::LogOrder;
use url::Url;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const YEAR: Duration = Duration::from_hours(365 * 24);

pub(crate) const MIN_DURATION: Duration = Duration::from_millis(100);

/// Parses a number of seconds such as `60` or `0.5`, or a duration with units such as `90s`, `5m` or `1h 30m`.
pub(crate) fn duration(
    range: RangeInclusive<Duration>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync {
    move |text| {
        let number = text.trim().parse().ok();
        let seconds = number.or_else(|| Some(text.parse::<SignedDuration>().ok()?.as_secs_f64()));
        let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        duration
            .filter(|duration| range.contains(duration))
            .ok_or_else(|| {
                let bound = |bound: &Duration| {
                    SignedDuration::try_from(*bound)
                        .map_or_else(|_| format!("{bound:?}"), |bound| format!("{bound:#}"))
                };
                let (min, max) = (bound(range.start()), bound(range.end()));
                wrong(
                    text,
                    &format!("a duration from {min} to {max}, such as 20, 20s or 5m"),
                )
            })
    }
}

/// Parses a [duration] from one second to one day, or `off`.
pub(crate) fn interval(text: &str) -> Result<Option<Duration>, String> {
    if text.trim() == "off" {
        return Ok(None);
    }
    duration(Duration::from_secs(1)..=24 * HOUR)(text)
        .map(Some)
        .map_err(|error| format!("{error}, or off"))
}

/// Parses a number of bytes such as `1048576`, `64KiB` or `128MiB`.
pub(crate) fn bytes<N: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync {
    move |text| {
        let size = text.trim().parse::<ByteSize>().ok().map(|size| size.as_u64());
        size.and_then(|size| in_range(size, &range)).ok_or_else(|| {
            let (min, max) = (ByteSize(*range.start()), ByteSize(*range.end()));
            wrong(
                text,
                &format!("a number of bytes from {min} to {max}, such as 1048576 or 1MiB"),
            )
        })
    }
}

pub(crate) fn number<N: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync {
    move |text| {
        let number = text.trim().parse().ok();
        number.and_then(|number| in_range(number, &range)).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            wrong(text, &format!("a number from {min} to {max}"))
        })
    }
}

fn in_range<N: TryFrom<u64>>(number: u64, range: &RangeInclusive<u64>) -> Option<N> {
    range
        .contains(&number)
        .then(|| N::try_from(number).ok())
        .flatten()
}

pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(wrong(text, "true or false")),
    }
}

/// Parses a host name without a port, and converts it to lower case.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let host = text.trim();
    let is_name = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    if !host.is_empty() && host.chars().all(is_name) {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(wrong(text, "a name such as sends.example.com, without a port"))
    }
}

/// Parses an origin and normalises it as browsers do: scheme, host, and a port unless it is the scheme's default.
pub(crate) fn origin(text: &str) -> Result<HeaderValue, String> {
    let read = || {
        let url = Url::parse(text.trim()).ok()?;
        let is_origin = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        let value = HeaderValue::from_str(&url.origin().ascii_serialization()).ok()?;
        is_origin.then_some(value)
    };
    read().ok_or_else(|| wrong(text, "an origin such as https://app.example.com, without a path"))
}

pub(crate) fn text(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(wrong(text, "a value"));
    }
    Ok(trimmed.to_owned())
}

/// Parses a time with an offset, or a date, which means midnight UTC.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let midnight = |day: Date| TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok();
    let moment = text.parse().ok().or_else(|| midnight(text.parse().ok()?));
    moment.ok_or_else(|| {
        wrong(
            text,
            "a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z",
        )
    })
}

/// Start of a period that ends now.
#[derive(Clone, Copy, Debug)]
pub enum Since {
    Ago(Span),
    At(Timestamp),
}

impl Since {
    /// Returns the start of the period. A day has 24 hours, a month 30 days and a year 365 days.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(span) => {
                let days = i64::from(span.get_years()) * 365 + i64::from(span.get_months()) * 30;
                let span = span.years(0).months(0);
                let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
                let earlier = length.ok().and_then(|length| {
                    now.checked_sub(length)
                        .ok()?
                        .checked_sub(SignedDuration::from_hours(days * 24))
                        .ok()
                });
                earlier.unwrap_or(Timestamp::MIN)
            }
            Self::At(time) => time,
        }
    }
}

/// Parses a period such as `12h` or `30d`, or a [date or time](moment).
pub(crate) fn since(text: &str) -> Result<Since, String> {
    let period = text.parse::<Span>().ok().filter(Span::is_positive);
    match (period, moment(text)) {
        (Some(span), _) => Ok(Since::Ago(span)),
        (None, Ok(time)) => Ok(Since::At(time)),
        (None, Err(_)) => Err(wrong(
            text,
            "a period such as 12h or 30d, or a date such as 2026-01-31",
        )),
    }
}

pub(crate) fn order(text: &str) -> Result<LogOrder, String> {
    match text {
        "newest" => Ok(LogOrder::NewestFirst),
        "oldest" => Ok(LogOrder::OldestFirst),
        _ => Err(wrong(text, "newest or oldest")),
    }
}

pub(crate) fn one_of<T: Copy + ToString + Send + Sync + 'static>(
    all: &'static [T],
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync {
    move |text| {
        let is_named = |value: &&T| value.to_string().eq_ignore_ascii_case(text);
        all.iter().find(is_named).copied().ok_or_else(|| {
            let names: Vec<_> = all.iter().map(ToString::to_string).collect();
            wrong(text, &format!("one of {}", names.join(", ")))
        })
    }
}

pub(crate) fn parsed<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| wrong(text, expected))
}

pub(crate) fn wrong(text: &str, expected: &str) -> String {
    format!("\"{text}\" is not {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_seconds_or_units_and_a_range() {
        let parse = duration(MIN_DURATION..=HOUR);
        for (text, milliseconds) in [
            ("60", 60_000),
            ("0.5", 500),
            (" 3 ", 3_000),
            ("90s", 90_000),
            ("250ms", 250),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1m 30s", 90_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "0", "-1", "NaN", "inf", "soon", "61m", "5m ago", "1e300"] {
            let expected = format!("\"{text}\" is not a duration from 100ms to 1h, such as 20, 20s or 5m");
            assert_eq!(parse(text), Err(expected));
        }
        assert_eq!(interval("off"), Ok(None));
        assert_eq!(interval("1h"), Ok(Some(HOUR)));
        assert!(interval("0").is_err());
    }

    #[test]
    fn periods_end_now() {
        let now = "2026-03-31T12:00:00Z".parse().unwrap();
        for (text, start) in [
            ("12h", "2026-03-31T00:00:00Z"),
            ("30d", "2026-03-01T12:00:00Z"),
            ("2 weeks", "2026-03-17T12:00:00Z"),
            ("1 month", "2026-03-01T12:00:00Z"),
            ("1y", "2025-03-31T12:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
        ] {
            assert_eq!(since(text).unwrap().before(now).to_string(), start, "{text}");
        }
        assert_eq!(since("19998y").unwrap().before(now), Timestamp::MIN);
        for text in ["", "30", "-1d", "soon", "0d"] {
            assert!(
                since(text).unwrap_err().contains("is not a period such as"),
                "{text}"
            );
        }
    }

    #[test]
    fn sizes_have_bytes_or_units_and_a_range() {
        let parse = bytes::<usize>(1..=1 << 30);
        for (text, size) in [
            ("1048576", 1 << 20),
            ("64KiB", 64 << 10),
            ("128 MiB", 128 << 20),
            ("1kB", 1_000),
        ] {
            assert_eq!(parse(text), Ok(size), "{text}");
        }
        for text in ["", "0", "-1", "2GiB", "many", "1 stone"] {
            let expected = "is not a number of bytes from 1 B to 1.0 GiB, such as 1048576 or 1MiB";
            assert_eq!(parse(text), Err(format!("\"{text}\" {expected}")));
        }
    }

    #[test]
    fn numbers_outside_their_range_or_type_are_rejected() {
        assert_eq!(number::<u32>(0..=10)("10"), Ok(10));
        assert_eq!(
            number::<u32>(0..=10)("11"),
            Err("\"11\" is not a number from 0 to 10".to_owned())
        );
        assert!(number::<u8>(0..=1_000)("300").is_err());
        assert!(number::<u32>(0..=10)("1.5").is_err());
    }

    #[test]
    fn origins_are_normalised_as_in_browsers() {
        assert_eq!(
            origin("https://App.example.com:443/").unwrap(),
            "https://app.example.com"
        );
        for text in [
            "app.example.com",
            "ftp://example.com",
            "https://example.com/path",
            "null",
            "",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
        assert_eq!(host("Sends.Example.com").as_deref(), Ok("sends.example.com"));
        assert!(host("example.com:80").is_err());
    }
}
