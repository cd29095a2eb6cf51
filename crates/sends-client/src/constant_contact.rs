//! Public client with one method per upstream path. The methods for campaigns, lists, segments and statistics are in
//! [`resources`].

mod resources;

use std::{sync::Arc, time::Duration};

use sends_core::{
    AccountSummary, ActivityId, DecodeError, Decoded, FromJson, Privilege, Privileges, SendHistory,
};

use crate::{
    BuildError, Caller, Endpoint, Observer, Pacer, Settings, UpstreamError, breaker::Breaker,
    pacing::QueueUse, pipeline::Pipeline, refusals::Refusals, retry::Retries, transport::Transport,
    unverified::UnverifiedTokens,
};
#[cfg(doc)]
use crate::{FailureClass, TokenSource};

/// Client of Constant Contact's V3 API for one API key. Clones share the connections, the retry budget and the circuit breaker.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{sync::Arc, time::Duration};
/// use sends_client::{AccessToken, BaseUrl, Caller, ConstantContact, Pacer, Settings, pacing::Limits};
/// use tokio::time::Instant;
///
/// let settings = Settings::new(BaseUrl::REAL_UPSTREAM.parse()?);
/// let client = ConstantContact::new(settings, Pacer::in_memory(Limits::default()))?;
///
/// let token = Arc::new(AccessToken::new(&std::fs::read_to_string("token")?)?);
/// let caller = Caller::new(token, Instant::now() + Duration::from_secs(60));
/// let activity = "1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse()?;
/// let history = client.send_history(&caller, activity).await?;
/// println!("{} sends, {} requests", history.len(), caller.calls_sent());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConstantContact {
    pipeline: Arc<Pipeline>,
}

impl ConstantContact {
    /// Creates a client with the rate limits of `pacer`. All clients of an API key must share one pacer.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the base URL uses HTTPS and the machine has no CA certificates.
    pub fn new(settings: Settings, pacer: Pacer) -> Result<Self, BuildError> {
        Self::observed_by(Arc::new(()), settings, pacer)
    }

    /// Variant of [`new`](Self::new) that registers an observer of all requests.
    ///
    /// # Errors
    ///
    /// Same as for [`new`](Self::new).
    pub fn observed_by(
        observer: Arc<dyn Observer>,
        settings: Settings,
        pacer: Pacer,
    ) -> Result<Self, BuildError> {
        let breaker = Breaker::new(settings.breaker);
        let retries = Retries::new(settings.retry.clone(), fastrand::Rng::new());
        let limits = pacer.state();
        Ok(Self {
            pipeline: Arc::new(Pipeline {
                transport: Transport::new(settings, pacer.clone())?,
                pacer,
                breaker,
                retries,
                refusals: Refusals::default(),
                unverified: UnverifiedTokens::new(limits.per_second_limit, limits.per_day_limit),
                observer,
            }),
        })
    }

    /// Returns the rate limiter of this client.
    pub fn pacer(&self) -> &Pacer {
        &self.pipeline.pacer
    }

    /// Returns the time until the circuit breaker probes the send history endpoint or the connection, or `None` if neither is
    /// suspended.
    pub fn left_alone_for(&self) -> Option<Duration> {
        self.pipeline.breaker.upstream_wait()
    }

    /// Returns whether the upstream counts as failing: the circuit of send histories or of the connection is not closed, or at least
    /// the last five requests failed. Sends no request. Becomes `false` with the next success.
    pub fn is_failing(&self) -> bool {
        self.pipeline.breaker.is_failing()
    }

    /// Returns the queue in which calls with unverified tokens wait before they enter [`Pacer::queue`].
    pub fn unverified_queue(&self) -> QueueUse {
        self.pipeline.unverified.queue()
    }

    /// Fetches all send attempts of one activity, in ascending order of `send_id`. The history is empty for an activity that
    /// was never sent.
    ///
    /// The call waits for the rate limit, renews a rejected token once, and is retried after transient failures until the
    /// caller's deadline. Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] of class [`FailureClass::NotFound`] for an id of another account, of class [`FailureClass::Invalid`]
    /// for a response that is not a send history, and of the other classes as documented there. Unreadable records are not an
    /// error; they are omitted and [counted](SendHistory::unreadable_sends).
    pub async fn send_history(
        &self,
        caller: &Caller,
        activity: ActivityId,
    ) -> Result<SendHistory, UpstreamError> {
        self.read(caller, &Endpoint::SendHistory(activity)).await
    }

    /// Fetches the account of the token.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails, of class [`FailureClass::Forbidden`] if the scope `account_read` is missing.
    pub async fn account_summary(&self, caller: &Caller) -> Result<AccountSummary, UpstreamError> {
        self.read(caller, &Endpoint::AccountSummary).await
    }

    /// Fetches the privileges of the token's user.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails.
    pub async fn user_privileges(&self, caller: &Caller) -> Result<Vec<Privilege>, UpstreamError> {
        let Privileges(privileges) = self.read(caller, &Endpoint::UserPrivileges).await?;
        Ok(privileges)
    }

    async fn read<T: FromJson>(&self, caller: &Caller, endpoint: &Endpoint) -> Result<T, UpstreamError> {
        self.decode(caller, endpoint, T::decode)
            .await
            .map(|decoded| decoded.value)
    }

    /// Sends a request and decodes the response. Unreadable values and records are logged.
    async fn decode<T>(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        decode: impl Fn(&[u8]) -> Result<Decoded<T>, DecodeError>,
    ) -> Result<Decoded<T>, UpstreamError> {
        let decoded = self.pipeline.get(caller, endpoint, decode).await?;
        let oddities = &decoded.oddities;
        if !oddities.is_empty() {
            tracing::warn!(
                endpoint = endpoint.name(),
                unreadable_records = oddities.records,
                unreadable_values = oddities.values,
                "{endpoint}: unreadable records or values omitted: {oddities}"
            );
        }
        Ok(decoded)
    }
}
