//! Whether an endpoint still answers when it has failed again and again: ids that fail by themselves must not keep the others
//! from being read, and an outage must not cost a call for each id.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use sends_client::{FailureClass, UpstreamError};
use sends_core::{ActivityId, ActivityReference};
use sends_store::Subject;
use tokio::time::sleep;

use crate::{Reading, failure::SyncFailure, run::Run};

/// After so many failures of different campaigns in a row, or of different histories, all of them for the first time, an id is
/// probed that should not fail: where an application was deactivated or a privilege is missing, each single call is refused.
const FAILURES_IN_A_ROW: u32 = 50;

/// How many probes have to fail until the rest is left for the next synchronisation.
const PROBES: usize = 3;

/// How often to wait for the turn of a probe: while another call is the client's own probe, none is let through.
const WAITS: usize = 60;

/// How long to wait for the next probe where the client does not say.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of one endpoint in this synchronisation.
#[derive(Default)]
pub(crate) struct Answering {
    health: Mutex<Health>,
    /// Held while it is probed.
    probing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Health {
    successes: u64,
    /// How many ids failed since the last success.
    failures: u32,
    /// How often there was nothing to probe since the last success.
    without_probe: usize,
    /// The last id that could be read.
    good: Option<Subject>,
    /// Whether all probes failed. Nothing is probed from then on.
    is_down: bool,
}

impl Answering {
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run<'_> {
    /// Makes a call, as soon as the client lets it through: when the endpoint is left alone because of other ids, it waits for
    /// a probe. A failure when all probes fail.
    pub(crate) async fn ask<'s, T>(
        &'s self,
        subject: Subject,
        call: impl Fn() -> Reading<'s, T>,
    ) -> Result<Result<T, UpstreamError>, SyncFailure> {
        loop {
            let before = self.answering(subject).health().successes;
            match call().await {
                Err(error) if error.class == FailureClass::CircuitOpen => {
                    self.outlast(subject, before, error).await?;
                }
                answered => return Ok(answered),
            }
        }
    }

    /// This could be read.
    pub(crate) fn note_success(&self, subject: Subject) {
        let mut health = self.answering(subject).health();
        health.successes += 1;
        (health.failures, health.without_probe) = (0, 0);
        health.good = Some(subject);
    }

    /// This failed. What comes back is a failure of the whole synchronisation when too many of its kind did so in a row for the first time, or
    /// when it was throttled, and the probes fail, too.
    pub(crate) async fn note_failure(
        &self,
        subject: Subject,
        is_new: bool,
        failure: SyncFailure,
    ) -> Result<SyncFailure, SyncFailure> {
        let is_throttling = failure.is_throttling();
        if !is_new && !is_throttling {
            return Ok(failure);
        }
        let answering = self.answering(subject);
        let before = answering.health().successes;
        let is_in_a_row = || {
            let mut health = answering.health();
            health.failures = health.failures.saturating_add(1);
            health.failures >= FAILURES_IN_A_ROW
        };
        match failure {
            SyncFailure::Upstream(error)
                if !SyncFailure::is_sync_wide(&error) && (is_throttling || is_in_a_row()) =>
            {
                match self.outlast(subject, before, (*error).clone()).await {
                    Ok(()) => Ok(SyncFailure::Upstream(error)),
                    Err(SyncFailure::Upstream(error)) => Ok(SyncFailure::EverythingFails(error)),
                    Err(other) => Err(other),
                }
            }
            other => Ok(other),
        }
    }

    /// Waits until a probe of the endpoint succeeds, if none has since there were so many successes.
    async fn outlast(
        &self,
        subject: Subject,
        successes: u64,
        mut error: UpstreamError,
    ) -> Result<(), SyncFailure> {
        let answering = self.answering(subject);
        let _one_at_a_time = answering.probing.lock().await;
        if answering.health().successes != successes {
            return Ok(());
        }
        let (mut failed, mut waits) = (0, 0);
        while failed < PROBES && waits < WAITS && !answering.health().is_down {
            if error.class == FailureClass::CircuitOpen {
                tokio::select! {
                    () = sleep(error.retry_after.unwrap_or(PAUSE)) => {}
                    () = self.stop.cancelled() => {}
                }
            }
            self.check_stop()?;
            let Some(probed) = self.probe(subject, failed).await? else {
                // What has to be read is the next probe, but not each of them.
                let mut health = answering.health();
                health.without_probe += 1;
                if health.without_probe <= PROBES {
                    return Ok(());
                }
                break;
            };
            match probed.await {
                Ok(good) => {
                    self.note_success(good);
                    return Ok(());
                }
                Err(failure) => {
                    let is_sent = failure.class != FailureClass::CircuitOpen;
                    failed += usize::from(is_sent);
                    waits += usize::from(!is_sent);
                    error = failure;
                }
            }
        }
        answering.health().is_down = true;
        Err(error.into())
    }

    /// The call of a probe: what could be read last, or else what is likely to be readable. `None` when there is nothing.
    async fn probe(
        &self,
        subject: Subject,
        place: usize,
    ) -> Result<Option<BoxFuture<'_, Result<Subject, UpstreamError>>>, SyncFailure> {
        let good = self.answering(subject).health().good;
        if let Some(Subject::Campaign(id)) = good {
            return Ok(Some(Box::pin(async move {
                self.upstream.campaign(id).await.map(|_| Subject::Campaign(id))
            })));
        }
        if let Some(Subject::History(id)) = good {
            return Ok(Some(self.probe_history(id)));
        }
        let is_history = matches!(subject, Subject::History(_));
        if is_history && let Some(activity) = self.known_good(subject, place).await? {
            return Ok(Some(self.probe_history(activity)));
        }
        // The oldest campaign on the queue is the farthest from what fails.
        let work = self.log.next_work(self.owner, usize::MAX).await?;
        let Some(oldest) = work.into_iter().rev().nth(place) else {
            return Ok(None);
        };
        Ok(Some(Box::pin(async move {
            let detail = self.upstream.campaign(oldest.campaign).await?;
            let activity = detail.activities.iter().find(|activity| activity.can_be_sent());
            match activity {
                Some(ActivityReference { id, .. }) if is_history => self.probe_history(*id).await,
                _ => Ok(Subject::Campaign(oldest.campaign)),
            }
        })))
    }

    fn probe_history(&self, activity: ActivityId) -> BoxFuture<'_, Result<Subject, UpstreamError>> {
        Box::pin(async move {
            let read = self.upstream.history(activity).await;
            read.map(|_| Subject::History(activity))
        })
    }

    /// Another history with sends that could be read: first the one that was read last, then others far from it.
    async fn known_good(&self, subject: Subject, place: usize) -> Result<Option<ActivityId>, SyncFailure> {
        let now = self.clock.now();
        let (always, ever) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
        let mut known = self.log.unsettled(self.owner, always, ever, now).await?;
        known.retain(|activity| Subject::History(*activity) != subject);
        let back = known.len().saturating_sub(1) * place / (PROBES - 1);
        Ok(known.into_iter().rev().nth(back))
    }

    /// That of its kind: a user may be allowed to see campaigns and not their histories.
    fn answering(&self, subject: Subject) -> &Answering {
        match subject {
            Subject::History(_) => &self.histories,
            Subject::Campaign(_) | Subject::Campaigns | Subject::Summaries => &self.campaigns,
        }
    }
}
