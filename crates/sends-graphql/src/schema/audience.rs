//! The contact lists and segments of a send, with their names.
//!
//! An object here is an id until a field needs more. A failed call for the names is told once for an operation; a list that
//! the listing may have but does not show, at each of its fields.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use jiff::Timestamp;
use sends_core::{ListId, SegmentId};

use super::{
    ApiError,
    scalar::{DateTime, count},
    zone::DateTimeZone,
};
use crate::{sources::histories::ReadError, sources::loader::ResourceLoader};

/// What the id of a contact list begins with.
pub(super) const LIST: &str = "ContactList";
/// What the id of a segment begins with.
pub(super) const SEGMENT: &str = "Segment";

/// A contact list.
pub(super) struct ContactList(pub(super) ListId);

/// A segment: contacts chosen by what is known of them.
pub(super) struct Segment(pub(super) SegmentId);

/// Nothing, and an error for the first that asks.
fn told_once<T>(loader: &ResourceLoader, error: ReadError) -> Option<Result<T, ApiError>> {
    loader.first_failure_of_names().then(|| Err(error.into()))
}

impl ContactList {
    async fn field<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(&sends_core::ContactList) -> Option<T>,
    ) -> Option<Result<T, ApiError>> {
        let loader = context.data_unchecked::<ResourceLoader>();
        match loader.contact_lists().await {
            Ok(lists) => match lists.get(&self.0) {
                Ok(list) => list.and_then(field).map(Ok),
                Err(gap) => Some(Err(ApiError::unlisted_contact_list(gap))),
            },
            Err(error) => told_once(loader, error),
        }
    }

    async fn date(
        &self,
        context: &Context<'_>,
        zone: DateTimeZone,
        field: impl FnOnce(&sends_core::ContactList) -> Option<Timestamp>,
    ) -> Option<Result<DateTime, ApiError>> {
        let date = self.field(context, field).await;
        zone.show_read(context, date.transpose()).await
    }
}

/// A contact list. Its ids cost nothing; the first other field reads all lists of the account at once, which needs the
/// scope `contact_data`. Where the account has no such list, these fields are null. Where the lists cannot be read, they are
/// null with one error for the whole operation; where only some of them can be read, and this list is not among those, each
/// is null with an error.
#[Object]
impl ContactList {
    /// An identity for caches: `ContactList:` and the `listId`.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{LIST}:{}", self.0))
    }

    /// Constant Contact's `list_id`.
    async fn list_id(&self) -> ID {
        ID(self.0.to_string())
    }

    /// What it is called.
    async fn name(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.field(context, |list| list.name.clone()).await
    }

    /// What it is for.
    async fn description(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.field(context, |list| list.description.clone()).await
    }

    /// Whether it is marked as a favourite.
    async fn is_favorite(&self, context: &Context<'_>) -> Option<Result<bool, ApiError>> {
        self.field(context, |list| list.favorite).await
    }

    /// Whether it was deleted. Null when the date of that cannot be read.
    async fn is_deleted(&self, context: &Context<'_>) -> Option<Result<bool, ApiError>> {
        self.field(context, |list| list.is_deleted).await
    }

    /// When it was made.
    async fn created_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        self.date(context, zone, |list| list.created_at).await
    }

    /// When it was last changed.
    async fn updated_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        self.date(context, zone, |list| list.updated_at).await
    }

    /// When it was deleted. Null for one that was not.
    async fn deleted_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        self.date(context, zone, |list| list.deleted_at).await
    }

    /// How many of these values Constant Contact gave in a form that cannot be read. They are null; 0 as a rule.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        self.field(context, |list| Some(count(list.unreadable_values)))
            .await
    }
}

impl Segment {
    async fn field<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(Arc<sends_core::Segment>) -> Option<T>,
    ) -> Option<Result<T, ApiError>> {
        let loader = context.data_unchecked::<ResourceLoader>();
        match loader.segment(self.0).await {
            // A segment that is gone has no name; that says nothing about the others.
            Ok(segment) => segment.and_then(field).map(Ok),
            Err(error) => told_once(loader, error),
        }
    }
}

/// A segment: contacts chosen by what is known of them. Its ids cost nothing; the first other field reads the segments of the
/// account at once, deleted ones one by one, which needs the scope `contact_data`. Where they cannot be read, or the segment
/// is gone, these fields are null, with one error for the whole operation where they cannot be read.
#[Object]
impl Segment {
    /// An identity for caches: `Segment:` and the `segmentId`.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{SEGMENT}:{}", self.0))
    }

    /// Constant Contact's `segment_id`: a number of 64 bits.
    async fn segment_id(&self) -> ID {
        ID(self.0.to_string())
    }

    /// What it is called.
    async fn name(&self, context: &Context<'_>) -> Option<Result<String, ApiError>> {
        self.field(context, |segment| segment.name.clone()).await
    }

    /// When it was made.
    async fn created_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        let date = self.field(context, |segment| segment.created_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// When it was last changed.
    async fn edited_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        let date = self.field(context, |segment| segment.edited_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// How many of these values Constant Contact gave in a form that cannot be read. They are null; 0 as a rule.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Option<Result<i32, ApiError>> {
        self.field(context, |segment| Some(count(segment.unreadable_values)))
            .await
    }
}
