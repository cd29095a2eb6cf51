//! Listings that come in pages.
//!
//! Owns what a page may be asked by, and that the upstream's link to the next page is followed only to where the listing
//! itself is: the same origin and the same path. Must not know what becomes of the records.

use std::{marker::PhantomData, sync::Arc};

use jiff::Timestamp;
use sends_core::{Campaign, CampaignSummary, ContactList, Listed, Page, Segment};
use url::{Url, form_urlencoded};

use crate::{BaseUrl, Endpoint};

/// The query of one page. It can be made only here: from the arguments of a listing or from a checked link.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PageQuery(Arc<str>);

impl PageQuery {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of(arguments: &[(&str, String)]) -> Self {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(arguments)
            .finish();
        Self(query.into())
    }
}

/// A resource that the upstream lists in pages.
pub trait Paged: Listed {
    /// The listing, asked with this query.
    fn endpoint(query: PageQuery) -> Endpoint;
}

impl Paged for Campaign {
    fn endpoint(query: PageQuery) -> Endpoint {
        Endpoint::Campaigns(query)
    }
}

impl Paged for CampaignSummary {
    fn endpoint(query: PageQuery) -> Endpoint {
        Endpoint::CampaignSummaries(query)
    }
}

impl Paged for ContactList {
    fn endpoint(query: PageQuery) -> Endpoint {
        Endpoint::ContactLists(query)
    }
}

impl Paged for Segment {
    fn endpoint(query: PageQuery) -> Endpoint {
        Endpoint::Segments(query)
    }
}

/// Which campaigns to list, and how many on a page.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CampaignFilter {
    /// How many to a page: 1 to 500 (documented). What lies outside is moved to the nearer end.
    pub limit: u16,
    /// Only campaigns updated after this.
    pub updated_after: Option<Timestamp>,
    /// Only campaigns updated before this.
    pub updated_before: Option<Timestamp>,
}

impl Default for CampaignFilter {
    /// All of them, in the greatest pages.
    fn default() -> Self {
        Self {
            limit: MOST_ON_A_PAGE,
            updated_after: None,
            updated_before: None,
        }
    }
}

/// The most records on a page of any listing but the segments' (documented).
const MOST_ON_A_PAGE: u16 = 500;
/// The segments' pages are larger (documented).
const MOST_SEGMENTS_ON_A_PAGE: u16 = 1000;

impl CampaignFilter {
    pub(crate) fn query(&self) -> PageQuery {
        let mut arguments = vec![limit(self.limit)];
        let dates = [
            ("after_date", self.updated_after),
            ("before_date", self.updated_before),
        ];
        for (name, date) in dates {
            arguments.extend(date.map(|date| (name, date.to_string())));
        }
        PageQuery::of(&arguments)
    }
}

pub(crate) fn summaries(on_a_page: u16) -> PageQuery {
    PageQuery::of(&[limit(on_a_page)])
}

pub(crate) fn contact_lists() -> PageQuery {
    PageQuery::of(&[limit(MOST_ON_A_PAGE), ("status", "all".to_owned())])
}

pub(crate) fn segments() -> PageQuery {
    PageQuery::of(&[("limit", MOST_SEGMENTS_ON_A_PAGE.to_string())])
}

fn limit(on_a_page: u16) -> (&'static str, String) {
    ("limit", on_a_page.clamp(1, MOST_ON_A_PAGE).to_string())
}

/// One page as a caller gets it.
#[derive(Debug)]
pub struct ResourcePage<T> {
    /// The records that could be read, in the upstream's order.
    pub records: Vec<T>,
    /// How many could not. What is wrong with them is in the log.
    pub unreadable: usize,
    /// What to ask for the next page. `None` on the last one.
    pub next: Option<NextPage<T>>,
}

/// The next page of a listing, by the upstream's own cursor. How long that stays good is not documented.
#[derive(Debug)]
pub struct NextPage<T> {
    query: PageQuery,
    listing: PhantomData<fn() -> T>,
}

