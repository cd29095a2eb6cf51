//! Paged listings.
//!
//! Of the upstream's link to the next page only the query is used, and only if the link has the path of the listing
//! (`listing/link.rs`). A listing with a cycle or without new records is cut short (`listing/visited.rs`). When a link is not
//! followed, only the pages behind it are missing.

mod link;
mod visited;

use std::{hash::Hash, marker::PhantomData, sync::Arc};

use jiff::Timestamp;
use sends_core::{Campaign, CampaignSummary, ContactList, Decoded, Listed, NextLink, Page, Segment};
use url::form_urlencoded;

use self::visited::VisitedPages;
use crate::{BaseUrl, Endpoint};

/// Query of one page, from the arguments of a listing or from a checked link.
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
    /// The path of a page.
    fn endpoint(query: PageQuery) -> Endpoint;

    /// The id, which identifies the record while its other fields may change.
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

/// Filter and page size of a listing of campaigns.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct CampaignFilter {
    /// Page size, clamped to 1 to 500 (documented).
    pub limit: u16,
    /// Only campaigns updated after this time. `None` for no bound.
    pub updated_after: Option<Timestamp>,
    /// Only campaigns updated before this time. `None` for no bound.
    pub updated_before: Option<Timestamp>,
}

impl Default for CampaignFilter {
    /// All campaigns, with the maximum page size.
    fn default() -> Self {
        Self {
            limit: MAX_PAGE_SIZE,
            updated_after: None,
            updated_before: None,
        }
    }
}

/// Maximum page size of all listings but that of segments (documented).
const MAX_PAGE_SIZE: u16 = 500;
/// Maximum page size of the listing of segments (documented).
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

pub(crate) fn summaries(on_a_page: u16) -> PageQuery {
    PageQuery::of(&[limit(on_a_page)])
}

pub(crate) fn contact_lists() -> PageQuery {
    PageQuery::of(&[limit(MAX_PAGE_SIZE), ("status", "all".to_owned())])
}

pub(crate) fn segments() -> PageQuery {
    PageQuery::of(&[("limit", MAX_SEGMENT_PAGE_SIZE.to_string())])
}

fn limit(on_a_page: u16) -> (&'static str, String) {
    ("limit", on_a_page.clamp(1, MAX_PAGE_SIZE).to_string())
}

/// Page of a listing.
#[derive(Debug)]
pub struct ResourcePage<T> {
    /// Readable records, in the upstream's order.
    pub records: Vec<T>,
    /// Number of unreadable values, which are `None`, per record in the order of the records.
    pub unreadable_values: Vec<usize>,
    /// Number of unreadable records, which are omitted and described in the log.
    pub unreadable: usize,
    /// Whether the list of records itself is unreadable, which counts as one record.
    pub lacks_list: bool,
    /// The next page. `None` on the last page, and when the listing is cut short.
    pub next: Option<NextPage<T>>,
    /// Reason for not following the link to the next page: the link is unreadable, leads away from the listing or back to an
    /// earlier page, or five pages in a row had no new record. Normally `None`.
    pub cut_short: Option<&'static str>,
}

/// The next page of a listing, by the upstream's cursor. The lifetime of a cursor is not documented.
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
    /// The first page of a listing.
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
const TO_A_READ_PAGE: &str = "it leads back to a page that was read";

impl<T> ResourcePage<T> {
    /// Whether the listing is cut short because its link leads back to an earlier page. If the last page has such a link,
    /// nothing is missing.
    pub fn leads_back(&self) -> bool {
        let circles = [TO_A_READ_PAGE, visited::CYCLE, link::TO_THE_BEGINNING];
        self.cut_short.is_some_and(|reason| circles.contains(&reason))
    }
}

impl<T: Paged> ResourcePage<T> {
    /// The decoded page that was requested as `requested`.
    pub(crate) fn of(decoded: Decoded<Page<T>>, requested: NextPage<T>, base: &BaseUrl) -> Self {
        let page = decoded.value;
        let endpoint = requested.endpoint();
        let next = match &page.next {
            NextLink::None => Ok(None),
            NextLink::Unreadable => Err("it cannot be read"),
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
    /// The page with `query` that follows this one, which has these records.
    fn onward(mut self, query: PageQuery, records: &[T]) -> Result<Self, &'static str> {
        self.visited.note(&self.query, records.iter().map(T::id))?;
        if self.visited.contains(&query) {
            return Err(TO_A_READ_PAGE);
        }
        Ok(Self { query, ..self })
    }
}

/// Prefix of paths in links (documented), whatever the base URL.
const API_VERSION: &str = "/v3";

#[cfg(test)]
mod tests {
    use super::*;

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
