//! Ids that are asked for in one call, and what is told of them.
//!
//! Owns how many fit into one and that there is at least one. Must not know what is asked about them.

use std::{fmt::Display, sync::Arc};

use sends_core::{ActivityId, CampaignId, Decoded, Page};

use crate::{Endpoint, FailureClass, UpstreamError};

/// An id that the upstream takes several of at once.
pub trait Batched: Copy + Display {
    /// How many it takes at most (documented).
    const MOST: usize;
}

impl Batched for ActivityId {
    const MOST: usize = 10;
}

impl Batched for CampaignId {
    const MOST: usize = 150;
}

/// From one to as many ids as one call may ask for.
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
    /// These ids in as few batches as they fit into, in their order.
    pub fn split(ids: &[Id]) -> Vec<Self> {
        ids.chunks(Id::MOST).map(|ids| Self(ids.into())).collect()
    }

    /// The ids.
    pub fn ids(&self) -> &[Id] {
        &self.0
    }

    /// Two batches with half of the ids each; `None` for a single one.
    ///
    /// The upstream refuses a batch as a whole where it takes offence at one id (documented), so that halves have to be
    /// asked for to find it.
    pub fn halves(&self) -> Option<[Self; 2]> {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        (!first.is_empty()).then(|| [Self(first.into()), Self(second.into())])
    }

    /// The ids as the upstream's path takes them.
    pub(crate) fn path_segment(&self) -> String {
        let ids: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        ids.join(",")
    }
}

/// What the upstream tells of a batch.
#[derive(Clone, Debug)]
pub struct BatchAnswer<T> {
    /// The records that could be read.
    pub records: Vec<T>,
    /// Why an id may be in none of the records although the upstream knows it: [`FailureClass::Invalid`] when some could not
    /// be read. `None` as a rule; then it does not know such an id.
    pub unreadable: Option<UpstreamError>,
}

impl<T> BatchAnswer<T> {
    pub(crate) fn of(decoded: Decoded<Page<T>>, asked: Endpoint) -> Self {
        let Decoded {
            value: page,
            oddities,
        } = decoded;
        let unreadable = (page.unreadable > 0)
            .then(|| UpstreamError::without_answer(asked, FailureClass::Invalid, oddities.to_string()));
        Self {
            records: page.records,
            unreadable,
        }
    }
}