impl<T> Clone for NextPage<T> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            listing: PhantomData,
        }
    }
}

impl<T: Paged> NextPage<T> {
    pub(crate) fn endpoint(&self) -> Endpoint {
        T::endpoint(self.query.clone())
    }
}

impl<T: Paged> ResourcePage<T> {
    /// Takes over a page that was read from `asked`, unless its link leads elsewhere.
    pub(crate) fn of(page: Page<T>, asked: &Endpoint, base: &BaseUrl) -> Result<Self, String> {
        for problem in &page.unreadable {
            tracing::warn!(endpoint = asked.name(), "left out: {problem}");
        }
        let next = page.next.map(|link| follow(&link, &asked.url(base)));
        Ok(Self {
            records: page.records,
            unreadable: page.unreadable.len(),
            next: next.transpose()?.map(|query| NextPage {
                query,
                listing: PhantomData,
            }),
        })
    }
}

/// The query of the page that `link` leads to from the page at `asked`.
fn follow(link: &str, asked: &Url) -> Result<PageQuery, String> {
    let url = asked
        .join(link)
        .map_err(|error| format!("the link to the next page is no URL: {error}"))?;
    if url.origin() != asked.origin() || url.path() != asked.path() || !url.username().is_empty() {
        return Err("the link to the next page leads away from the listing".to_owned());
    }
    match url.query() {
        // A page that follows itself would never end.
        Some(query) if Some(query) != asked.query() => Ok(PageQuery(query.into())),
        _ => Err("the link to the next page leads back to the same page".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "https://api.cc.email/v3/emails?limit=50";

    fn followed(link: &str) -> Result<String, String> {
        follow(link, &ASKED.parse().unwrap()).map(|query| query.as_str().to_owned())
    }

    #[test]
    fn a_link_within_the_listing_is_followed() {
        for link in [
            "/v3/emails?limit=50&cursor=bGltaXQ9",
            "https://api.cc.email/v3/emails?limit=50&cursor=bGltaXQ9",
            "https://API.cc.email:443/v3/../v3/emails?limit=50&cursor=bGltaXQ9",
            "?limit=50&cursor=bGltaXQ9",
        ] {
            assert_eq!(followed(link).unwrap(), "limit=50&cursor=bGltaXQ9", "{link}");
        }
    }

    #[test]
    fn a_link_to_anywhere_else_is_refused() {
        for link in [
            "http://api.cc.email/v3/emails?cursor=x",
            "https://api.cc.email.example/v3/emails?cursor=x",
            "https://api.cc.email@example.com/v3/emails?cursor=x",
            "https://user@api.cc.email/v3/emails?cursor=x",
            "https://api.cc.email:8443/v3/emails?cursor=x",
            "//example.com/v3/emails?cursor=x",
            "/v3/contacts?cursor=x",
            "/v3/emails/../contacts?cursor=x",
            "/v3/emails%2F..%2Fcontacts?cursor=x",
            "/v3/emails/?cursor=x",
            "/emails?cursor=x",
            "/v3/emails",
            "/v3/emails?limit=50",
            "/v3/emails#cursor",
            "file:///etc/passwd?x",
            "http://[",
            "",
        ] {
            assert!(followed(link).is_err(), "{link}");
        }
    }

    #[test]
    fn a_filter_stays_within_the_documented_bounds() {
        let filter = |limit| CampaignFilter {
            limit,
            updated_after: Some("2024-05-01T00:00:00Z".parse().unwrap()),
            updated_before: None,
        };
        for (limit, sent) in [(0, 1), (50, 50), (501, 500)] {
            let query = filter(limit).query();
            let expected = format!("limit={sent}&after_date=2024-05-01T00%3A00%3A00Z");
            assert_eq!(query.as_str(), expected);
        }
    }
}
