//! Sequence of a synchronisation: the order of its steps, their concurrency, and the record of its end.

use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use sends_client::{Clock, FailureClass};
use sends_core::CampaignId;
use sends_store::{Owner, Pending, Store, StoreError, Subject, SyncLog, SyncState, SyncWork, Unreadable};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Progress, Stage, Upstream,
    endpoint_health::EndpointHealth,
    failure::SyncFailure,
    listing::{Listed, is_about_report},
    rules,
};

/// Number of campaigns read concurrently. The number equals the calls per second, so that response latency does not limit the
/// rate. A kill loses the calls in flight.
const CONCURRENCY: usize = 4;

/// Maximum wait for calls in flight at a shutdown, since background calls may wait for the rate limit indefinitely.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Number of queue entries taken at a time. Newer work may be queued while these entries are processed.
const BATCH_LENGTH: usize = 32;

/// Maximum number of repeated reads of a campaign because of contradictions with other campaigns, which may recur with each
/// read.
const MAX_REREADS: u32 = 3;

/// Synchronisation of one owner's log with the upstream.
#[derive(Clone)]
pub struct Synchronisation {
    /// Owner of the log.
    pub owner: Owner,
    /// Source of campaigns and histories.
    pub upstream: Arc<dyn Upstream>,
    /// Known campaigns and remaining work.
    pub log: Arc<dyn SyncLog>,
    /// Store of histories.
    pub store: Arc<dyn Store>,
    /// Wall clock.
    pub clock: Arc<dyn Clock>,
    /// Receiver of progress updates.
    pub progress: watch::Sender<Progress>,
    /// Shutdown signal. Calls in flight are completed, and no further calls are made.
    pub stop: CancellationToken,
}

/// Result of a synchronisation.
#[derive(Clone, Debug)]
pub struct Report {
    /// Reason for the end of the synchronisation.
    pub ended: Ended,
    /// Remaining work.
    pub pending: Pending,
    /// Number of campaigns, histories and listings whose last read failed. The log lacks their sends.
    pub unreadable: u64,
    /// Number of campaigns that were read.
    pub read: u64,
    /// Number of calls, including retries.
    pub calls: u64,
}

/// Reason for the end of a synchronisation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ended {
    /// The log is complete except for failed reads.
    Complete,
    /// The service was shut down.
    Stopped,
    /// The daily quota for background calls is used up.
    DayUsedUp {
        /// Time at which calls resume, normally 00:00 UTC.
        until: Timestamp,
    },
    /// A failure that concerns all calls. The next synchronisation continues.
    Failed {
        /// Explanation for API users, in one or two sentences.
        what: String,
        /// Explanation with details for the operator.
        reason: String,
    },
}

impl Synchronisation {
    /// Lists the changes and reads them, newest send first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails. Other failures are in the report, and the next synchronisation retries them.
    pub async fn run(&self) -> Result<Report, StoreError> {
        let run = Run {
            synchronisation: self,
            began: self.clock.now(),
            not_reported: Mutex::default(),
            contradicted: Mutex::default(),
            campaigns: EndpointHealth::default(),
            histories: EndpointHealth::default(),
        };
        run.run().await
    }
}

pub(crate) struct Run<'s> {
    synchronisation: &'s Synchronisation,
    pub(crate) began: Timestamp,
    /// Campaigns with a send that appeared only in the report and no longer appears there.
    pub(crate) not_reported: Mutex<Vec<CampaignId>>,
    /// Campaigns to read again because of a contradiction. The queue receives these campaigns later, since their reads may be
    /// in flight.
    pub(crate) contradicted: Mutex<Vec<SyncWork>>,
    pub(crate) campaigns: EndpointHealth,
    pub(crate) histories: EndpointHealth,
}

impl Deref for Run<'_> {
    type Target = Synchronisation;

    fn deref(&self) -> &Synchronisation {
        self.synchronisation
    }
}

