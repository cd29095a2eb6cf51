//! The file as a [`SendLog`] and a [`SyncLog`].
//!
//! Owns nothing but the way from the interfaces to what is read and written.

use jiff::Timestamp;
use sends_core::{ActivityId, ActivityReference, Campaign, CampaignId};

use super::write::Change;
use super::{SqliteStore, campaigns, log, sync, unreadable};
use crate::{
    Coverage, FailedReading, GroupBy, KnownCampaign, Listing, LogFilter, LogPage, LogPageRequest, Owner,
    Pending, SendLog, StoreFuture, SyncLog, SyncState, SyncWork, TotalGroup, Unreadable,
};

impl SendLog for SqliteStore {
    fn page<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        request: LogPageRequest,
    ) -> StoreFuture<'a, LogPage> {
        Box::pin(log::page(&self.readers, &self.file, owner, filter, request))
    }

    fn count<'a>(&'a self, owner: Owner, filter: &'a LogFilter) -> StoreFuture<'a, u64> {
        Box::pin(log::count(&self.readers, &self.file, owner, filter))
    }

    fn totals<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        group_by: GroupBy,
    ) -> StoreFuture<'a, Vec<TotalGroup>> {
        Box::pin(log::totals(&self.readers, &self.file, owner, filter, group_by))
    }
}

impl SyncLog for SqliteStore {
    fn keep_listing(&self, owner: Owner, listing: Listing) -> StoreFuture<'_, ()> {
        self.change(Change::KeepListing(owner, listing))
    }

    fn keep_activities(
        &self,
        owner: Owner,
        campaign: Campaign,
        activities: Vec<ActivityReference>,
    ) -> StoreFuture<'_, ()> {
        self.change(Change::KeepActivities {
            owner,
            campaign,
            activities,
        })
    }

    fn keep_gone(&self, owner: Owner, campaign: CampaignId) -> StoreFuture<'_, ()> {
        self.change(Change::KeepGone(owner, campaign))
    }

    fn finish(&self, owner: Owner, work: SyncWork) -> StoreFuture<'_, ()> {
        self.change(Change::Finish(owner, work))
    }

    fn keep_failed(&self, owner: Owner, failed: FailedReading) -> StoreFuture<'_, ()> {
        self.change(Change::KeepFailed(owner, failed))
    }

    fn keep_state(&self, owner: Owner, state: SyncState) -> StoreFuture<'_, ()> {
        self.change(Change::KeepState(owner, state))
    }

    fn state(&self, owner: Owner) -> StoreFuture<'_, SyncState> {
        Box::pin(sync::state(&self.readers, &self.file, owner))
    }

    fn next_work(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<SyncWork>> {
        Box::pin(sync::next_work(&self.readers, &self.file, owner, limit))
    }

    fn pending(&self, owner: Owner) -> StoreFuture<'_, Pending> {
        Box::pin(sync::pending(&self.readers, &self.file, owner))
    }

    fn coverage(&self, owner: Owner) -> StoreFuture<'_, Coverage> {
        Box::pin(sync::coverage(&self.readers, &self.file, owner))
    }

    fn unreadable(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<Unreadable>> {
        Box::pin(unreadable::unreadable(&self.readers, &self.file, owner, limit))
    }

    fn unreadable_count(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> StoreFuture<'_, u64> {
        Box::pin(unreadable::count(&self.readers, &self.file, owner, from, until))
    }

    fn campaigns<'a>(
        &'a self,
        owner: Owner,
        ids: &'a [CampaignId],
    ) -> StoreFuture<'a, Vec<Option<KnownCampaign>>> {
        Box::pin(campaigns::campaigns(&self.readers, &self.file, owner, ids))
    }

    fn unsettled(
        &self,
        owner: Owner,
        ran_since: Timestamp,
        fetched_before: Timestamp,
    ) -> StoreFuture<'_, Vec<ActivityId>> {
        Box::pin(sync::unsettled(
            &self.readers,
            &self.file,
            owner,
            ran_since,
            fetched_before,
        ))
    }
}
