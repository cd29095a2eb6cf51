//! Which media type an answer has, and which one a request body may have.
//!
//! Owns the reading of `Accept` and `Content-Type`. Must not know what is answered.

use http::{HeaderMap, HeaderValue, header};

/// A media type of GraphQL answers. They look the same; what differs is how a status code is to be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MediaType {
    /// The status code is the GraphQL server's.
    GraphqlResponse,
    /// The status code could be anybody's on the way, so a request that was understood is answered with 200.
    Json,
}

/// How well a media range fits: not at all, by `*/*`, by `application/*`, or by name.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Fit {
    Anything,
    Application,
    Named,
}

/// A preference between 0 and 1, in thousandths, as the header's grammar has it.
type Quality = u16;

impl MediaType {
    const ALL: [Self; 2] = [Self::GraphqlResponse, Self::Json];

    fn name(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// The type that the client likes best; `None` when it takes neither.
    ///
    /// A client that names none of them gets `application/json`: it may be one that was written before the other type
    /// existed.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let ranges: Vec<&str> = accepted(headers).collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let rated = Self::ALL
            .iter()
            .filter_map(|media_type| Some((media_type.liked(&ranges)?, *media_type)));
        rated
            .max_by_key(|(liking, _)| *liking)
            .map(|(_, media_type)| media_type)
    }

    /// How much the client likes the type; `None` when it does not take it.
    fn liked(self, ranges: &[&str]) -> Option<(Quality, Fit, bool)> {
        let fits = ranges.iter().filter_map(|range| fit(range, self));
        // The most specific range decides, even where a looser one would be kinder.
        let (how, quality) = fits.max_by_key(|&(how, quality)| (how, quality))?;
        let preferred = (how == Fit::Named) == (self == Self::GraphqlResponse);
        (quality > 0).then_some((quality, how, preferred))
    }
}

/// Whether the client names HTML and likes it better than any type of GraphQL answers, as browsers do when they open an
/// address.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges: Vec<&str> = accepted(headers).collect();
    let html = ranges.iter().filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts.next()?.eq_ignore_ascii_case("text/html");
        is_html.then(|| quality(parts))?
    });
    let graphql = MediaType::ALL
        .iter()
        .filter_map(|media_type| media_type.liked(&ranges))
        .map(|(quality, ..)| quality);
    html.max().unwrap_or(0) > graphql.max().unwrap_or(0)
}

/// The media ranges of `Accept`.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::ACCEPT).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
}

/// How a media range fits a type, and how much it is liked.
fn fit(range: &str, media_type: MediaType) -> Option<(Fit, Quality)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?;
    let how = if name.eq_ignore_ascii_case(media_type.name()) {
        Fit::Named
    } else if name.eq_ignore_ascii_case("application/*") {
        Fit::Application
    } else if name == "*/*" {
        Fit::Anything
    } else {
        return None;
    };
    Some((how, quality(parts)?))
}

/// The quality among the parameters of a media range; `None` when one of them cannot be met.
fn quality<'range>(parameters: impl Iterator<Item = &'range str>) -> Option<Quality> {
    let mut quality = 1000;
    for (name, value) in parameters.filter_map(parameter) {
        if name.eq_ignore_ascii_case("q") {
            quality = thousandths(value)?;
        } else if name.eq_ignore_ascii_case("charset") && !is_utf8(value) {
            return None;
        }
    }
    Some(quality)
}

fn thousandths(value: &str) -> Option<Quality> {
    let number: f32 = value.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is between 0 and 1000"
    )]
    (0.0..=1.0)
        .contains(&number)
        .then(|| (number * 1000.0).round() as Quality)
}

/// Whether the body is JSON in UTF-8, by its one `Content-Type`.
pub(super) fn is_json_body(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    is_json
        && parts
            .filter_map(parameter)
            .all(|(name, value)| !name.eq_ignore_ascii_case("charset") || is_utf8(value))
}

/// Whether browsers send a body of this type to another origin without asking first: `Content-Type` is one of the three
/// that HTML forms can send, or cannot be read at all.
pub(super) fn is_simple_body(headers: &HeaderMap) -> bool {
    const OF_FORMS: [&str; 3] = [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ];
    headers.get_all(header::CONTENT_TYPE).iter().all(|value| {
        let name = value
            .to_str()
            .unwrap_or("")
            .split(';')
            .next()
            .unwrap_or("")
            .trim();
        // A value without a slash is no media type; browsers send such a one without asking as well.
        !name.contains('/') || OF_FORMS.iter().any(|simple| name.eq_ignore_ascii_case(simple))
    })
}

fn parameter(part: &str) -> Option<(&str, &str)> {
    let (name, value) = part.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_client_gets_the_type_it_likes_best() {
        const G: Option<MediaType> = Some(MediaType::GraphqlResponse);
        const J: Option<MediaType> = Some(MediaType::Json);
        let cases: [(&[&str], _); 19] = [
            (&[], J),
            (&[""], J),
            (&["*/*"], J),
            (&["application/*"], J),
            (&["application/json"], J),
            (&["application/graphql-response+json"], G),
            (&["application/graphql-response+json, application/json"], G),
            (&["application/json, application/graphql-response+json"], G),
            (&["application/json", "application/graphql-response+json"], G),
            (&["application/graphql-response+json;q=0.9, application/json"], J),
            (&["application/json;q=0.5, */*"], G),
            (&["application/json;q=0, */*"], G),
            (&["application/graphql-response+json; q=0, */*;q=0.1"], J),
            (&["APPLICATION/JSON; CHARSET=\"UTF-8\""], J),
            (&["text/html,application/xhtml+xml,*/*;q=0.8"], J),
            (&["text/html"], None),
            (&["application/json;charset=latin1"], None),
            (
                &["application/json;q=0, application/graphql-response+json;q=0"],
                None,
            ),
            (&["application/json;q=high"], None),
        ];
        for (accept, expected) in cases {
            assert_eq!(
                MediaType::negotiate(&headers(&header::ACCEPT, accept)),
                expected,
                "{accept:?}"
            );
        }
    }

    #[test]
    fn only_who_likes_html_best_gets_it() {
        for (accept, expected) in [
            ("text/html", true),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                true,
            ),
            ("TEXT/HTML; charset=utf-8, application/json;q=0.9", true),
            ("text/html, application/json", false),
            ("text/html, */*", false),
            ("text/html;q=0", false),
            ("text/html;q=0.5, application/graphql-response+json", false),
            ("text/*", false),
            ("*/*", false),
            ("application/json", false),
            ("", false),
        ] {
            let headers = headers(&header::ACCEPT, &[accept]);
            assert_eq!(prefers_html(&headers), expected, "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn a_body_is_json_in_utf8_or_refused() {
        for (values, json, simple) in [
            (vec!["application/json"], true, false),
            (vec!["Application/JSON; charset=\"UTF-8\""], true, false),
            (vec!["application/json; charset=utf-16"], false, false),
            (vec!["application/json", "application/json"], false, false),
            (vec!["application/graphql"], false, false),
            (vec!["text/plain"], false, true),
            (vec!["text/plain; a=application/json"], false, true),
            (vec!["multipart/form-data; boundary=x"], false, true),
            (vec!["application/x-www-form-urlencoded"], false, true),
            (vec!["nonsense"], false, true),
            (vec![], false, true),
        ] {
            let headers = headers(&header::CONTENT_TYPE, &values);
            assert_eq!(is_json_body(&headers), json, "{values:?}");
            assert_eq!(is_simple_body(&headers), simple, "{values:?}");
        }
    }
}
