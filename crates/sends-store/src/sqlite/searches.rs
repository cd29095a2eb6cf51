//! [`SendLog`] and [`SyncLog`] implementations of the SQLite store.

use jiff::Timestamp;
use sends_core::{ActivityId, ActivityReference, Campaign, CampaignId};

use super::write::Change;
use super::{SqliteStore, campaigns, log, sync, unreadable};
use crate::{
    Claim, Completeness, Coverage, FailedReading, Finding, GroupBy, KnownCampaign, Listing, LogFilter,
    LogPage, LogPageRequest, Owner, Pending, SendLog, StoreFuture, StoredAnswer, Subject, SyncLog, SyncState,
    SyncWork, TotalGroup, Unreadable,
};

impl SendLog for SqliteStore {
    fn page<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        request: LogPageRequest,
    ) -> StoreFuture<'a, LogPage> {
        let filter = filter.clone();
        self.search(move |connection| log::page(connection, owner, &filter, &request))
    }

    fn count<'a>(&'a self, owner: Owner, filter: &'a LogFilter) -> StoreFuture<'a, u64> {
        let filter = filter.clone();
        self.search(move |connection| log::count(connection, owner, &filter))
    }

    fn totals<'a>(
        &'a self,
        owner: Owner,
        filter: &'a LogFilter,
        group_by: GroupBy,
    ) -> StoreFuture<'a, Vec<TotalGroup>> {
        let filter = filter.clone();
        self.search(move |connection| log::totals(connection, owner, &filter, &group_by))
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
        listed: Vec<ActivityReference>,
        unlisted: Vec<ActivityReference>,
    ) -> StoreFuture<'_, ()> {
        self.change(Change::KeepActivities {
            owner,
            campaign,
            listed,
            unlisted,
        })
    }

    fn claims<'a>(
        &'a self,
        owner: Owner,
        campaign: CampaignId,
        activities: &'a [ActivityReference],
    ) -> StoreFuture<'a, Vec<Claim>> {
        let ids: Vec<ActivityId> = activities.iter().map(|activity| activity.id).collect();
        self.read(move |connection| campaigns::claims(connection, owner, campaign, &ids))
    }

    fn keep_gone(&self, owner: Owner, campaign: CampaignId) -> StoreFuture<'_, ()> {
        self.change(Change::KeepGone(owner, campaign))
    }

    fn settle_history(
        &self,
        owner: Owner,
        activity: ActivityId,
        answer: StoredAnswer,
        finding: Finding,
    ) -> StoreFuture<'_, u64> {
        let change = Change::SettleHistory {
            owner,
            activity,
            kept: answer,
            finding,
        };
        Box::pin(self.writer.write(change))
    }

    fn finish(&self, owner: Owner, work: SyncWork) -> StoreFuture<'_, ()> {
        self.change(Change::Finish(owner, work))
    }

    fn keep_failed(&self, owner: Owner, failed: FailedReading) -> StoreFuture<'_, ()> {
        self.change(Change::KeepFailed(owner, failed))
    }

    fn keep_read(&self, owner: Owner, subject: Subject) -> StoreFuture<'_, ()> {
        self.change(Change::KeepRead(owner, subject))
    }

    fn keep_state(&self, owner: Owner, state: SyncState) -> StoreFuture<'_, ()> {
        self.change(Change::KeepState(owner, state))
    }

    fn state(&self, owner: Owner) -> StoreFuture<'_, SyncState> {
        self.read(move |connection| sync::state(connection, owner))
    }

    fn next_work(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<SyncWork>> {
        self.read(move |connection| sync::next_work(connection, owner, limit))
    }

    fn pending(&self, owner: Owner) -> StoreFuture<'_, Pending> {
        self.read(move |connection| sync::pending(connection, owner))
    }

    fn coverage(&self, owner: Owner) -> StoreFuture<'_, Coverage> {
        self.read(move |connection| sync::coverage(connection, owner))
    }

    fn completeness(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> StoreFuture<'_, Completeness> {
        self.read(move |connection| {
            let transaction = connection.transaction()?;
            let coverage = sync::coverage(&transaction, owner)?;
            let unreadable = unreadable::count(&transaction, owner, from, until)?;
            Ok(Completeness::new(coverage, unreadable, (from, until), now))
        })
    }

    fn unreadable(&self, owner: Owner, limit: usize) -> StoreFuture<'_, Vec<Unreadable>> {
        self.read(move |connection| unreadable::unreadable(connection, owner, limit))
    }

    fn unreadable_count(
        &self,
        owner: Owner,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> StoreFuture<'_, u64> {
        self.read(move |connection| unreadable::count(connection, owner, from, until))
    }

    fn campaigns<'a>(
        &'a self,
        owner: Owner,
        ids: &'a [CampaignId],
    ) -> StoreFuture<'a, Vec<Option<KnownCampaign>>> {
        let ids = ids.to_vec();
        self.read(move |connection| campaigns::campaigns(connection, owner, &ids))
    }

    fn campaigns_with_activities(&self, owner: Owner) -> StoreFuture<'_, Vec<CampaignId>> {
        self.read(move |connection| campaigns::with_activities(connection, owner))
    }

    fn unsettled(
        &self,
        owner: Owner,
        ran_since: Timestamp,
        fetched_before: Timestamp,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<ActivityId>> {
        self.read(move |connection| sync::unsettled(connection, owner, ran_since, fetched_before, now))
    }
}
