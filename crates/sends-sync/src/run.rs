//! One synchronisation, from the first page to the last history: the order of the steps, how many run side by side, and what
//! is remembered of their end.

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
    answering::Answering,
    failure::SyncFailure,
    listing::{Listed, is_about_report},
    rules,
};

/// How many campaigns are read side by side: as many as calls may leave in a second, so that their answers are not waited for
/// one after the other. What they have in flight is what a kill loses.
const SIDE_BY_SIDE: usize = 4;

/// How long calls in flight are waited for when it is told to stop: a call that waits for its turn behind people may never
/// come.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// How much work is taken from the queue at a time. What is newer may come to it meanwhile.
const AT_A_TIME: usize = 32;

/// How often a campaign is read again because of contradictions with others: they may begin anew with each reading.
const TIMES_READ_AGAIN: u32 = 3;

/// Brings the log of one owner in step with the upstream.
#[derive(Clone)]
pub struct Synchronisation {
    /// Whose log it is.
    pub owner: Owner,
    /// Whom to ask.
    pub upstream: Arc<dyn Upstream>,
    /// What is known and what is left.
    pub log: Arc<dyn SyncLog>,
    /// Where the histories are.
    pub store: Arc<dyn Store>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// Told how far it has come.
    pub progress: watch::Sender<Progress>,
    /// Cancelled when it is to end: what is in flight is finished, and nothing else is begun.
    pub stop: CancellationToken,
}

/// What a synchronisation came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub ended: Ended,
    /// What is left to do.
    pub pending: Pending,
    /// How many campaigns and histories could not be read when they were last tried. The log goes without their sends.
    pub unreadable: u64,
    /// How many campaigns it read.
    pub read: u64,
    /// How many calls it made, retries included.
    pub calls: u64,
}

/// How a synchronisation ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ended {
    /// The log is complete, but for what cannot be read.
    Complete,
    /// It was told to.
    ToldToStop,
    /// The day's calls are used up, as far as background work may use them. It can go on then.
    DayUsedUp {
        /// 00:00 UTC, as a rule.
        until: Timestamp,
    },
    /// Something failed, and the rest is left for the next time.
    Failed {
        /// What, in a sentence or two for whoever reads the log.
        what: String,
        /// What exactly, in words for the operator.
        reason: String,
    },
}

impl Synchronisation {
    /// Finds what changed and reads it, newest send first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when nothing can be remembered. Whatever else fails is told by the report, and is tried again by the
    /// next synchronisation.
    pub async fn run(&self) -> Result<Report, StoreError> {
        let run = Run {
            synchronisation: self,
            began: self.clock.now(),
            not_reported: Mutex::default(),
            contradicted: Mutex::default(),
            campaigns: Answering::default(),
            histories: Answering::default(),
        };
        run.run().await
    }
}

