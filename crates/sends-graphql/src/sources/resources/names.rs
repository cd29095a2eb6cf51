//! What contact lists and segments are called.
//!
//! Owns how many names one call brings. Must not know who is named.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use sends_client::{FailureClass, Paged, ResourcePage, UpstreamError};
use sends_core::{ContactList, ListId, Segment, SegmentId};

use super::Resources;
use crate::sources::histories::{ReadError, RequestContext};

/// The contact lists of an account, as far as their listing could be read.
#[derive(Debug)]
pub struct ContactLists {
    by_id: HashMap<ListId, ContactList>,
    /// Why a list may be missing although the account has it. `None` when the listing is complete.
    gap: Option<Gap>,
}

/// Why records of a listing are not known.
#[derive(Clone, Debug)]
pub enum Gap {
    /// So many records, or the list of them as a whole, could not be read.
    Unreadable(usize),
    /// The link to the next page was not followed.
    CutShort,
    /// It has more pages than are read.
    TooLong,
    /// A page after the first one failed.
    Failed(Arc<UpstreamError>),
}

impl ContactLists {
    /// The list with this id; `None` when the account has none.
    ///
    /// # Errors
    ///
    /// Why that is not known, when the listing is incomplete and lacks it.
    pub fn get(&self, id: &ListId) -> Result<Option<&ContactList>, Gap> {
        match (self.by_id.get(id), &self.gap) {
            (None, Some(gap)) => Err(gap.clone()),
            (list, _) => Ok(list),
        }
    }
}

/// The segments of an account by their ids, without deleted ones.
pub type Segments = HashMap<SegmentId, Arc<Segment>>;
/// Segments that were asked for; `None` for one that is gone.
pub type SegmentsById = HashMap<SegmentId, Result<Option<Arc<Segment>>, ReadError>>;

/// How many pages of a listing are read: 10,000 lists or 20,000 segments. An upstream whose listings do not end is not to fill
/// the memory.
const MOST_PAGES: usize = 20;

impl Resources {
    /// Every contact list of the account, deleted ones included. When a page after the first one fails, it is the last known
    /// listing, else the pages before the failed one.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
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

    /// These segments, in as few calls as they can be had with: the listing names all that were not deleted, and what it
    /// leaves out is asked for one by one. Even for one segment the listing is hardly ever the longer way, and it is known
    /// for the next one.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the listing failed; that of a single segment stands in its place.
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
            // A segment that the listing lacks is asked for by itself, so that a gap says nothing about it.
            let (segments, gap) = self.all(context, self.0.client.segments(&context.caller)).await?;
            let by_id = |segment: Segment| (segment.id, Arc::new(segment));
            whole_or_failed(segments.into_iter().map(by_id).collect(), gap, &mut partial)
                .map_err(Arc::unwrap_or_clone)
        };
        let read = self.read(context, &self.0.segments, (), read).await;
        read.or_else(|error| partial.map(Arc::new).ok_or(error))
    }

    /// That one is gone is an answer too, which is not asked for again and again.
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

    /// The records of all pages from the first on, of [`MOST_PAGES`] at the most, and why some are missing.
    ///
    /// # Errors
    ///
    /// When the first page fails. A later one is a [`Gap`].
    async fn all<T: Paged>(
        &self,
        context: &RequestContext,
        first: impl Future<Output = Result<ResourcePage<T>, UpstreamError>>,
    ) -> Result<(Vec<T>, Option<Gap>), UpstreamError> {
        let mut page = first.await?;
        let (mut records, mut unreadable) = (page.records, page.unreadable);
        for _ in 1..MOST_PAGES {
            let Some(next) = page.next.take() else { break };
            page = match self.0.client.next_page(&context.caller, &next).await {
                Ok(page) => page,
                Err(error) => return Ok((records, Some(Gap::Failed(Arc::new(error))))),
            };
            records.append(&mut page.records);
            unreadable += page.unreadable;
        }
        let gap = if page.next.is_some() {
            tracing::warn!("the listing of names goes on after {MOST_PAGES} pages; the rest is not read");
            Some(Gap::TooLong)
        } else if page.cut_short.is_some() {
            Some(Gap::CutShort)
        } else {
            (unreadable > 0).then_some(Gap::Unreadable(unreadable))
        };
        Ok((records, gap))
    }
}

/// Takes a listing, unless a page of it failed: then it is left in `partial`, so that it is neither kept nor given to other
/// operations, and does not replace the last known listing.
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
