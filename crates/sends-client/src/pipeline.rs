//! The steps of one call: token, slot, request, and the retry after a failure. The rules of each step are in its own module.

mod failures;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use reqwest::StatusCode;
use sends_core::DecodeError;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, field};

use self::failures::{
    after_refused_token, beyond_allowance, circuit_open, instead_of_retry, is_refused_token, known_refusal,
    of_refuser, shows_accepted_token, undecodable, verdict, without_token, without_turn,
};
use crate::{
    AccessToken, Caller, Endpoint, FailureClass, ObservedRequest, Observer, Pacer, TokenError, UpstreamError,
    breaker::Breaker,
    pacing::SlotRequest,
    refusals::{Held, Refusals, RefusedBy},
    retry::{Remedy, Retries},
    transport::{Broken, Transport},
    unverified::{Pass, UnverifiedTokens},
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

/// What one call has cost so far.
#[derive(Clone, Copy, Default)]
struct Effort {
    /// How many requests were sent.
    sent: u32,
    /// How long it waited for its turns.
    waited: Duration,
    /// Whether it was sent again because the upstream had closed the connection.
    reconnected: bool,
    /// When the last request was sent.
    departed: Option<Instant>,
    /// Whether the request finds out whether the token is refused.
    is_probe: bool,
}

/// Why an attempt brought no value.
enum AttemptError {
    /// The request was not sent.
    Unsent(UpstreamError),
    /// The request was not sent, since its token was refused before.
    Held(Held),
    /// It was, and this is what came of it.
    Sent(UpstreamError),
    /// It was, just when the upstream closed the connection: it is sent once more on another one, and nothing has failed.
    ConnectionClosed,
}

impl Pipeline {
    /// Reads `endpoint` for `caller`. An answer that `decode` refuses is a failure too.
    pub(crate) async fn get<T>(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, UpstreamError> {
        let started = Instant::now();
        let mut effort = Effort::default();
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
        let outcome = self
            .persist(caller, endpoint, decode, &mut effort)
            .instrument(span.clone())
            .await
            .map_err(|error| UpstreamError {
                attempts: effort.sent,
                elapsed: started.elapsed(),
                ..error
            });
        effort.describe(&span, outcome.as_ref().err());
        outcome
    }

    /// Makes attempts until one succeeds or there is no point in another.
    async fn persist<T>(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
        effort: &mut Effort,
    ) -> Result<T, UpstreamError> {
        if !caller.begin_call() {
            let error = beyond_allowance(endpoint);
            self.observer.refused(endpoint, error.class);
            return Err(error);
        }
        let mut token = wait_for_token(caller, caller.access().token())
            .await
            .map_err(|error| without_token(endpoint, &error))
            .inspect_err(|error| self.observer.refused(endpoint, error.class))?;
        let mut renewed = false;
        let (mut failed_attempts, mut throttled) = (0, 0);
        let mut last: Option<UpstreamError> = None;
        loop {
            let attempted = match self.refusals.check(&token, endpoint) {
                Ok(()) => self.attempt(caller, endpoint, &token, &decode, effort).await,
                Err(held) => Err(AttemptError::Held(held)),
            };
            let failure = match attempted {
                Ok(value) => {
                    caller.access().accepted(&token);
                    return Ok(value);
                }
                Err(AttemptError::Sent(failure)) => failure,
                Err(AttemptError::ConnectionClosed) => continue,
                Err(AttemptError::Unsent(refused)) => {
                    self.observer.refused(endpoint, refused.class);
                    return Err(instead_of_retry(last, refused));
                }
                Err(AttemptError::Held(held)) => {
                    let failure = known_refusal(endpoint, held);
                    token = self
                        .another_token(caller, &token, held, &mut renewed, failure)
                        .await
                        .inspect_err(|error| self.observer.refused(endpoint, error.class))?;
                    continue;
                }
            };
            match Remedy::of(failure.class) {
                Remedy::AnotherToken => {
                    let held = self.find_refuser(caller, endpoint, &token, effort).await;
                    if held.by == RefusedBy::Upstream {
                        caller.access().refused(&token, held.wait);
                    }
                    token = self
                        .another_token(caller, &token, held, &mut renewed, of_refuser(failure, held))
                        .await?;
                    // The refusal of the old token is mended, so it is not what the call fails of.
                    continue;
                }
                Remedy::None => return Err(failure),
                Remedy::NextTurn => {
                    throttled += 1;
                    if !self.retries.outlasts_throttling(throttled, failure.retry_after) {
                        return Err(failure);
                    }
                }
                Remedy::Backoff => {
                    failed_attempts += 1;
                    let Some(delay) = self.retries.next_delay(failed_attempts) else {
                        return Err(failure);
                    };
                    let delay = failure.retry_after.unwrap_or(delay);
                    if delay >= caller.deadline().saturating_duration_since(Instant::now()) {
                        return Err(failure);
                    }
                    tracing::debug!(delay_ms = delay.as_millis(), "trying again: {failure}");
                    sleep(delay).await;
                }
            }
            last = Some(failure);
        }
    }

    /// A token in the place of a refused one, once in a call; else the failure that the refusal is.
    async fn another_token(
        &self,
        caller: &Caller,
        refused: &AccessToken,
        held: Held,
        renewed: &mut bool,
        failure: UpstreamError,
    ) -> Result<AccessToken, UpstreamError> {
        if !held.may_renew || std::mem::replace(renewed, true) {
            return Err(failure);
        }
        match wait_for_token(caller, caller.access().renew(refused)).await {
            Ok(another) => {
                self.refusals.renewed(refused, &another);
                Ok(another)
            }
            Err(TokenError::NotRenewable) => Err(failure),
            Err(error) => Err(after_refused_token(failure, &error)),
        }
    }

    /// Finds out whether a 401 is the refusal of the token or of the path alone, by one probe for all refusals of a minute.
    async fn find_refuser(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        token: &AccessToken,
        effort: &mut Effort,
    ) -> Held {
        let departed = effort.departed.unwrap_or_else(Instant::now);
        let confirmation = self.refusals.confirmation(token);
        let Ok(_guard) = timeout_at(caller.deadline(), confirmation.lock()).await else {
            return self.refusals.unconfirmed(token, endpoint);
        };
        if let Some(held) = self.refusals.refused(token, endpoint, departed) {
            return held;
        }
        // A token that may be made up is not worth a probe: the next call with it tells as much.
        if caller.brings_token() && !self.refusals.is_accepted(token) {
            return self.refusals.unconfirmed(token, endpoint);
        }
        let probe = self.refusals.probe(token, endpoint);
        effort.is_probe = true;
        let mut probed = self.attempt(caller, &probe, token, |_| Ok(()), effort).await;
        if let Err(AttemptError::ConnectionClosed) = probed {
            probed = self.attempt(caller, &probe, token, |_| Ok(()), effort).await;
        }
        effort.is_probe = false;
        match probed {
            Err(AttemptError::Sent(failure)) if is_refused_token(Some(&failure)) => {
                tracing::debug!("{endpoint} and {probe} answer 401: the access token is refused");
                return self.refusals.confirmed(token);
            }
            Ok(()) => caller.access().accepted(token),
            Err(_) => {}
        }
        // An accepted probe, which left after the request, settles it.
        let held = self.refusals.refused(token, endpoint, departed);
        let held = held.unwrap_or_else(|| self.refusals.unconfirmed(token, endpoint));
        if held.by == RefusedBy::PathAlone {
            tracing::warn!(
                "{endpoint} answers 401 though {probe} accepts the access token: it is left alone"
            );
        }
        held
    }

    /// Sends one request when its turn has come.
    async fn attempt<T>(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        token: &AccessToken,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
        effort: &mut Effort,
    ) -> Result<T, AttemptError> {
        let circuit_open = |left_alone| AttemptError::Unsent(circuit_open(endpoint, left_alone));
        // Asked before the queue, so that a refusal is quick, and again after it, since much may have happened meanwhile.
        self.breaker.check(endpoint).map_err(circuit_open)?;
        let turn = SlotRequest {
            lane: caller.lane(),
            priority: caller.priority(),
            deadline: caller.deadline(),
        };
        let mut pass = self.verification(caller, endpoint, token).await?;
        let (slot, token_admission, admission) = loop {
            if !effort.is_probe {
                // After the deadline, the pacer refuses the turn.
                let _ = timeout_at(caller.deadline(), self.refusals.probed(token)).await;
            }
            let asked = Instant::now();
            let slot = self.pacer.acquire_for_group(turn, caller.group()).await;
            let waited = asked.elapsed();
            effort.waited += waited;
            self.observer.waited(endpoint, waited);
            let mut slot = slot.map_err(|refused| AttemptError::Unsent(without_turn(endpoint, refused)))?;
            if !effort.is_probe && self.refusals.being_probed_until(token).is_some() {
                // The probe needs the turn more.
                drop(slot);
                continue;
            }
            // Other calls with this token may have been refused while this one waited.
            let token_admission = self.refusals.admit(token, endpoint).map_err(AttemptError::Held)?;
            let admission = self.breaker.admit(endpoint).map_err(circuit_open)?;
            if slot.depart() {
                break (slot, token_admission, admission);
            }
        };
        if let Some(pass) = &mut pass {
            pass.depart();
        }
        caller.count_call();
        effort.sent += 1;
        let departed = Instant::now();
        effort.departed = Some(departed);

        let Ok(answer) = timeout_at(caller.deadline(), self.transport.get(endpoint, token)).await else {
            // The caller's time says nothing about the upstream, so neither the breaker nor the pacer hears of it.
            let detail = "no complete answer before the caller's deadline".to_owned();
            let failure = UpstreamError::without_answer(endpoint.clone(), FailureClass::TimedOut, detail);
            self.observe(endpoint, departed, Some(&failure));
            return Err(AttemptError::Sent(failure));
        };
        let mut outcome = match answer {
            Ok(answer) => decode(answer.body()).map_err(|error| undecodable(answer, &error)),
            // Whether the upstream has seen the request is not known, so the one that follows has a turn of its own.
            Err(Broken { by_closing: true, .. }) if !effort.reconnected => {
                effort.reconnected = true;
                self.observer.requested(&ObservedRequest {
                    endpoint: endpoint.clone(),
                    status: None,
                    failure: None,
                    took: departed.elapsed(),
                });
                tracing::debug!(
                    "{endpoint}: the upstream closed the connection; trying again on another one"
                );
                return Err(AttemptError::ConnectionClosed);
            }
            Err(Broken { failure, .. }) => Err(failure),
        };
        self.observe(endpoint, departed, outcome.as_ref().err());
        if shows_accepted_token(outcome.as_ref().err()) {
            self.refusals.accepted(token, endpoint, departed);
            if let Some(pass) = pass {
                pass.accepted();
            }
        }
        if is_refused_token(outcome.as_ref().err()) {
            token_admission.refused();
        }
        let mut throttling = None;
        match &outcome {
            Err(failure) if Remedy::of(failure.class) == Remedy::Backoff => {
                admission.failed(failure.class);
            }
            Err(failure) if failure.class == FailureClass::Throttled => {
                throttling = Some(admission.throttled(failure.retry_after));
            }
            Ok(_) | Err(_) => admission.succeeded(),
        }
        if let Some(verdict) = verdict(outcome.as_ref().err(), throttling) {
            let pause = slot.settle(verdict);
            if let Err(failure) = &mut outcome {
                failure.retry_after = pause.or(failure.retry_after);
            }
        }
        outcome.map_err(AttemptError::Sent)
    }

    /// Waits for the permission to try a token that a caller brought and that was never accepted. `None` for other tokens, and
    /// when another call has shown meanwhile that the token is good.
    async fn verification(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        token: &AccessToken,
    ) -> Result<Option<Pass>, AttemptError> {
        if !caller.brings_token() {
            return Ok(None);
        }
        let pass = self.unverified.pass(self.refusals.key(token), caller.deadline());
        tokio::pin!(pass);
        loop {
            let settled = self.refusals.settled();
            if self.refusals.is_accepted(token) {
                return Ok(None);
            }
            self.refusals.check(token, endpoint).map_err(AttemptError::Held)?;
            tokio::select! {
                pass = &mut pass => {
                    let unsent = |refused| AttemptError::Unsent(without_turn(endpoint, refused));
                    return pass.map(Some).map_err(unsent);
                }
                () = settled => {}
            }
        }
    }

    fn observe(&self, endpoint: &Endpoint, departed: Instant, failure: Option<&UpstreamError>) {
        self.observer.requested(&ObservedRequest {
            endpoint: endpoint.clone(),
            status: failure.map_or(Some(StatusCode::OK), |failure| failure.status),
            failure: failure.map(|failure| failure.class),
            took: departed.elapsed(),
        });
    }
}

impl Effort {
    /// Says in the call's span what came of it. The status is the one of the last answer.
    fn describe(self, span: &Span, failure: Option<&UpstreamError>) {
        if span.is_disabled() {
            return;
        }
        span.record("attempts", self.sent);
        span.record(
            "waited_ms",
            u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX),
        );
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

/// A caller waits for a token no longer than for anything else.
async fn wait_for_token(
    caller: &Caller,
    token: impl Future<Output = Result<AccessToken, TokenError>>,
) -> Result<AccessToken, TokenError> {
    timeout_at(caller.deadline(), token).await.unwrap_or_else(|_| {
        Err(TokenError::Unavailable {
            reason: "it did not come before the caller's deadline".to_owned(),
            retry_after: None,
        })
    })
}
