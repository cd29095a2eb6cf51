//! Listings that come in pages.
//!
//! The upstream's link to the next page is followed only to where the listing itself is: the same origin and the same path, or
//! that path without the prefix that the API's address has behind a gateway. A link to anywhere else, or back to a page that
//! was read, costs the pages behind it and nothing else.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

use jiff::Timestamp;
use sends_core::{Campaign, CampaignSummary, ContactList, Decoded, Listed, NextLink, Page, Segment};
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
pub trait Paged: Listed + Hash {
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
    /// What to ask for the next page. `None` on the last one, and where the listing is cut short.
    pub next: Option<NextPage<T>>,
    /// Why pages are missing behind this one although the upstream has a link to them: it cannot be read, leads away from the
    /// listing, or back to a page that was read. `None` as a rule.
    pub cut_short: Option<&'static str>,
}

/// The next page of a listing, by the upstream's own cursor. How long that stays good is not documented.
#[derive(Debug)]
pub struct NextPage<T> {
    query: PageQuery,
    /// What the pages so far were asked by and what they held, as hashes.
    trail: Vec<u64>,
    listing: PhantomData<fn() -> T>,
}

impl<T> Clone for NextPage<T> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            trail: self.trail.clone(),
            listing: PhantomData,
        }
    }
}

impl<T: Paged> NextPage<T> {
    /// The first page of a listing.
    pub(crate) fn first(query: PageQuery) -> Self {
        Self {
            query,
            trail: Vec::new(),
            listing: PhantomData,
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        T::endpoint(self.query.clone())
    }
}

impl<T: Paged> ResourcePage<T> {
    /// Takes over a page that `asked` brought.
    pub(crate) fn of(decoded: Decoded<Page<T>>, asked: NextPage<T>, base: &BaseUrl) -> Self {
        let page = decoded.value;
        let endpoint = asked.endpoint();
        let next = match &page.next {
            NextLink::None => Ok(None),
            NextLink::Unreadable => Err("it cannot be read"),
            NextLink::To(link) => {
                follow(link, &endpoint.url(base), &format!("{API_VERSION}{endpoint}")).map(Some)
            }
        };
        let next = next.and_then(|query| query.map(|query| asked.onward(query, &page.records)).transpose());
        if let Err(problem) = next {
            tracing::warn!(
                endpoint = endpoint.name(),
                "the pages behind this one are left out, since the link to them is not followed: {problem}"
            );
        }
        Self {
            records: page.records,
            unreadable: page.unreadable,
            cut_short: next.as_ref().err().copied(),
            next: next.ok().flatten(),
        }
    }
}

impl<T: Paged> NextPage<T> {
    /// The page by `query` that comes after this one, which held these records.
    fn onward(mut self, query: PageQuery, records: &[T]) -> Result<Self, &'static str> {
        // Cursors that change from call to call would go unnoticed without the records.
        let held = (!records.is_empty()).then(|| hash(&records));
        let comes_again = |mark: &u64| self.trail.contains(mark);
        if held.as_ref().is_some_and(comes_again) {
            return Err("it leads in a circle");
        }
        self.trail.extend(held);
        self.trail.push(hash(&self.query));
        if self.trail.contains(&hash(&query)) {
            return Err("it leads back to a page that was read");
        }
        Ok(Self { query, ..self })
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What paths in links begin with (documented), wherever the API is reached.
const API_VERSION: &str = "/v3";

/// The query of the page that `link` leads to from the page at `asked`, whose path is `documented` where no gateway is before
/// the API.
fn follow(link: &str, asked: &Url, documented: &str) -> Result<PageQuery, &'static str> {
    let url = asked.join(link).map_err(|_| "it is no URL")?;
    let is_within = url.path() == asked.path() || url.path() == documented;
    if url.origin() != asked.origin() || !is_within || !url.username().is_empty() || url.password().is_some()
    {
        return Err("it leads away from the listing");
    }
    match url.query() {
        Some(query) => Ok(PageQuery(query.into())),
        None => Err("it leads back to the beginning"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "https://api.cc.email/v3/emails?limit=50";

    fn followed(link: &str) -> Result<String, &'static str> {
        follow(link, &ASKED.parse().unwrap(), "/v3/emails").map(|query| query.as_str().to_owned())
    }

    #[test]
    fn behind_a_prefix_a_link_is_followed_with_it_and_without_it() {
        let follow = |link: &str| {
            follow(
                link,
                &"https://gw.example/cc/v3/emails?limit=50".parse().unwrap(),
                "/v3/emails",
            )
        };
        for link in [
            "/v3/emails?cursor=x",
            "/cc/v3/emails?cursor=x",
            "https://gw.example/v3/emails?cursor=x",
            "?cursor=x",
        ] {
            assert_eq!(follow(link).unwrap().as_str(), "cursor=x", "{link}");
        }
        for link in [
            "https://api.cc.email/v3/emails?cursor=x",
            "/v3/contacts?cursor=x",
            "/cc/v3/contacts?cursor=x",
            "/other/v3/emails?cursor=x",
            "/emails?cursor=x",
            "/cc/emails?cursor=x",
        ] {
            assert!(follow(link).is_err(), "{link}");
        }
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
            "/v3/emails#cursor",
            "file:///etc/passwd?x",
            "http://[",
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
