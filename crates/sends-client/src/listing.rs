//! Listings, which the upstream returns page by page.
//!
//! Only the query of the upstream's link to the next page is used, and only if the link has the path of the listing
//! (`listing/link.rs`). A listing that has a cycle or no new records is cut short (`listing/visited.rs`). If a link is not
//! followed, only the pages after it are missing.

mod link;
mod visited;

use std::{hash::Hash, marker::PhantomData, sync::Arc};

use jiff::Timestamp;
use sends_core::{Campaign, CampaignSummary, ContactList, Decoded, Listed, NextLink, Page, Segment};
use url::form_urlencoded;

use self::visited::VisitedPages;
use crate::{BaseUrl, Endpoint};

/// Query of one page, built from the arguments of a listing or taken from a validated link.
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

/// Resource with a paged listing.
pub trait Paged: Listed {
    /// Returns the endpoint of a page.
    fn endpoint(query: PageQuery) -> Endpoint;

    /// Returns the id, which identifies the record even if its other fields change.
    fn id(&self) -> impl Hash;
}

macro_rules! paged {
    ($($record:ty => $endpoint:path;)+) => {
        $( impl Paged for $record {
            fn endpoint(query: PageQuery) -> Endpoint {
                $endpoint(query)
            }

            fn id(&self) -> impl Hash {
                &self.id
            }
        } )+
    };
}

paged! {
    Campaign => Endpoint::Campaigns;
    CampaignSummary => Endpoint::CampaignSummaries;
    ContactList => Endpoint::ContactLists;
    Segment => Endpoint::Segments;
}

/// Filter and page size of a campaign listing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CampaignFilter {
    /// Page size, clamped to the range 1 to 500 (documented).
    pub limit: u16,
    /// Only campaigns updated after this time. `None` for no bound.
    pub updated_after: Option<Timestamp>,
    /// Only campaigns updated before this time. `None` for no bound.
    pub updated_before: Option<Timestamp>,
}

impl Default for CampaignFilter {
    /// Returns a filter for all campaigns, with the maximum page size.
    fn default() -> Self {
        Self {
            limit: MAX_PAGE_SIZE,
            updated_after: None,
            updated_before: None,
        }
    }
}

/// Maximum page size of all listings except the segment listing (documented).
const MAX_PAGE_SIZE: u16 = 500;
/// Maximum page size of the segment listing (documented).
const MAX_SEGMENT_PAGE_SIZE: u16 = 1000;

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

pub(crate) fn summaries(page_size: u16) -> PageQuery {
    PageQuery::of(&[limit(page_size)])
}

pub(crate) fn contact_lists() -> PageQuery {
    PageQuery::of(&[limit(MAX_PAGE_SIZE), ("status", "all".to_owned())])
}

pub(crate) fn segments() -> PageQuery {
    PageQuery::of(&[("limit", MAX_SEGMENT_PAGE_SIZE.to_string())])
}

fn limit(page_size: u16) -> (&'static str, String) {
    ("limit", page_size.clamp(1, MAX_PAGE_SIZE).to_string())
}

/// Page of a listing.
#[derive(Debug)]
pub struct ResourcePage<T> {
    /// Readable records, in the upstream's order.
    pub records: Vec<T>,
    /// Number of unreadable values of each record, in the order of the records. Unreadable values are `None`.
    pub unreadable_values: Vec<usize>,
    /// Number of unreadable records, which are omitted and described in the log.
    pub unreadable: usize,
    /// Whether the list of records itself is unreadable, which counts as one unreadable record.
    pub lacks_list: bool,
    /// Next page. `None` on the last page, and when the listing is cut short.
    pub next: Option<NextPage<T>>,
    /// Reason for not following the link to the next page: the link is unreadable, points outside the listing or to an earlier
    /// page, or the last five pages had no new record. Normally `None`.
    pub cut_short: Option<&'static str>,
}

/// Next page of a listing, identified by the upstream's cursor. The lifetime of a cursor is not documented.
#[derive(Debug)]
pub struct NextPage<T> {
    query: PageQuery,
    visited: VisitedPages,
    listing: PhantomData<fn() -> T>,
}

impl<T> Clone for NextPage<T> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            visited: self.visited.clone(),
            listing: PhantomData,
        }
    }
}

impl<T: Paged> NextPage<T> {
    /// Creates a reference to the first page of a listing.
    pub(crate) fn first(query: PageQuery) -> Self {
        Self {
            query,
            visited: VisitedPages::default(),
            listing: PhantomData,
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        T::endpoint(self.query.clone())
    }
}

/// Cause of a cut-short listing: a link to an earlier page.
const TO_AN_EARLIER_PAGE: &str = "it points to a page that was already read";

impl<T> ResourcePage<T> {
    /// Returns whether the listing is cut short because its link points to an earlier page. If the last page has such a link,
    /// no records are missing.
    pub fn leads_back(&self) -> bool {
        let cycles = [TO_AN_EARLIER_PAGE, visited::CYCLE, link::TO_THE_FIRST_PAGE];
        self.cut_short.is_some_and(|reason| cycles.contains(&reason))
    }
}

impl<T: Paged> ResourcePage<T> {
    /// Converts a decoded page that was requested as `requested`.
    pub(crate) fn of(decoded: Decoded<Page<T>>, requested: NextPage<T>, base: &BaseUrl) -> Self {
        let page = decoded.value;
        let endpoint = requested.endpoint();
        let next = match &page.next {
            NextLink::None => Ok(None),
            NextLink::Unreadable => Err("it is unreadable"),
            NextLink::To(link) => {
                let documented = format!("{API_VERSION}{endpoint}");
                link::follow(link, &endpoint.url(base), &documented).map(Some)
            }
        };
        let next = next.and_then(|query| {
            query
                .map(|query| requested.onward(query, &page.records))
                .transpose()
        });
        if let Err(problem) = next {
            tracing::warn!(
                endpoint = endpoint.name(),
                "listing cut short: the link to the next page is not followed, since {problem}"
            );
        }
        Self {
            records: page.records,
            unreadable_values: page.unreadable_values,
            unreadable: page.unreadable,
            lacks_list: page.lacks_list,
            cut_short: next.as_ref().err().copied(),
            next: next.ok().flatten(),
        }
    }
}

impl<T: Paged> NextPage<T> {
    /// Returns the next page, which is identified by `query`. `records` are the records of this page.
    fn onward(mut self, query: PageQuery, records: &[T]) -> Result<Self, &'static str> {
        self.visited.note(&self.query, records.iter().map(T::id))?;
        if self.visited.contains(&query) {
            return Err(TO_AN_EARLIER_PAGE);
        }
        Ok(Self { query, ..self })
    }
}

/// Prefix of paths in links (documented), regardless of the base URL.
const API_VERSION: &str = "/v3";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_limit_is_clamped_to_the_documented_range() {
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
