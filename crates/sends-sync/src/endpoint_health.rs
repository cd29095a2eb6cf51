//! Availability of an endpoint after repeated failures. Ids that fail individually must not prevent reads of other ids, and an
//! outage must not cost a call per id.

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

/// Number of consecutive new failures of different ids that triggers a probe. A deactivated application or a missing privilege,
/// for example, makes every call fail.
const MAX_CONSECUTIVE_FAILURES: u32 = 50;

/// Maximum number of failed probes, after which the remaining work is left to the next synchronisation.
const MAX_PROBES: usize = 3;

/// Maximum number of waits for a probe. No probe is sent while another call is the probe of the client's half-open circuit.
const MAX_WAITS: usize = 60;

/// Delay before the next probe if the client specifies no delay.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct EndpointHealth {
    state: Mutex<State>,
    probing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    successes: u64,
    failures: u32,
    /// Number of probes since the last success that were not sent because there was no suitable id.
    missed_probes: usize,
    last_readable: Option<Subject>,
    /// Whether all probes failed, after which no further probe is sent.
    is_down: bool,
}

impl EndpointHealth {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run<'_> {
    /// Makes a call. While the client's circuit is open because of other ids, waits until a probe succeeds. Returns the error
    /// of the last probe if all probes fail.
    pub(crate) async fn call<'s, T>(
        &'s self,
        subject: Subject,
        call: impl Fn() -> Reading<'s, T>,
    ) -> Result<Result<T, UpstreamError>, SyncFailure> {
        loop {
            let before = self.health(subject).state().successes;
            match call().await {
                Err(error) if error.class == FailureClass::CircuitOpen => {
                    self.wait_until_available(subject, before, error).await?;
                }
                outcome => return Ok(outcome),
            }
        }
    }

    pub(crate) fn note_success(&self, subject: Subject) {
        let mut state = self.health(subject).state();
        state.successes += 1;
        (state.failures, state.missed_probes) = (0, 0);
        state.last_readable = Some(subject);
    }

    /// Counts a failure. Probes the endpoint after too many consecutive new failures, or if the call was throttled. Returns
    /// [`SyncFailure::EverythingFails`] if the probes fail as well, and the failure itself otherwise.
    pub(crate) async fn note_failure(
        &self,
        subject: Subject,
        is_new: bool,
        failure: SyncFailure,
    ) -> Result<SyncFailure, SyncFailure> {
        let is_throttling = failure.is_throttling();
        let error = match failure {
            SyncFailure::Upstream(error)
                if (is_new || is_throttling) && !SyncFailure::concerns_all_calls(&error) =>
            {
                error
            }
            other => return Ok(other),
        };
        let health = self.health(subject);
        let before = {
            let mut state = health.state();
            if !is_throttling {
                state.failures = state.failures.saturating_add(1);
                if state.failures < MAX_CONSECUTIVE_FAILURES {
                    return Ok(SyncFailure::Upstream(error));
                }
            }
            state.successes
        };
        match self.wait_until_available(subject, before, (*error).clone()).await {
            Ok(()) => Ok(SyncFailure::Upstream(error)),
            Err(SyncFailure::Upstream(error)) => Ok(SyncFailure::EverythingFails(error)),
            Err(other) => Err(other),
        }
    }

    /// Probes the endpoint until a probe succeeds. Returns immediately if the count of successes differs from `successes`.
    async fn wait_until_available(
        &self,
        subject: Subject,
        successes: u64,
        mut error: UpstreamError,
    ) -> Result<(), SyncFailure> {
        let health = self.health(subject);
        let _probing = health.probing.lock().await;
        if health.state().successes != successes {
            return Ok(());
        }
        let (mut failed, mut waits) = (0, 0);
        while failed < MAX_PROBES && waits < MAX_WAITS && !health.state().is_down {
            if error.class == FailureClass::CircuitOpen {
                tokio::select! {
                    () = sleep(error.retry_after.unwrap_or(PROBE_INTERVAL)) => {}
                    () = self.stop.cancelled() => {}
                }
            }
            self.check_stop()?;
            let Some(probe) = self.probe(subject, failed).await? else {
                // The next id to be read serves as the probe, but only a few times.
                let mut state = health.state();
                state.missed_probes += 1;
                if state.missed_probes <= MAX_PROBES {
                    return Ok(());
                }
                break;
            };
            match probe.await {
                Ok(last_readable) => {
                    self.note_success(last_readable);
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
        health.state().is_down = true;
        Err(error.into())
    }

    /// Returns the call of a probe, for the last id that was read or for an id that is probably readable. Returns `None` if there
    /// is no such id.
    async fn probe(
        &self,
        subject: Subject,
        place: usize,
    ) -> Result<Option<BoxFuture<'_, Result<Subject, UpstreamError>>>, SyncFailure> {
        let last_readable = self.health(subject).state().last_readable;
        if let Some(Subject::Campaign(id)) = last_readable {
            return Ok(Some(Box::pin(async move {
                self.upstream.campaign(id).await.map(|_| Subject::Campaign(id))
            })));
        }
        if let Some(Subject::History(id)) = last_readable {
            return Ok(Some(self.probe_history(id)));
        }
        let is_history = matches!(subject, Subject::History(_));
        if is_history && let Some(activity) = self.recently_read(subject, place).await? {
            return Ok(Some(self.probe_history(activity)));
        }
        // The oldest queued campaigns are probed, since failing campaigns are among the newest.
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

    /// Returns another history with sends that was readable: first the most recently read history, then histories that were
    /// read earlier.
    async fn recently_read(&self, subject: Subject, place: usize) -> Result<Option<ActivityId>, SyncFailure> {
        let now = self.clock.now();
        let (earliest, latest) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
        let mut known = self.log.unsettled(self.owner, earliest, latest, now).await?;
        known.retain(|activity| Subject::History(*activity) != subject);
        let back = known.len().saturating_sub(1) * place / (MAX_PROBES - 1);
        Ok(known.into_iter().rev().nth(back))
    }

    /// The state is separate for campaigns and histories, since a user may have access to campaigns only.
    fn health(&self, subject: Subject) -> &EndpointHealth {
        match subject {
            Subject::History(_) => &self.histories,
            Subject::Campaign(_) | Subject::Campaigns | Subject::Summaries => &self.campaigns,
        }
    }
}
