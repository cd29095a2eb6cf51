//! Content negotiation by `Accept`, and checks of `Content-Type`.

use http::{HeaderMap, HeaderValue, header};

use super::header_lists::{Weight, items, parameters, value, weight};

/// Media type of a GraphQL response. The bodies are the same, but the status codes differ in meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MediaType {
    /// Every status code comes from the GraphQL server.
    GraphqlResponse,
    /// A status code can come from an intermediary, so valid requests get status 200.
    Json,
}

/// Specificity of a media range that matches a type, in ascending order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Specificity {
    Anything,
    Application,
    Named,
}

impl MediaType {
    const ALL: [Self; 2] = [Self::GraphqlResponse, Self::Json];

    fn name(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// Returns the client's preferred type. `None` if the client accepts neither.
    ///
    /// A client that names neither type gets `application/json`, since the client may predate the other type.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        if items(headers, &header::ACCEPT).next().is_none() {
            return Some(Self::Json);
        }
        let rated = Self::ALL
            .iter()
            .filter_map(|media_type| Some((media_type.preference(headers)?, *media_type)));
        rated
            .max_by_key(|(preference, _)| *preference)
            .map(|(_, media_type)| media_type)
    }

    fn preference(self, headers: &HeaderMap) -> Option<(Weight, Specificity, bool)> {
        let ranges = items(headers, &header::ACCEPT);
        let matching = ranges.filter_map(|range| Some((self.specificity(range)?, quality(range)?)));
        // The most specific range takes precedence, even if a less specific range has a greater weight.
        let (specificity, weight) = matching.max()?;
        let is_default = (specificity == Specificity::Named) == (self == Self::GraphqlResponse);
        (weight > 0).then_some((weight, specificity, is_default))
    }

    fn specificity(self, range: &str) -> Option<Specificity> {
        let name = value(range);
        if name.eq_ignore_ascii_case(self.name()) {
            Some(Specificity::Named)
        } else if name.eq_ignore_ascii_case("application/*") {
            Some(Specificity::Application)
        } else {
            (name == "*/*").then_some(Specificity::Anything)
        }
    }
}

/// Returns the weight of a media range. `None` if the range is invalid or requires a charset other than UTF-8.
fn quality(range: &str) -> Option<Weight> {
    has_utf8(range).then(|| weight(range))?
}

/// Returns whether the client explicitly accepts HTML and prefers it to both GraphQL media types, as browsers do for navigations.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges = items(headers, &header::ACCEPT);
    let html = ranges.filter(|range| value(range).eq_ignore_ascii_case("text/html"));
    let html = html.filter_map(quality).max();
    let graphql = MediaType::ALL
        .iter()
        .filter_map(|media_type| media_type.preference(headers))
        .map(|(weight, ..)| weight);
    html.unwrap_or(0) > graphql.max().unwrap_or(0)
}

/// Returns whether the request has a single `Content-Type`, which is JSON in UTF-8.
pub(super) fn is_json_body(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(declared), None) = (types.next(), types.next()) else {
        return false;
    };
    let is_json = |declared| value(declared).eq_ignore_ascii_case("application/json") && has_utf8(declared);
    declared.to_str().is_ok_and(is_json)
}

/// Returns whether browsers send such a body to another origin without a preflight. The content types of HTML forms, and invalid
/// headers, are exempt from the preflight.
pub(super) fn is_simple_body(headers: &HeaderMap) -> bool {
    const OF_FORMS: [&str; 3] = [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ];
    headers.get_all(header::CONTENT_TYPE).iter().all(|declared| {
        let name = value(declared.to_str().unwrap_or_default());
        // A value without a slash is not a media type, and browsers send it without a preflight as well.
        !name.contains('/') || OF_FORMS.iter().any(|simple| name.eq_ignore_ascii_case(simple))
    })
}

/// Returns whether the charset is UTF-8 or unspecified.
fn has_utf8(declared: &str) -> bool {
    let mut charsets = parameters(declared).filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
    charsets.all(|(_, charset)| ["utf-8", "utf8"].contains(&&*charset.to_ascii_lowercase()))
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
    fn client_preference_selects_the_media_type() {
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
    fn html_must_be_explicitly_preferred() {
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
    fn only_json_bodies_in_utf8_are_accepted() {
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
