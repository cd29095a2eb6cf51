//! Upstream of a synchronisation. Its calls have background priority, and share the client and histories with queries, so that
//! concurrent reads are deduplicated.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use jiff::Timestamp;
use sends_client::{
    Caller, CampaignFilter, Clock, ConstantContact, Endpoint, FailureClass, Lane, NextPage, ResourcePage,
    TokenSource, UpstreamError,
};
use sends_core::{ActivityId, Campaign, CampaignDetail, CampaignId, CampaignSummary};
use sends_store::{Answer, Owner, StoredAnswer};
use sends_sync::{Reading, Upstream};
use tokio::time::Instant;

use super::{Synchroniser, tokens::AccountTokens};
use crate::sources::histories::{Histories, ReadError, RequestContext};

/// Timeout of a call, including its time in the queue, where queries have precedence.
const CALL_TIMEOUT: Duration = Duration::from_hours(1);

/// Maximum page size of summaries (documented).
const MAX_SUMMARY_PAGE_SIZE: u16 = 500;

pub(super) struct BackgroundUpstream {
    client: ConstantContact,
    histories: Histories,
    clock: Arc<dyn Clock>,
    owner: Owner,
    tokens: Arc<dyn TokenSource>,
    lane: Lane,
    calls: AtomicU64,
}

impl BackgroundUpstream {
    pub(super) fn new(parts: &Synchroniser, owner: Owner) -> Self {
        let tokens = AccountTokens {
            account: owner,
            connected: parts.owner.clone(),
            tokens: Arc::clone(&parts.tokens),
        };
        Self {
            client: parts.client.clone(),
            histories: parts.histories.clone(),
            clock: Arc::clone(&parts.clock),
            owner,
            tokens: Arc::new(tokens),
            lane: Lane::new(),
            calls: AtomicU64::new(0),
        }
    }

    async fn in_background<T>(&self, call: impl AsyncFnOnce(&Caller) -> T) -> T {
        let caller = Caller::new(Arc::clone(&self.tokens), Instant::now() + CALL_TIMEOUT)
            .in_background()
            .in_lane(self.lane);
        let output = call(&caller).await;
        self.calls
            .fetch_add(u64::from(caller.calls_sent()), Ordering::Relaxed);
        output
    }

    async fn read(&self, caller: &Caller, activity: ActivityId) -> Result<StoredAnswer, UpstreamError> {
        let context = RequestContext {
            owner: self.owner,
            caller: caller.clone(),
            asked_at: self.clock.now(),
            // A maximum age of zero bypasses stored histories.
            oldest: Some(Duration::ZERO),
            stale: Arc::default(),
            unwritten: Arc::default(),
        };
        let not_found = || StoredAnswer {
            fetched_at: self.clock.now(),
            answer: Answer::NotFound,
        };
        match self
            .histories
            .read(&context, activity, Some(Duration::ZERO))
            .await
        {
            Ok(reading) => Ok(StoredAnswer {
                fetched_at: reading.fetched_at,
                answer: Answer::History(reading.history),
            }),
            Err(ReadError::NotFound) => Ok(not_found()),
            Err(ReadError::Upstream(error)) if error.class == FailureClass::NotFound => Ok(not_found()),
            Err(ReadError::Upstream(error)) => Err(Arc::unwrap_or_clone(error)),
            Err(error @ (ReadError::ShuttingDown | ReadError::Overloaded | ReadError::Lost)) => {
                Err(UpstreamError::without_answer(
                    Endpoint::SendHistory(activity),
                    FailureClass::DeadlineExceeded,
                    error.to_string(),
                ))
            }
        }
    }
}

impl Upstream for BackgroundUpstream {
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
        self.in_background(async move |caller| self.client.campaigns(caller, &filter).await)
            .boxed()
    }

    fn more_campaigns(&self, next: NextPage<Campaign>) -> Reading<'_, ResourcePage<Campaign>> {
        self.in_background(async move |caller| self.client.next_page(caller, &next).await)
            .boxed()
    }

    fn summaries(&self) -> Reading<'_, ResourcePage<CampaignSummary>> {
        self.in_background(async |caller| {
            self.client
                .campaign_summaries(caller, MAX_SUMMARY_PAGE_SIZE)
                .await
        })
        .boxed()
    }

    fn more_summaries(&self, next: NextPage<CampaignSummary>) -> Reading<'_, ResourcePage<CampaignSummary>> {
        self.in_background(async move |caller| self.client.next_page(caller, &next).await)
            .boxed()
    }

    fn campaign(&self, campaign: CampaignId) -> Reading<'_, CampaignDetail> {
        self.in_background(async move |caller| self.client.campaign(caller, campaign).await)
            .boxed()
    }

    fn history(&self, activity: ActivityId) -> Reading<'_, StoredAnswer> {
        self.in_background(async move |caller| self.read(caller, activity).await)
            .boxed()
    }

    fn calls_made(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}
