//! The client as its callers see it: one method for each upstream path. Those of other resources than the send history are in [`resources`].

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

/// A client of Constant Contact's V3 API for one API key. Cloning is cheap and shares the connections, the retry budget and
/// the breaker.
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
    /// A client whose calls take their turns from `pacer`. There must be one pacer for all clients of an API key.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the upstream is asked over HTTPS and the machine has no CA certificates.
    pub fn new(settings: Settings, pacer: Pacer) -> Result<Self, BuildError> {
        Self::observed_by(Arc::new(()), settings, pacer)
    }

    /// The same, with somebody who is told of every request.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
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

    /// The pacer that this client's calls take their turns from.
    pub fn pacer(&self) -> &Pacer {
        &self.pipeline.pacer
    }

    /// For how long no send history is asked for because the upstream has been failing. `None` while it is.
    pub fn left_alone_for(&self) -> Option<Duration> {
        self.pipeline.breaker.upstream_wait()
    }

    /// The calls that wait with tokens that were never accepted, as [`Pacer::queue`] are those that wait for their turn.
    pub fn unverified_queue(&self) -> QueueUse {
        self.pipeline.unverified.queue()
    }

    /// Every send attempt of one activity, in ascending order. An activity that was never sent has an empty history.
    ///
    /// The call waits for its turn, renews a refused token once, and is tried again where that can help, all of it until the
    /// caller's deadline. Dropping the future gives up whatever was not sent.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]. An id that this account does not hold is [`FailureClass::NotFound`]; an answer that is not a send
    /// history as a whole is [`FailureClass::Invalid`]. Single records that cannot be read are
    /// [counted](SendHistory::unreadable_sends).
    pub async fn send_history(
        &self,
        caller: &Caller,
        activity: ActivityId,
    ) -> Result<SendHistory, UpstreamError> {
        self.read(caller, &Endpoint::SendHistory(activity)).await
    }

    /// Whose account the token belongs to.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]; without the scope `account_read` it is [`FailureClass::Forbidden`].
    pub async fn account_summary(&self, caller: &Caller) -> Result<AccountSummary, UpstreamError> {
        self.read(caller, &Endpoint::AccountSummary).await
    }

    /// What the user behind the token may do.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn user_privileges(&self, caller: &Caller) -> Result<Vec<Privilege>, UpstreamError> {
        let Privileges(privileges) = self.read(caller, &Endpoint::UserPrivileges).await?;
        Ok(privileges)
    }

    async fn read<T: FromJson>(&self, caller: &Caller, endpoint: &Endpoint) -> Result<T, UpstreamError> {
        self.decode(caller, endpoint, T::decode)
            .await
            .map(|decoded| decoded.value)
    }

    /// Reads an answer, and has the log name what of it could not be read.
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
                "{endpoint} has what cannot be read and is left out: {oddities}"
            );
        }
        Ok(decoded)
    }
}
