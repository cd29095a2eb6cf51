//! Cycle detection in a listing, which protects against an endless sequence of malformed links.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::PageQuery;

/// Number of consecutive pages without a new record after which the listing is cut short. Single empty pages occur in cursor
/// pagination.
const MAX_PAGES_WITHOUT_NEW_RECORD: usize = 5;

/// Cause of a cut-short listing: a page that repeats an earlier page.
pub(super) const CYCLE: &str = "the pages form a cycle";

/// Maximum number of hashes, each of 8 bytes. In a larger listing, a cycle is detected when it returns to a recorded page.
const MAX_HASHES: usize = 1 << 20;

/// Hashes of the pages read so far. Clones share the hashes.
#[derive(Clone, Debug, Default)]
pub(super) struct VisitedPages {
    /// Per page, the hashes of its query, of its records in their order, and of each new record.
    pages: Vec<Arc<[u64]>>,
    hashes: usize,
    pages_without_new_record: usize,
    /// Hash of the records of the last page that had records.
    last: Option<u64>,
}

impl VisitedPages {
    /// Adds a page by its query and the ids of its records. The error is the reason to end the listing.
    pub(super) fn note(
        &mut self,
        query: &PageQuery,
        ids: impl Iterator<Item = impl Hash>,
    ) -> Result<(), &'static str> {
        let records: Vec<u64> = ids.map(|id| hash(&id)).collect();
        let in_order = (!records.is_empty()).then(|| hash(&records));
        // A page that is repeated immediately may be a transient error of the upstream.
        let is_repeated = in_order.is_some() && in_order == self.last;
        let mut new: HashSet<u64> = records.into_iter().collect();
        for recorded in self.hashes() {
            if in_order == Some(recorded) && !is_repeated {
                return Err(CYCLE);
            }
            new.remove(&recorded);
        }
        self.last = in_order.or(self.last);
        self.pages_without_new_record = if new.is_empty() {
            self.pages_without_new_record + 1
        } else {
            0
        };
        if self.pages_without_new_record == MAX_PAGES_WITHOUT_NEW_RECORD && is_repeated {
            return Err(CYCLE);
        }
        if self.pages_without_new_record == MAX_PAGES_WITHOUT_NEW_RECORD {
            return Err("the last five pages had no new record");
        }
        let page: Arc<[u64]> = new.into_iter().chain(in_order).chain([hash(query)]).collect();
        if self.hashes + page.len() <= MAX_HASHES {
            self.hashes += page.len();
            self.pages.push(page);
        }
        Ok(())
    }

    /// Returns whether a page with this query was read.
    pub(super) fn contains(&self, query: &PageQuery) -> bool {
        let query = hash(query);
        self.hashes().any(|recorded| recorded == query)
    }

    fn hashes(&self) -> impl Iterator<Item = u64> {
        self.pages.iter().flat_map(|page| page.iter().copied())
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records these pages. Returns the number of the page at which the listing ends, and the reason.
    fn walk<const N: usize>(pages: [&[u32]; N]) -> Option<(usize, &'static str)> {
        let mut visited = VisitedPages::default();
        pages.into_iter().zip(1..).find_map(|(ids, number)| {
            let query = PageQuery::of(&[("cursor", number.to_string())]);
            visited
                .note(&query, ids.iter())
                .err()
                .map(|reason| (number, reason))
        })
    }

    const NOTHING_NEW: &str = "the last five pages had no new record";

    #[test]
    fn five_consecutive_pages_without_a_new_record_end_the_listing() {
        assert_eq!(walk([&[]; 9]), Some((5, NOTHING_NEW)));
        assert_eq!(
            walk([&[1], &[], &[], &[], &[], &[], &[2]]),
            Some((6, NOTHING_NEW))
        );
    }

    #[test]
    fn a_few_empty_pages_do_not_end_the_listing() {
        let pages: [&[u32]; 11] = [&[], &[], &[1], &[], &[], &[], &[], &[2], &[], &[], &[3]];
        assert_eq!(walk(pages), None);
    }

    #[test]
    fn repeated_records_in_another_order_or_number_are_not_new() {
        let pages: [&[u32]; 7] = [&[1, 2], &[3], &[2, 1], &[3, 2], &[1, 2, 3], &[2, 3, 1], &[3, 1]];
        assert_eq!(walk(pages), Some((7, NOTHING_NEW)));
        let overlapping: [&[u32]; 6] = [&[1, 2], &[2, 3], &[3, 4], &[4, 5], &[5, 6], &[6, 7]];
        assert_eq!(walk(overlapping), None);
    }

    #[test]
    fn repeated_earlier_page_ends_the_listing_immediately() {
        assert_eq!(walk([&[1, 2], &[3], &[1, 2]]), Some((3, CYCLE)));
    }

    #[test]
    fn immediately_repeated_page_does_not_end_the_listing() {
        let pages: [&[u32]; 7] = [&[1, 2], &[1, 2], &[], &[1, 2], &[3], &[3], &[4]];
        assert_eq!(walk(pages), None);
        assert_eq!(walk([&[1, 2]; 9]), Some((6, CYCLE)));
    }

    #[test]
    fn number_of_hashes_is_bounded_and_a_cycle_to_a_recorded_page_is_detected() {
        let mut visited = VisitedPages::default();
        let query = |number: usize| PageQuery::of(&[("cursor", number.to_string())]);
        let page = MAX_HASHES / 8;
        for number in 0..9 {
            visited
                .note(&query(number), number * page..(number + 1) * page)
                .unwrap();
        }
        assert!(visited.hashes <= MAX_HASHES);
        assert_eq!(visited.hashes().count(), visited.hashes);
        assert_eq!(visited.note(&query(10), 0..page), Err("the pages form a cycle"));
    }
}
