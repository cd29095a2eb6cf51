//! Checks of the link to the next page of a listing.

use url::Url;

use super::PageQuery;

/// Cause of a cut-short listing: a link without a query.
pub(super) const TO_THE_BEGINNING: &str = "it leads back to the beginning";

/// Query of the page that `link` on the page at `current` points to. `documented` is the path of the listing without a gateway.
///
/// Scheme, host and port of the link are ignored: behind a gateway the upstream may write its own (inferred), and since only the
/// query is used, the request and its token go to the base URL in any case. The path of another resource is an error, since the
/// query would have another meaning there.
pub(super) fn follow(link: &str, current: &Url, documented: &str) -> Result<PageQuery, &'static str> {
    let url = current.join(link).map_err(|_| "it is no URL")?;
    let is_http = matches!(url.scheme(), "http" | "https");
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let path = url.path().trim_end_matches('/');
    let is_within = path == current.path() || path == documented;
    if !is_http || has_credentials || !is_within {
        return Err("it leads away from the listing");
    }
    match url.query() {
        Some(query) if !query.is_empty() => Ok(PageQuery(query.into())),
        _ => Err(TO_THE_BEGINNING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "https://api.cc.email/v3/emails?limit=50";

    fn followed_from(requested: &str, link: &str) -> Result<String, &'static str> {
        let query = follow(link, &requested.parse().unwrap(), "/v3/emails");
        query.map(|query| query.as_str().to_owned())
    }

    #[test]
    fn behind_a_prefix_a_link_is_followed_with_it_and_without_it() {
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
    fn the_address_that_a_link_names_does_not_matter() {
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
    fn a_link_within_the_listing_is_followed() {
        for link in [
            "/v3/emails?limit=50&cursor=bGltaXQ9",
            "https://api.cc.email/v3/emails?limit=50&cursor=bGltaXQ9",
            "https://API.cc.email:443/v3/../v3/emails?limit=50&cursor=bGltaXQ9",
            "/v3/emails/?limit=50&cursor=bGltaXQ9",
            "/v3/emails?limit=50&cursor=bGltaXQ9#next",
            "emails?limit=50&cursor=bGltaXQ9",
            "?limit=50&cursor=bGltaXQ9",
        ] {
            let followed = followed_from(ASKED, link);
            assert_eq!(followed.unwrap(), "limit=50&cursor=bGltaXQ9", "{link}");
        }
    }

    #[test]
    fn a_link_to_another_resource_is_refused() {
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
            let followed = followed_from(ASKED, link);
            assert_eq!(followed, Err("it leads away from the listing"), "{link}");
        }
        assert_eq!(followed_from(ASKED, "http://["), Err("it is no URL"));
    }

    #[test]
    fn a_link_without_a_query_leads_back_to_the_beginning() {
        for link in ["/v3/emails", "/v3/emails?", "?", "/v3/emails#cursor"] {
            let followed = followed_from(ASKED, link);
            assert_eq!(followed, Err("it leads back to the beginning"), "{link}");
        }
    }
}
