//! One attempt of a call: admission by the token state, the pacer and the breaker, then the request.

use reqwest::StatusCode;
use sends_core::DecodeError;
use tokio::time::{Instant, timeout_at};

use super::{
    Call,
    failures::{circuit_open, is_rejected_token, shows_accepted_token, undecodable, verdict, without_turn},
};
use crate::{
    AccessToken, Endpoint, FailureClass, ObservedRequest, UpstreamError, pacing::SlotRequest,
    refusals::TokenRejection, retry::Remedy, transport::Broken, unverified::Pass,
};

pub(super) enum AttemptError {
    Unsent(UpstreamError),
    /// No request was sent because the token is known to be rejected.
    Rejected(TokenRejection),
    Sent(UpstreamError),
    /// The upstream closed the connection before it responded. The request is repeated once, which does not count as a retry.
    ConnectionClosed,
}

impl Call<'_> {
    /// Sends one request as soon as it is admitted.
    pub(super) async fn attempt<T>(
        &mut self,
        endpoint: &Endpoint,
        token: &AccessToken,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, AttemptError> {
        let (pipeline, caller) = (self.pipeline, self.caller);
        let suspended = |open| AttemptError::Unsent(circuit_open(endpoint, open));
        // The circuits are checked before the queue to fail fast, and after the queue because other calls may have failed in the
        // meantime.
        pipeline.breaker.check(endpoint).map_err(suspended)?;
        let turn = SlotRequest {
            lane: caller.lane(),
            priority: caller.priority(),
            deadline: caller.deadline(),
        };
        let mut pass = self.verification(endpoint, token).await?;
        let (slot, token_admission, admission) = loop {
            if !self.is_probing {
                // On a timeout, the pacer rejects the call.
                let _ = timeout_at(caller.deadline(), pipeline.refusals.probed(token)).await;
            }
            let queued = Instant::now();
            let slot = pipeline.pacer.acquire_for_group(turn, caller.group()).await;
            let waited = queued.elapsed();
            self.waited += waited;
            pipeline.observer.waited(endpoint, waited);
            let mut slot = slot.map_err(|refused| AttemptError::Unsent(without_turn(endpoint, refused)))?;
            if !self.is_probing && pipeline.refusals.being_probed_until(token).is_some() {
                // The slot is released first because the probe takes precedence.
                drop(slot);
                continue;
            }
            // In the meantime, the token may have been rejected in another call.
            let token_admission = pipeline.refusals.admit(token, endpoint);
            let token_admission = token_admission.map_err(AttemptError::Rejected)?;
            let admission = pipeline.breaker.admit(endpoint).map_err(suspended)?;
            if slot.depart() {
                break (slot, token_admission, admission);
            }
        };
        if let Some(pass) = &mut pass {
            pass.depart();
        }
        caller.count_call();
        self.sent += 1;
        let departed = Instant::now();
        self.departed = departed;

        let Ok(response) = timeout_at(caller.deadline(), pipeline.transport.get(endpoint, token)).await
        else {
            // The caller's deadline is not a failure of the upstream, so breaker and pacer get no outcome.
            let detail = "no complete response before the caller's deadline".to_owned();
            let failure = UpstreamError::without_answer(endpoint.clone(), FailureClass::TimedOut, detail);
            self.observe(endpoint, Some(&failure));
            return Err(AttemptError::Sent(failure));
        };
        let mut outcome = match response {
            Ok(response) => {
                decode(&response.body).map_err(|error| undecodable(response.error_template, &error))
            }
            // The upstream may have received the request, so its repetition needs another slot.
            Err(Broken { by_closing: true, .. }) if !self.is_reconnected => {
                self.is_reconnected = true;
                self.report(endpoint, None, None);
                tracing::debug!("{endpoint}: connection closed by the upstream; repeated on a new one");
                return Err(AttemptError::ConnectionClosed);
            }
            Err(Broken { failure, .. }) => Err(failure),
        };
        let failure = outcome.as_ref().err();
        self.observe(endpoint, failure);
        if shows_accepted_token(failure) {
            pipeline.refusals.accepted(token, endpoint, departed);
            if let Some(pass) = pass {
                pass.accepted();
            }
        }
        if is_rejected_token(failure) {
            token_admission.refused();
        }
        let mut throttling = None;
        match failure {
            Some(failure) if Remedy::of(failure.class) == Remedy::Backoff => admission.failed(failure.class),
            Some(failure) if failure.class == FailureClass::Throttled => {
                throttling = Some(admission.throttled(failure.retry_after));
            }
            _ => admission.succeeded(),
        }
        if let Some(verdict) = verdict(failure, throttling) {
            let pause = slot.settle(verdict);
            if let Err(failure) = &mut outcome {
                failure.retry_after = pause.or(failure.retry_after);
            }
        }
        outcome.map_err(AttemptError::Sent)
    }

    /// Waits for permission to use a token that the caller supplied and the upstream has not accepted yet. Returns `None` for
    /// other tokens, and once another call has shown that the token is valid.
    async fn verification(
        &self,
        endpoint: &Endpoint,
        token: &AccessToken,
    ) -> Result<Option<Pass>, AttemptError> {
        let (refusals, unverified) = (&self.pipeline.refusals, &self.pipeline.unverified);
        if !self.caller.brings_token() {
            return Ok(None);
        }
        let pass = unverified.pass(refusals.key(token), self.caller.deadline());
        tokio::pin!(pass);
        loop {
            let settled = refusals.settled();
            if refusals.is_accepted(token) {
                return Ok(None);
            }
            refusals.check(token, endpoint).map_err(AttemptError::Rejected)?;
            tokio::select! {
                pass = &mut pass => {
                    let unsent = |refused| AttemptError::Unsent(without_turn(endpoint, refused));
                    return pass.map(Some).map_err(unsent);
                }
                () = settled => {}
            }
        }
    }

    fn observe(&self, endpoint: &Endpoint, failure: Option<&UpstreamError>) {
        let status = failure.map_or(Some(StatusCode::OK), |failure| failure.status);
        self.report(endpoint, status, failure.map(|failure| failure.class));
    }

    fn report(&self, endpoint: &Endpoint, status: Option<StatusCode>, failure: Option<FailureClass>) {
        self.pipeline.observer.requested(&ObservedRequest {
            endpoint: endpoint.clone(),
            status,
            failure,
            took: self.departed.elapsed(),
        });
    }
}
