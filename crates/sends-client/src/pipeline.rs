//! Steps of one call: token, rate limit, request and retries. The rules of each step are in its own module.

mod attempt;
mod failures;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use reqwest::StatusCode;
use sends_core::DecodeError;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, field};

use self::{
    attempt::AttemptError,
    failures::{
        after_rejected_token, beyond_allowance, instead_of_retry, is_rejected_token, known_rejection,
        with_scope, without_token,
    },
};
use crate::{
    AccessToken, Caller, Endpoint, Observer, Pacer, TokenError, UpstreamError,
    breaker::Breaker,
    refusals::{Refusals, RefusedBy, TokenRejection},
    retry::{Remedy, Retries},
    transport::Transport,
    unverified::UnverifiedTokens,
};

pub(crate) struct Pipeline {
    pub(crate) transport: Transport,
    pub(crate) pacer: Pacer,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) retries: Retries,
    pub(crate) refusals: Refusals,
    pub(crate) unverified: UnverifiedTokens,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Pipeline {
    /// Requests `endpoint` for `caller`. A body that `decode` rejects counts as a failed request.
    pub(crate) async fn get<T>(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, UpstreamError> {
        let started = Instant::now();
        self.retries.call_begins();
        let span = tracing::debug_span!(
            "upstream call",
            "otel.kind" = "client",
            "otel.status_code" = field::Empty,
            endpoint = endpoint.name(),
            status = field::Empty,
            failure = field::Empty,
            attempts = field::Empty,
            waited_ms = field::Empty,
        );
        let mut call = Call {
            pipeline: self,
            caller,
            endpoint,
            sent: 0,
            waited: Duration::ZERO,
            departed: started,
            is_reconnected: false,
            is_probing: false,
            is_renewed: false,
        };
        let outcome = call.run(decode).instrument(span.clone()).await;
        let outcome = outcome.map_err(|error| UpstreamError {
            attempts: call.sent,
            elapsed: started.elapsed(),
            ..error
        });
        call.record(&span, outcome.as_ref().err());
        outcome
    }
}

struct Call<'c> {
    pipeline: &'c Pipeline,
    caller: &'c Caller,
    endpoint: &'c Endpoint,
    /// Number of requests sent, including probes.
    sent: u32,
    /// Total wait for the rate limit.
    waited: Duration,
    /// Departure time of the last request, or the start time of the call before the first request.
    departed: Instant,
    /// Whether a request was repeated because the upstream had closed the connection.
    is_reconnected: bool,
    /// Whether the current request is the probe of a rejected token.
    is_probing: bool,
    is_renewed: bool,
}

