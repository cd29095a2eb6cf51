//! GraphQL types of contact lists and segments.
//!
//! An object has only an id until another field is selected. If the names cannot be read, the operation reports a single error.
//! If the listing of contact lists is incomplete, each affected field reports an error.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use sends_core::{ListId, SegmentId};

use super::{
    ApiError,
    error::Nullable,
    scalar::{DateTime, Long, TimeZone},
};
use crate::{sources::histories::ReadError, sources::loader::ResourceLoader};

/// Prefix of a contact list's global id.
pub(super) const LIST: &str = "ContactList";
/// Prefix of a segment's global id.
pub(super) const SEGMENT: &str = "Segment";

pub(super) struct ContactList(pub(super) ListId);

pub(super) struct Segment(pub(super) SegmentId);

/// Returns null, with an error only for the operation's first failure.
fn reported_once<T>(loader: &ResourceLoader, error: ReadError) -> Nullable<T> {
    loader.first_failure_of_names().then(|| Err(error.into()))
}

impl ContactList {
    async fn field<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(&sends_core::ContactList) -> Option<T>,
    ) -> Nullable<T> {
        let loader = context.data_unchecked::<ResourceLoader>();
        match loader.contact_lists().await {
            Ok(lists) => match lists.get(&self.0) {
                Ok(list) => list.and_then(field).map(Ok),
                Err(gap) => Some(Err(ApiError::unlisted_contact_list(gap))),
            },
            Err(error) => reported_once(loader, error),
        }
    }
}

/// Contact list. `id` and `listId` cost no upstream call. Any other field reads all contact lists of the account, which requires
/// the scope `contact_data` and one upstream call per 500 lists. Those fields are null if the account has no such list. If the
/// lists cannot be read, these fields are null, with a single error for the operation. If the listing is incomplete and lacks
/// this list, each of these fields is null with an error.
#[Object]
impl ContactList {
    /// Opaque global id, which `node` accepts.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{LIST}:{}", self.0))
    }

    /// Constant Contact's `list_id`.
    async fn list_id(&self) -> ID {
        ID(self.0.to_string())
    }

    /// Display name.
    async fn name(&self, context: &Context<'_>) -> Nullable<String> {
        self.field(context, |list| list.name.clone()).await
    }

    /// Description that users of the account have entered.
    async fn description(&self, context: &Context<'_>) -> Nullable<String> {
        self.field(context, |list| list.description.clone()).await
    }

    /// Whether the list is marked as a favourite.
    async fn is_favorite(&self, context: &Context<'_>) -> Nullable<bool> {
        self.field(context, |list| list.favorite).await
    }

    /// Whether the list was deleted. Null if Constant Contact's deletion date cannot be decoded.
    async fn is_deleted(&self, context: &Context<'_>) -> Nullable<bool> {
        self.field(context, |list| list.is_deleted).await
    }

    /// Creation time.
    async fn created_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let date = self.field(context, |list| list.created_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// Time of the last update.
    async fn updated_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let date = self.field(context, |list| list.updated_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// Deletion time. Null if the list was not deleted.
    async fn deleted_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let date = self.field(context, |list| list.deleted_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// Number of undecodable values, which are null. Normally 0.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Nullable<Long> {
        self.field(context, |list| Some(list.unreadable_values.into()))
            .await
    }
}

impl Segment {
    async fn field<T>(
        &self,
        context: &Context<'_>,
        field: impl FnOnce(Arc<sends_core::Segment>) -> Option<T>,
    ) -> Nullable<T> {
        let loader = context.data_unchecked::<ResourceLoader>();
        match loader.segment(self.0).await {
            // A missing segment is null rather than an error, because sends can refer to deleted segments.
            Ok(segment) => segment.and_then(field).map(Ok),
            Err(error) => reported_once(loader, error),
        }
    }
}

/// Segment: contacts selected by criteria. `id` and `segmentId` cost no upstream call. Any other field reads all segments of the
/// account, and each deleted segment separately, which requires the scope `contact_data`. Those fields are null if the segment no
/// longer exists. If the segments cannot be read, these fields are null, with a single error for the operation.
#[Object]
impl Segment {
    /// Opaque global id, which `node` accepts.
    pub(super) async fn id(&self) -> ID {
        ID(format!("{SEGMENT}:{}", self.0))
    }

    /// Constant Contact's `segment_id`, a 64-bit integer.
    async fn segment_id(&self) -> ID {
        ID(self.0.to_string())
    }

    /// Display name.
    async fn name(&self, context: &Context<'_>) -> Nullable<String> {
        self.field(context, |segment| segment.name.clone()).await
    }

    /// Creation time.
    async fn created_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let date = self.field(context, |segment| segment.created_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// Time of the last update.
    async fn updated_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        let date = self.field(context, |segment| segment.edited_at).await;
        zone.show_read(context, date.transpose()).await
    }

    /// Number of undecodable values, which are null. Normally 0.
    async fn unreadable_value_count(&self, context: &Context<'_>) -> Nullable<Long> {
        self.field(context, |segment| Some(segment.unreadable_values.into()))
            .await
    }
}
