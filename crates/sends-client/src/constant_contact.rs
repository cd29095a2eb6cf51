//! The client as its callers see it: one method for each upstream path.

use std::{sync::Arc, time::Duration};

use sends_core::{ActivityId, SendHistory};

use crate::{AccessToken, BaseUrl, BuildError, Endpoint, FailureClass, UpstreamError, transport::Transport};

/// How to reach the upstream, and how much of its time and memory one call may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API lives.
    pub base_url: BaseUrl,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a whole call may take, from the first byte sent to the last one read.
    pub call_timeout: Duration,
    /// The largest answer that is read, in bytes after decompression.
    pub body_limit: usize,
}

impl Settings {
    /// The default limits: 5 s to connect, 20 s for a call, 4 MiB for an answer.
    pub fn new(base_url: BaseUrl) -> Self {
        Self {
            base_url,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(20),
            body_limit: 4 << 20,
        }
    }
}

/// A client of Constant Contact's V3 API for one token. Cloning is cheap and shares the connections.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use sends_client::{AccessToken, BaseUrl, ConstantContact, Settings};
///
/// let settings = Settings::new(BaseUrl::REAL_UPSTREAM.parse()?);
/// let client = ConstantContact::new(settings, &AccessToken::new(&std::fs::read_to_string("token")?)?)?;
/// let history = client.send_history("1ead98be-dfa0-4e04-81f7-5f1534d42e9c".parse()?).await?;
/// println!("{} sends", history.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConstantContact {
    transport: Arc<Transport>,
}

impl ConstantContact {
    /// A client that sends `token` with every call to `settings.base_url`, and to nowhere else.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the upstream is asked over HTTPS and the machine has no CA certificates.
    pub fn new(settings: Settings, token: &AccessToken) -> Result<Self, BuildError> {
        Ok(Self {
            transport: Arc::new(Transport::new(settings, token)?),
        })
    }

    /// Every send attempt of one activity, in ascending order. An activity that was never sent has an empty history.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]. An id that this account does not hold is [`FailureClass::NotFound`]; an answer that is not a send
    /// history is [`FailureClass::Invalid`], with the record and field in its detail.
    pub async fn send_history(&self, activity: ActivityId) -> Result<SendHistory, UpstreamError> {
        let answer = self.transport.get(Endpoint::SendHistory(activity)).await?;
        SendHistory::from_json(answer.body())
            .map_err(|error| answer.failure(FailureClass::Invalid, error.to_string()))
    }
}
