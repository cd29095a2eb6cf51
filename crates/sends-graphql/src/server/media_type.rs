//! Media types: negotiation of the response's by `Accept`, and checks of the request's `Content-Type`.

use http::{HeaderMap, HeaderValue, header};

use super::header_lists::{Weight, items, parameters, value, weight};

/// Media type of a GraphQL response. The bodies are the same; the status codes differ in meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MediaType {
    /// The status code is the GraphQL server's.
    GraphqlResponse,
    /// The status code can be that of an intermediary, so that a valid request is answered with 200.
    Json,
}

/// Specificity of the match of a media range and a type, the least specific first.
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

    /// Value of `Content-Type`.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// The client's preferred type. `None` if it accepts neither.
    ///
    /// A client that names neither gets `application/json`, since the client may predate the other type.
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

    /// Rank of the type for the client. `None` if it is not accepted.
    fn preference(self, headers: &HeaderMap) -> Option<(Weight, Specificity, bool)> {
        let ranges = items(headers, &header::ACCEPT);
        let matching = ranges.filter_map(|range| Some((self.specificity(range)?, quality(range)?)));
        // The most specific range decides, even if a less specific one has a greater weight.
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

/// Weight of a media range. `None` if it is invalid, or requires a charset other than UTF-8.
fn quality(range: &str) -> Option<Weight> {
    has_utf8(range).then(|| weight(range))?
}

/// Whether the client names HTML and prefers it to both types of GraphQL responses, as browsers do for a navigation.
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

/// Whether the only `Content-Type` of a request is JSON in UTF-8.
pub(super) fn is_json_body(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(declared), None) = (types.next(), types.next()) else {
        return false;
    };
    let is_json = |declared| value(declared).eq_ignore_ascii_case("application/json") && has_utf8(declared);
    declared.to_str().is_ok_and(is_json)
}

/// Whether browsers send a body of this type to another origin without a preflight: `Content-Type` is one of the three of HTML
/// forms, or unreadable.
pub(super) fn is_simple_body(headers: &HeaderMap) -> bool {
    const OF_FORMS: [&str; 3] = [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ];
    headers.get_all(header::CONTENT_TYPE).iter().all(|declared| {
        let name = value(declared.to_str().unwrap_or_default());
        // Browsers send a value without a slash, which is not a media type, without a preflight as well.
        !name.contains('/') || OF_FORMS.iter().any(|simple| name.eq_ignore_ascii_case(simple))
    })
}

/// Whether the charset, if there is one, is UTF-8.
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
    fn the_client_gets_the_type_that_it_prefers() {
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
    fn only_clients_that_prefer_html_get_it() {
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
