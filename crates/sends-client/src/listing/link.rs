//! Validation of the link to the next page of a listing.

use url::Url;

use super::PageQuery;

/// Cause of a cut-short listing: a link without a query, which points to the first page.
pub(super) const TO_THE_FIRST_PAGE: &str = "it points to the first page";

/// Returns the query of the page that `link` points to. `current` is the URL of the page that contains the link, and
/// `documented` the path of the listing without a gateway.
///
/// Scheme, host and port of the link are ignored because an upstream behind a gateway may write its own host (inferred). Only the
/// query is used, so the request and its token always go to the base URL. A link with the path of another resource is an error
/// because the query would have another meaning there.
pub(super) fn follow(link: &str, current: &Url, documented: &str) -> Result<PageQuery, &'static str> {
    let url = current.join(link).map_err(|_| "it is not a URL")?;
    let is_http = matches!(url.scheme(), "http" | "https");
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let path = url.path().trim_end_matches('/');
    let is_within = path == current.path() || path == documented;
    if !is_http || has_credentials || !is_within {
        return Err("it points outside the listing");
    }
    match url.query() {
        Some(query) if !query.is_empty() => Ok(PageQuery(query.into())),
        _ => Err(TO_THE_FIRST_PAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTED: &str = "https://api.cc.email/v3/emails?limit=50";

    fn followed_from(requested: &str, link: &str) -> Result<String, &'static str> {
        let query = follow(link, &requested.parse().unwrap(), "/v3/emails");
        query.map(|query| query.as_str().to_owned())
    }

    #[test]
    fn link_is_followed_with_and_without_the_gateways_prefix() {
        let followed = |link| followed_from("https://gw.example/cc/v3/emails?limit=50", link);
        for link in [
            "/v3/emails?cursor=x",
            "/cc/v3/emails?cursor=x",
            "https://gw.example/v3/emails?cursor=x",
            "?cursor=x",
        ] {
            assert_eq!(followed(link).unwrap(), "cursor=x", "{link}");
        }
        for link in [
            "/v3/contacts?cursor=x",
            "/cc/v3/contacts?cursor=x",
            "https://api.cc.email/v3/contacts?cursor=x",
            "/other/v3/emails?cursor=x",
            "/emails?cursor=x",
            "/cc/emails?cursor=x",
        ] {
            assert!(followed(link).is_err(), "{link}");
        }
    }

    #[test]
    fn host_of_a_link_is_ignored() {
        for link in [
            "https://api.cc.email/v3/emails?cursor=x",
            "http://gw.example/cc/v3/emails?cursor=x",
            "https://gw.example:8443/cc/v3/emails?cursor=x",
            "//upstream.internal/v3/emails?cursor=x",
        ] {
            let followed = followed_from("https://gw.example/cc/v3/emails?limit=50", link);
            assert_eq!(followed.unwrap(), "cursor=x", "{link}");
        }
    }

    #[test]
    fn link_within_the_listing_is_followed() {
        for link in [
            "/v3/emails?limit=50&cursor=bGltaXQ9",
            "https://api.cc.email/v3/emails?limit=50&cursor=bGltaXQ9",
            "https://API.cc.email:443/v3/../v3/emails?limit=50&cursor=bGltaXQ9",
            "/v3/emails/?limit=50&cursor=bGltaXQ9",
            "/v3/emails?limit=50&cursor=bGltaXQ9#next",
            "emails?limit=50&cursor=bGltaXQ9",
            "?limit=50&cursor=bGltaXQ9",
        ] {
            let followed = followed_from(REQUESTED, link);
            assert_eq!(followed.unwrap(), "limit=50&cursor=bGltaXQ9", "{link}");
        }
    }

    #[test]
    fn link_to_another_resource_is_rejected() {
        for link in [
            "https://user@api.cc.email/v3/emails?cursor=x",
            "https://api.cc.email@example.com/v3/emails?cursor=x",
            "/v3/contacts?cursor=x",
            "/v3/emails/../contacts?cursor=x",
            "/v3/emails%2F..%2Fcontacts?cursor=x",
            "/emails?cursor=x",
            "cursor=x",
            "ftp://api.cc.email/v3/emails?cursor=x",
            "file:///v3/emails?x",
        ] {
            let followed = followed_from(REQUESTED, link);
            assert_eq!(followed, Err("it points outside the listing"), "{link}");
        }
        assert_eq!(followed_from(REQUESTED, "http://["), Err("it is not a URL"));
    }

    #[test]
    fn link_without_a_query_is_rejected() {
        for link in ["/v3/emails", "/v3/emails?", "?", "/v3/emails#cursor"] {
            let followed = followed_from(REQUESTED, link);
            assert_eq!(followed, Err("it points to the first page"), "{link}");
        }
    }
}