/// A synchronisation that runs.
pub(crate) struct Run<'s> {
    synchronisation: &'s Synchronisation,
    pub(crate) began: Timestamp,
    /// The campaigns of which only the report had a send, and this time has not.
    pub(crate) not_reported: Mutex<Vec<CampaignId>>,
    /// The campaigns to read again because of a contradiction. Not on the queue yet, since they may be in flight.
    pub(crate) contradicted: Mutex<Vec<SyncWork>>,
    pub(crate) campaigns: Answering,
    pub(crate) histories: Answering,
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
            sleep(LAST_CALLS).await;
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
        self.remember(&ended, state).await?;
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
        self.name_only_reported(&unreadable).await?;
        worked
    }

    async fn find_and_read(
        &self,
        state: &mut SyncState,
        unreadable: &[Unreadable],
    ) -> Result<(), SyncFailure> {
        let gap =
            |subject| -> Option<Unreadable> { unreadable.iter().find(|one| one.subject == subject).cloned() };
        let doubts: Vec<&Unreadable> = unreadable.iter().filter(|one| is_about_report(one)).collect();
        let (gap_of_list, gap_of_report) = (gap(Subject::Campaigns), gap(Subject::Summaries));
        let is_due =
            |read_at, gap: &Option<Unreadable>| rules::listing_is_due(read_at, gap.as_ref(), self.began);
        let list_is_due = is_due(state.listed_at, &gap_of_list);
        let report_is_due = is_due(state.reports_read_at, &gap_of_report);
        // The first synchronisation reads the report before anything is on the queue, whose order is by the last send.
        let is_first = state.reports_read_at.is_none();
        if report_is_due && is_first {
            self.list_summaries(state, gap_of_report.clone(), &doubts).await?;
        }
        let listed = match gap_of_list {
            Some(gap) if !list_is_due => Listed::left_alone(self.leave_alone(gap).await?),
            gap => self.list_campaigns(state, gap).await?,
        };
        // Nearly all drafts are older than a report that was read before the list.
        let is_outdated = |at| rules::may_be_after(at, self.began);
        if report_is_due && (!is_first || listed.drafts_changed_at.is_some_and(is_outdated)) {
            self.list_summaries(state, gap_of_report, &doubts).await?;
        } else if !report_is_due && let Some(gap) = gap_of_report {
            self.leave_alone(gap).await?;
        }
        self.read_unsettled().await?;
        self.work_off().await?;
        // At last, since it is the least likely to bring anything.
        self.retry_unreadable().await?;
        listed.ended
    }

    /// Reads what is on the queue until nothing is left on it.
    pub(crate) async fn work_off(&self) -> Result<(), SyncFailure> {
        let mut read_again: HashMap<CampaignId, u32> = HashMap::new();
        loop {
            self.show_reading().await?;
            let work = self.log.next_work(self.owner, AT_A_TIME).await?;
            if work.is_empty() {
                return Ok(());
            }
            let readings = work.into_iter().map(|work| async move {
                self.read_campaign(work).await?;
                self.count_read(&work);
                Ok(())
            });
            self.side_by_side(readings).await?;
            let contradicted = std::mem::take(&mut *self.contradicted());
            let mut again = Vec::new();
            for work in contradicted {
                let times = read_again.entry(work.campaign).or_insert(0);
                *times += 1;
                if *times <= TIMES_READ_AGAIN {
                    again.push(work);
                }
            }
            self.put_on_queue(again).await?;
        }
    }

    pub(crate) fn contradicted(&self) -> MutexGuard<'_, Vec<SyncWork>> {
        self.contradicted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Awaits these, some at a time, until a failure concerns them all.
    pub(crate) async fn side_by_side(
        &self,
        readings: impl Iterator<Item: Future<Output = Result<(), SyncFailure>> + Send> + Send,
    ) -> Result<(), SyncFailure> {
        let is_blocked = AtomicBool::new(false);
        let goes_on = || !self.stop.is_cancelled() && !is_blocked.load(Ordering::Relaxed);
        let mut readings = stream::iter(readings.take_while(|_| goes_on())).buffer_unordered(SIDE_BY_SIDE);
        let mut first_failure = None;
        while let Some(reading) = readings.next().await {
            if let Err(failure) = reading {
                is_blocked.store(true, Ordering::Relaxed);
                first_failure.get_or_insert(failure);
            }
        }
        first_failure.map_or_else(|| self.check_stop(), Err)
    }

    /// `SyncFailure::Cancelled` once the program shuts down.
    pub(crate) fn check_stop(&self) -> Result<(), SyncFailure> {
        if self.stop.is_cancelled() {
            return Err(SyncFailure::Cancelled);
        }
        Ok(())
    }

    fn ended(&self, failure: &SyncFailure) -> Ended {
        match failure {
            SyncFailure::Cancelled => Ended::ToldToStop,
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

    async fn remember(&self, ended: &Ended, mut state: SyncState) -> Result<(), StoreError> {
        let now = self.clock.now();
        state.paused_until = None;
        match ended {
            Ended::Complete => {
                state.finished_at = Some(now);
                (state.failed_at, state.failure) = (None, None);
            }
            Ended::ToldToStop => {}
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
