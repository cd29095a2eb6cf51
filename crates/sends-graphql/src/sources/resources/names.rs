//! Reads the names of contact lists and segments in as few calls as possible.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use sends_client::{FailureClass, Paged, ResourcePage, UpstreamError};
use sends_core::{ContactList, ListId, Segment, SegmentId};

use super::Resources;
use crate::sources::histories::{ReadError, RequestContext};

#[derive(Debug)]
pub struct ContactLists {
    by_id: HashMap<ListId, ContactList>,
    /// Cause of missing lists. `None` if the listing is complete.
    gap: Option<Gap>,
}

/// Cause of missing records in a listing.
#[derive(Clone, Debug)]
pub enum Gap {
    /// Number of undecodable records. 1 if the whole array of records is undecodable.
    Unreadable(usize),
    /// The link to the next page was not followed, for example because the link is invalid.
    CutShort,
    /// The listing exceeds the maximum number of pages.
    TooLong,
    /// A page after the first page failed.
    Failed(Arc<UpstreamError>),
}

impl ContactLists {
    /// Approximate size in memory.
    pub(super) fn bytes(&self) -> usize {
        let of_list = |(id, list): (&ListId, &ContactList)| {
            let texts = [&list.name, &list.description];
            let texts = texts.into_iter().flatten().map(String::len);
            size_of::<(ListId, ContactList)>() + 2 * id.as_str().len() + texts.sum::<usize>()
        };
        size_of::<Self>() + self.by_id.iter().map(of_list).sum::<usize>()
    }

    /// `None` if the account has no list with this id.
    ///
    /// # Errors
    ///
    /// The cause, if the listing is incomplete and the list is missing from it.
    pub fn get(&self, id: &ListId) -> Result<Option<&ContactList>, Gap> {
        match (self.by_id.get(id), &self.gap) {
            (None, Some(gap)) => Err(gap.clone()),
            (list, _) => Ok(list),
        }
    }
}

/// Segments of an account by id, except deleted segments.
pub type Segments = HashMap<SegmentId, Arc<Segment>>;
/// Requested segments by id. `None` if a segment no longer exists.
pub type SegmentsById = HashMap<SegmentId, Result<Option<Arc<Segment>>, ReadError>>;

/// Approximate size in memory.
pub(super) fn segment_bytes(segments: &Segments) -> usize {
    let of_segment = |segment: &Arc<Segment>| {
        let name = segment.name.as_ref().map_or(0, String::len);
        size_of::<(SegmentId, Arc<Segment>, Segment)>() + name
    };
    size_of::<Segments>() + segments.values().map(of_segment).sum::<usize>()
}

/// Maximum number of pages read from a listing: 10,000 lists or 20,000 segments. Limits the memory if the upstream returns an
/// endless listing.
const MAX_PAGES: usize = 20;

impl Resources {
    /// Returns all contact lists of the account, including deleted lists. If a page after the first page fails, returns the last
    /// complete listing, or else the pages before the failed page.
    pub async fn contact_lists(&self, context: &RequestContext) -> Result<Arc<ContactLists>, ReadError> {
        let mut partial = None;
        let read = async {
            let listing = self.0.client.contact_lists(&context.caller);
            let (lists, gap) = self.all(context, listing).await?;
            let by_id = lists.into_iter().map(|list| (list.id.clone(), list)).collect();
            whole_or_failed(
                ContactLists {
                    by_id,
                    gap: gap.clone(),
                },
                gap,
                &mut partial,
            )
            .map_err(Arc::unwrap_or_clone)
        };
        let read = self.read(context, &self.0.contact_lists, (), read).await;
        read.or_else(|error| partial.map(Arc::new).ok_or(error))
    }

    /// Reads segments from the listing, and fetches each segment that is missing from it, such as a deleted segment. Even for a
    /// single segment, the listing rarely takes more than one call, and it is cached for later reads. Returns an error only if
    /// the listing fails. The failure of a single segment is in its entry.
    pub async fn segments(
        &self,
        context: &RequestContext,
        ids: &[SegmentId],
    ) -> Result<SegmentsById, ReadError> {
        let listed = self.listed_segments(context).await?;
        let found = ids.iter().map(|&id| {
            let listed = listed.get(&id).cloned();
            async move {
                let segment = match listed {
                    Some(segment) => Ok(Some(segment)),
                    None => self.unlisted_segment(context, id).await,
                };
                (id, segment)
            }
        });
        Ok(join_all(found).await.into_iter().collect())
    }

    async fn listed_segments(&self, context: &RequestContext) -> Result<Arc<Segments>, ReadError> {
        let mut partial = None;
        let read = async {
            // Gaps other than a failed page are ignored, because a segment missing from the listing is fetched separately.
            let (segments, gap) = self.all(context, self.0.client.segments(&context.caller)).await?;
            let by_id = |segment: Segment| (segment.id, Arc::new(segment));
            whole_or_failed(segments.into_iter().map(by_id).collect(), gap, &mut partial)
                .map_err(Arc::unwrap_or_clone)
        };
        let read = self.read(context, &self.0.segments, (), read).await;
        read.or_else(|error| partial.map(Arc::new).ok_or(error))
    }

    /// Fetches a segment that is missing from the listing. `None` is cached as well, so that a deleted segment is not fetched
    /// repeatedly.
    async fn unlisted_segment(
        &self,
        context: &RequestContext,
        id: SegmentId,
    ) -> Result<Option<Arc<Segment>>, ReadError> {
        let read = async {
            match self.0.client.segment(&context.caller, id).await {
                Err(error) if error.class == FailureClass::NotFound => Ok(None),
                read => read.map(Arc::new).map(Some),
            }
        };
        let segment = self.read(context, &self.0.unlisted_segments, id, read).await?;
        Ok(Option::clone(&segment))
    }

    /// Reads up to [`MAX_PAGES`] pages. Returns their records and the cause of missing records. Returns an error only if the
    /// first page fails. The failure of a later page is a [`Gap`].
    async fn all<T: Paged>(
        &self,
        context: &RequestContext,
        first: impl Future<Output = Result<ResourcePage<T>, UpstreamError>>,
    ) -> Result<(Vec<T>, Option<Gap>), UpstreamError> {
        let mut page = first.await?;
        let (mut records, mut unreadable) = (page.records, page.unreadable);
        for _ in 1..MAX_PAGES {
            let Some(next) = page.next.take() else { break };
            page = match self.0.client.next_page(&context.caller, &next).await {
                Ok(page) => page,
                Err(error) => return Ok((records, Some(Gap::Failed(Arc::new(error))))),
            };
            records.append(&mut page.records);
            unreadable += page.unreadable;
        }
        let gap = if page.next.is_some() {
            tracing::warn!("the listing of names goes on after {MAX_PAGES} pages; the rest is not read");
            Some(Gap::TooLong)
        } else if page.cut_short.is_some() {
            Some(Gap::CutShort)
        } else {
            (unreadable > 0).then_some(Gap::Unreadable(unreadable))
        };
        Ok((records, gap))
    }
}

/// Returns a listing if none of its pages failed. Otherwise moves the listing to `partial`, so that it is not cached, not
/// returned to other operations, and does not replace the last complete listing.
fn whole_or_failed<T>(
    listing: T,
    gap: Option<Gap>,
    partial: &mut Option<T>,
) -> Result<T, Arc<UpstreamError>> {
    match gap {
        Some(Gap::Failed(error)) => {
            *partial = Some(listing);
            Err(error)
        }
        _ => Ok(listing),
    }
}