impl Call<'_> {
    /// Makes attempts until an attempt succeeds or the retry policy forbids another attempt.
    async fn run<T>(&mut self, decode: impl Fn(&[u8]) -> Result<T, DecodeError>) -> Result<T, UpstreamError> {
        let (pipeline, caller, endpoint) = (self.pipeline, self.caller, self.endpoint);
        let report = |error: &UpstreamError| pipeline.observer.refused(endpoint, error.class);
        if !caller.begin_call() {
            return Err(beyond_allowance(endpoint)).inspect_err(report);
        }
        let token = wait_for_token(caller, caller.access().token()).await;
        let mut token = token
            .map_err(|error| without_token(endpoint, &error))
            .inspect_err(report)?;
        let (mut failed_attempts, mut throttled) = (0, 0);
        let mut last: Option<UpstreamError> = None;
        loop {
            let attempted = match pipeline.refusals.check(&token, endpoint) {
                Ok(()) => self.attempt(endpoint, &token, &decode).await,
                Err(rejection) => Err(AttemptError::Rejected(rejection)),
            };
            let failure = match attempted {
                Ok(value) => {
                    caller.access().accepted(&token);
                    return Ok(value);
                }
                Err(AttemptError::Sent(failure)) => failure,
                Err(AttemptError::ConnectionClosed) => continue,
                Err(AttemptError::Unsent(refused)) => {
                    report(&refused);
                    return Err(instead_of_retry(last, refused));
                }
                Err(AttemptError::Rejected(rejection)) => {
                    let failure = known_rejection(endpoint, rejection);
                    let renewed = self.renew(&token, rejection, failure).await;
                    token = renewed.inspect_err(report)?;
                    continue;
                }
            };
            match Remedy::of(failure.class) {
                Remedy::AnotherToken => {
                    let rejection = self.rejection_scope(&token).await;
                    if rejection.by == RefusedBy::Upstream {
                        caller.access().refused(&token, rejection.wait);
                    }
                    let failure = with_scope(failure, rejection);
                    token = self.renew(&token, rejection, failure).await?;
                    // A rejection that is followed by a renewal is not the cause of a later failure.
                    continue;
                }
                Remedy::None => return Err(failure),
                Remedy::NextTurn => {
                    throttled += 1;
                    let retries = &pipeline.retries;
                    if !retries.outlasts_throttling(throttled, failure.retry_after) {
                        return Err(failure);
                    }
                }
                Remedy::Backoff => {
                    failed_attempts += 1;
                    let Some(delay) = pipeline.retries.next_delay(failed_attempts) else {
                        return Err(failure);
                    };
                    let delay = failure.retry_after.unwrap_or(delay);
                    if delay >= caller.deadline().saturating_duration_since(Instant::now()) {
                        return Err(failure);
                    }
                    tracing::debug!(
                        delay_ms = delay.as_millis(),
                        "{endpoint}: retry after {}",
                        failure.detail
                    );
                    sleep(delay).await;
                }
            }
            last = Some(failure);
        }
    }

    /// Replaces a rejected token, once per call. Returns `failure` if the token cannot be replaced.
    async fn renew(
        &mut self,
        rejected: &AccessToken,
        rejection: TokenRejection,
        failure: UpstreamError,
    ) -> Result<AccessToken, UpstreamError> {
        if !rejection.may_renew || std::mem::replace(&mut self.is_renewed, true) {
            return Err(failure);
        }
        match wait_for_token(self.caller, self.caller.access().renew(rejected)).await {
            Ok(renewed) => {
                self.pipeline.refusals.renewed(rejected, &renewed);
                Ok(renewed)
            }
            Err(TokenError::NotRenewable) => Err(failure),
            Err(error) => Err(after_rejected_token(failure, &error)),
        }
    }

    /// Determines whether a 401 concerns the token or only the path, with one probe per minute for all paths.
    async fn rejection_scope(&mut self, token: &AccessToken) -> TokenRejection {
        let (caller, endpoint, departed) = (self.caller, self.endpoint, self.departed);
        let refusals = &self.pipeline.refusals;
        let confirmation = refusals.confirmation(token);
        let Ok(_guard) = timeout_at(caller.deadline(), confirmation.lock()).await else {
            return refusals.unconfirmed(token, endpoint);
        };
        if let Some(rejection) = refusals.refused(token, endpoint, departed) {
            return rejection;
        }
        // An unverified token is not probed because its next call yields the same information.
        if caller.brings_token() && !refusals.is_accepted(token) {
            return refusals.unconfirmed(token, endpoint);
        }
        let probe = refusals.probe(token, endpoint);
        self.is_probing = true;
        let mut probed = self.attempt(&probe, token, |_| Ok(())).await;
        if let Err(AttemptError::ConnectionClosed) = probed {
            probed = self.attempt(&probe, token, |_| Ok(())).await;
        }
        self.is_probing = false;
        match probed {
            Err(AttemptError::Sent(failure)) if is_rejected_token(Some(&failure)) => {
                tracing::debug!("access token rejected: {endpoint} and {probe} respond with 401");
                return refusals.confirmed(token);
            }
            Ok(()) => caller.access().accepted(token),
            Err(_) => {}
        }
        // An accepted probe is newer than the request and therefore determines the scope.
        let rejection = refusals.refused(token, endpoint, departed);
        let rejection = rejection.unwrap_or_else(|| refusals.unconfirmed(token, endpoint));
        if rejection.by == RefusedBy::PathAlone {
            tracing::warn!(
                "{endpoint} responds with 401 although {probe} accepts the access token; only this path is suspended"
            );
        }
        rejection
    }

    /// Records the outcome in the span, with the status of the last response.
    fn record(&self, span: &Span, failure: Option<&UpstreamError>) {
        if span.is_disabled() {
            return;
        }
        let waited_ms = u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX);
        span.record("attempts", self.sent);
        span.record("waited_ms", waited_ms);
        let status = failure.map_or(Some(StatusCode::OK), |failure| failure.status);
        if let Some(status) = status {
            span.record("status", status.as_u16());
        }
        if let Some(failure) = failure {
            span.record("failure", failure.class.name());
            span.record("otel.status_code", "ERROR");
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pipeline")
            .field("transport", &self.transport)
            .field("pacer", &self.pacer)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}

async fn wait_for_token(
    caller: &Caller,
    token: impl Future<Output = Result<AccessToken, TokenError>>,
) -> Result<AccessToken, TokenError> {
    timeout_at(caller.deadline(), token).await.unwrap_or_else(|_| {
        Err(TokenError::Unavailable {
            reason: "no token arrived before the caller's deadline".to_owned(),
            retry_after: None,
        })
    })
}