impl Run<'_> {
    async fn run(&self) -> Result<Report, StoreError> {
        let before = self.upstream.calls_made();
        self.progress.send_replace(Progress::default());
        let mut state = self.log.state(self.owner).await?;
        let out_of_time = async {
            self.stop.cancelled().await;
            sleep(SHUTDOWN_TIMEOUT).await;
        };
        let failure = tokio::select! {
            worked = self.work(&mut state) => worked.err(),
            () = out_of_time => Some(SyncFailure::Cancelled),
        };
        let ended = match failure {
            None => Ended::Complete,
            Some(SyncFailure::Store(error)) => return Err(error),
            Some(failure) => self.ended(&failure),
        };
        self.record_end(&ended, state).await?;
        self.show_reading().await?;
        let progress = *self.progress.borrow();
        Ok(Report {
            ended,
            pending: progress.pending,
            unreadable: self.log.unreadable_count(self.owner, None, None).await?,
            read: progress.read,
            calls: progress.calls - before,
        })
    }

    async fn work(&self, state: &mut SyncState) -> Result<(), SyncFailure> {
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let worked = self.find_and_read(state, &unreadable).await;
        self.record_only_reported(&unreadable).await?;
        worked
    }

    async fn find_and_read(
        &self,
        state: &mut SyncState,
        unreadable: &[Unreadable],
    ) -> Result<(), SyncFailure> {
        let gap = |subject| unreadable.iter().find(|one| one.subject == subject).cloned();
        let doubts: Vec<&Unreadable> = unreadable.iter().filter(|one| is_about_report(one)).collect();
        let (gap_of_list, gap_of_report) = (gap(Subject::Campaigns), gap(Subject::Summaries));
        let list_is_due = rules::listing_is_due(state.listed_at, gap_of_list.as_ref(), self.began);
        let report_is_due = rules::listing_is_due(state.reports_read_at, gap_of_report.as_ref(), self.began);
        // The first synchronisation reads the report first, since the queue is sorted by the last send.
        let is_first = state.reports_read_at.is_none();
        if report_is_due && is_first {
            self.list_summaries(state, gap_of_report.clone(), &doubts).await?;
        }
        let listed = match gap_of_list {
            Some(gap) if !list_is_due => Listed::skipped(self.skip_listing(gap).await?),
            gap => self.list_campaigns(state, gap).await?,
        };
        // A report that was read before the list may lack the sends of drafts that changed since.
        let is_outdated = |at| rules::may_be_after(at, self.began);
        if report_is_due && (!is_first || listed.drafts_changed_at.is_some_and(is_outdated)) {
            self.list_summaries(state, gap_of_report, &doubts).await?;
        } else if !report_is_due && let Some(gap) = gap_of_report {
            self.skip_listing(gap).await?;
        }
        self.read_unsettled().await?;
        self.process_queue().await?;
        // Retries come last because they are the least likely to succeed.
        self.retry_unreadable().await?;
        listed.ended
    }

    pub(crate) async fn process_queue(&self) -> Result<(), SyncFailure> {
        let mut rereads: HashMap<CampaignId, u32> = HashMap::new();
        loop {
            self.show_reading().await?;
            let work = self.log.next_work(self.owner, BATCH_LENGTH).await?;
            if work.is_empty() {
                return Ok(());
            }
            let readings = work.into_iter().map(|work| async move {
                self.read_campaign(work).await?;
                self.count_read(&work);
                Ok(())
            });
            self.concurrently(readings).await?;
            let contradicted = std::mem::take(&mut *self.contradicted());
            let mut again = Vec::new();
            for work in contradicted {
                let times = rereads.entry(work.campaign).or_insert(0);
                *times += 1;
                if *times <= MAX_REREADS {
                    again.push(work);
                }
            }
            self.put_on_queue(again).await?;
        }
    }

    pub(crate) fn contradicted(&self) -> MutexGuard<'_, Vec<SyncWork>> {
        self.contradicted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs reads concurrently until a read returns a failure that stops the synchronisation.
    pub(crate) async fn concurrently(
        &self,
        readings: impl Iterator<Item: Future<Output = Result<(), SyncFailure>> + Send> + Send,
    ) -> Result<(), SyncFailure> {
        let is_blocked = AtomicBool::new(false);
        let continues = || !self.stop.is_cancelled() && !is_blocked.load(Ordering::Relaxed);
        let mut readings = stream::iter(readings.take_while(|_| continues())).buffer_unordered(CONCURRENCY);
        let mut first_failure = None;
        while let Some(reading) = readings.next().await {
            if let Err(failure) = reading {
                is_blocked.store(true, Ordering::Relaxed);
                first_failure.get_or_insert(failure);
            }
        }
        first_failure.map_or_else(|| self.check_stop(), Err)
    }

    pub(crate) fn check_stop(&self) -> Result<(), SyncFailure> {
        if self.stop.is_cancelled() {
            return Err(SyncFailure::Cancelled);
        }
        Ok(())
    }

    fn ended(&self, failure: &SyncFailure) -> Ended {
        match failure {
            SyncFailure::Cancelled => Ended::Stopped,
            SyncFailure::Upstream(error) if error.class == FailureClass::QuotaExceeded => {
                let wait = error
                    .retry_after
                    .and_then(|wait| SignedDuration::try_from(wait).ok());
                let until = wait.and_then(|wait| self.clock.now().checked_add(wait).ok());
                Ended::DayUsedUp {
                    until: until.unwrap_or(Timestamp::MAX),
                }
            }
            SyncFailure::Upstream(_)
            | SyncFailure::EverythingFails(_)
            | SyncFailure::Paused(_)
            | SyncFailure::Store(_) => Ended::Failed {
                what: failure.public_reason().to_owned(),
                reason: failure.to_string(),
            },
        }
    }

    async fn record_end(&self, ended: &Ended, mut state: SyncState) -> Result<(), StoreError> {
        let now = self.clock.now();
        state.paused_until = None;
        match ended {
            Ended::Complete => {
                state.finished_at = Some(now);
                (state.failed_at, state.failure) = (None, None);
            }
            Ended::Stopped => {}
            Ended::DayUsedUp { until } => state.paused_until = Some(*until),
            Ended::Failed { what, .. } => {
                (state.failed_at, state.failure) = (Some(now), Some(what.clone()));
            }
        }
        self.log.keep_state(self.owner, state).await
    }

    async fn show_reading(&self) -> Result<(), StoreError> {
        let pending = self.log.pending(self.owner).await?;
        let calls = self.upstream.calls_made();
        self.progress.send_modify(|progress| {
            (progress.stage, progress.pending, progress.calls) = (Stage::Reading, pending, calls);
        });
        Ok(())
    }

    fn count_read(&self, work: &SyncWork) {
        let calls = self.upstream.calls_made();
        self.progress.send_modify(|progress| {
            let pending = &mut progress.pending;
            let left = match work.missing_from {
                None => &mut pending.unread_campaigns,
                Some(_) => &mut pending.changed_campaigns,
            };
            *left = left.saturating_sub(1);
            progress.read += 1;
            progress.calls = calls;
        });
    }
}

impl fmt::Debug for Synchronisation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Synchronisation")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
