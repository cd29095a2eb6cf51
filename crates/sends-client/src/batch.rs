//! Batches of ids for one call, and their response.

use std::{fmt::Display, sync::Arc};

use sends_core::{ActivityId, CampaignId, Decoded, Page};

use crate::{Endpoint, FailureClass, UpstreamError};

/// Id type that a call accepts in batches.
pub trait Batched: Copy + Display {
    /// Maximum number of ids in one call (documented).
    const MAX_IDS: usize;
}

impl Batched for ActivityId {
    const MAX_IDS: usize = 10;
}

impl Batched for CampaignId {
    const MAX_IDS: usize = 150;
}

/// Ids of one call: at least one and at most [`Batched::MAX_IDS`].
///
/// ```
/// use sends_client::Batch;
/// use sends_core::ActivityId;
///
/// let ids: Vec<_> = (0..25).map(|number| ActivityId::from_bytes([number; 16])).collect();
/// let batches = Batch::split(&ids);
/// assert_eq!(batches.iter().map(|batch| batch.ids().len()).collect::<Vec<_>>(), [10, 10, 5]);
/// assert!(Batch::<ActivityId>::split(&[]).is_empty());
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Batch<Id>(Arc<[Id]>);

impl<Id: Batched> Batch<Id> {
    /// Splits ids into as few batches as possible, in their order. Returns no batch for an empty slice.
    pub fn split(ids: &[Id]) -> Vec<Self> {
        ids.chunks(Id::MAX_IDS).map(|ids| Self(ids.into())).collect()
    }

    /// Returns the ids in their order.
    pub fn ids(&self) -> &[Id] {
        &self.0
    }

    /// Splits the batch into two halves, or returns `None` for a single id. The upstream rejects a whole batch because of one
    /// id (documented); bisection finds that id.
    pub fn halves(&self) -> Option<[Self; 2]> {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        (!first.is_empty()).then(|| [Self(first.into()), Self(second.into())])
    }

    pub(crate) fn path_segment(&self) -> String {
        let ids: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        ids.join(",")
    }
}

/// Response to a batch.
#[derive(Clone, Debug)]
pub struct BatchAnswer<T> {
    /// Readable records.
    pub records: Vec<T>,
    /// Error of class [`FailureClass::Invalid`] if some records are unreadable. An id without a record may then belong to an
    /// unreadable record. Normally `None`, and then an id without a record is unknown to the upstream.
    pub unreadable: Option<UpstreamError>,
}

impl<T> BatchAnswer<T> {
    pub(crate) fn of(decoded: Decoded<Page<T>>, requested: Endpoint) -> Self {
        let page = decoded.value;
        let unreadable = (page.unreadable > 0).then(|| {
            let detail = decoded.oddities.to_string();
            UpstreamError::without_answer(requested, FailureClass::Invalid, detail)
        });
        Self {
            records: page.records,
            unreadable,
        }
    }
}
