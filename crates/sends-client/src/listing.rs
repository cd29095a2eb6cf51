//! Listings that come in pages.
//!
//! Of the upstream's link to the next page only the query is used, and only if the link has the path of the listing itself
//! (`listing/link.rs`). A listing that leads in a circle or brings nothing new any more is cut short (`listing/visited.rs`). A
//! link that is not followed costs the pages behind it and nothing else.

mod link;
mod visited;

use std::{hash::Hash, marker::PhantomData, sync::Arc};

use jiff::Timestamp;
use sends_core::{Campaign, CampaignSummary, ContactList, Decoded, Listed, NextLink, Page, Segment};
use url::form_urlencoded;

use self::visited::VisitedPages;
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

    /// What tells this record from the others of the listing, however its other fields change meanwhile.
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
    /// How many values of each record could not be read, and are missing in it, in the order of the records.
    pub unreadable_values: Vec<usize>,
    /// How many records could not be read. What is wrong with them is in the log.
    pub unreadable: usize,
    /// Whether the list of records itself could not be read, which counts as one record.
    pub lacks_list: bool,
    /// What to ask for the next page. `None` on the last one, and where the listing is cut short.
    pub next: Option<NextPage<T>>,
    /// Why pages are missing behind this one although the upstream has a link to them: it cannot be read, leads away from the
    /// listing or back to a page that was read, or five pages in a row held no record that an earlier page did not. `None` as
    /// a rule.
    pub cut_short: Option<&'static str>,
}

/// The next page of a listing, by the upstream's own cursor. How long that stays good is not documented.
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

/// Why a listing is cut short whose link asks what was asked before.
const TO_A_READ_PAGE: &str = "it leads back to a page that was read";

impl<T> ResourcePage<T> {
    /// Whether the listing is cut short because its link leads back to what was read. An upstream whose last page has such a link
    /// lacks nothing.
    pub fn leads_back(&self) -> bool {
        let circles = [TO_A_READ_PAGE, visited::CYCLE, link::TO_THE_BEGINNING];
        self.cut_short.is_some_and(|reason| circles.contains(&reason))
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
                let documented = format!("{API_VERSION}{endpoint}");
                link::follow(link, &endpoint.url(base), &documented).map(Some)
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
            unreadable_values: page.unreadable_values,
            unreadable: page.unreadable,
            lacks_list: page.lacks_list,
            cut_short: next.as_ref().err().copied(),
            next: next.ok().flatten(),
        }
    }
}

impl<T: Paged> NextPage<T> {
    /// The page by `query` that comes after this one, which held these records.
    fn onward(mut self, query: PageQuery, records: &[T]) -> Result<Self, &'static str> {
        self.visited.note(&self.query, records.iter().map(T::id))?;
        if self.visited.contains(&query) {
            return Err(TO_A_READ_PAGE);
        }
        Ok(Self { query, ..self })
    }
}

/// What paths in links begin with (documented), wherever the API is reached.
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
