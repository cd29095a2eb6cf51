//! Upstream of an account over HTTP, with a clock that may be wrong.

use std::sync::{Arc, atomic::AtomicU64, atomic::Ordering};

use futures_util::FutureExt;
use jiff::Timestamp;
use sends_client::{Caller, CampaignFilter, Clock, ConstantContact, FailureClass, NextPage, ResourcePage};
use sends_core::{ActivityId, Campaign, CampaignDetail, CampaignId, CampaignSummary};
use sends_store::{Answer, SqliteStore, Store, StoredAnswer};
use sends_sync::{Reading, Upstream};

use crate::OWNER;

pub(crate) struct Remote {
    pub(crate) client: ConstantContact,
    pub(crate) caller: Caller,
    pub(crate) store: Arc<SqliteStore>,
    /// Time of this machine's clock, which may be wrong.
    pub(crate) now: Timestamp,
    pub(crate) calls: AtomicU64,
}

impl Remote {
    fn count(&self) -> &Caller {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.caller
    }
}

impl Upstream for Remote {
    fn campaigns(
        &self,
        updated_after: Option<Timestamp>,
        updated_before: Option<Timestamp>,
    ) -> Reading<'_, ResourcePage<Campaign>> {
        let filter = CampaignFilter {
            updated_after,
            updated_before,
            ..CampaignFilter::default()
        };
        async move { self.client.campaigns(self.count(), &filter).await }.boxed()
    }

    fn more_campaigns(&self, next: NextPage<Campaign>) -> Reading<'_, ResourcePage<Campaign>> {
        async move { self.client.next_page(self.count(), &next).await }.boxed()
    }

    fn summaries(&self) -> Reading<'_, ResourcePage<CampaignSummary>> {
        self.client.campaign_summaries(self.count(), 500).boxed()
    }

    fn more_summaries(&self, next: NextPage<CampaignSummary>) -> Reading<'_, ResourcePage<CampaignSummary>> {
        async move { self.client.next_page(self.count(), &next).await }.boxed()
    }

    fn campaign(&self, campaign: CampaignId) -> Reading<'_, CampaignDetail> {
        self.client.campaign(self.count(), campaign).boxed()
    }

    fn history(&self, activity: ActivityId) -> Reading<'_, StoredAnswer> {
        async move {
            let answer = match self.client.send_history(self.count(), activity).await {
                Ok(history) => Answer::History(Arc::new(history)),
                Err(error) if error.class == FailureClass::NotFound => Answer::NotFound,
                Err(error) => return Err(error),
            };
            let stored = StoredAnswer {
                fetched_at: self.now,
                answer,
            };
            self.store.keep(OWNER, activity, stored.clone()).await.unwrap();
            Ok(stored)
        }
        .boxed()
    }

    fn calls_made(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Clock for Remote {
    fn now(&self) -> Timestamp {
        self.now
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Remote").finish_non_exhaustive()
    }
}
