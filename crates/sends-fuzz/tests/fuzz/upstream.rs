//! Malformed responses of the upstream, over TCP and through the client.
//!
//! The first byte of an input selects the status, the second byte the headers, and the third byte the endpoint. The rest is the
//! body.

use std::{io, sync::Arc, time::Duration};

use sends_client::{
    AccessToken, Batch, BreakerSettings, Caller, CampaignFilter, ConstantContact, Pacer, RetrySettings,
    Settings, TokenSource, pacing::Limits,
};
use sends_core::{ActivityId, CampaignId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Runtime,
    sync::mpsc::{self, Receiver, Sender},
    time::Instant,
};

// 429 is excluded, because the client correctly waits after it.
const STATUSES: [u16; 12] = [200, 200, 200, 200, 200, 201, 204, 302, 400, 403, 404, 500];

const HEADERS: [&str; 6] = [
    "content-type: application/json\r\n",
    "",
    "content-type: text/html\r\nretry-after: soon\r\n",
    "retry-after: 99999999999999999999\r\n",
    "content-encoding: gzip\r\n",
    "location: http://127.0.0.1:1/\r\n",
];

/// Timeout of a call, which detects responses that never end.
const CALL: Duration = Duration::from_millis(400);

pub(crate) struct Upstream {
    runtime: Runtime,
    client: ConstantContact,
    token: Arc<dyn TokenSource>,
    activity: ActivityId,
    campaign: CampaignId,
    answers: Sender<Vec<u8>>,
}

impl Upstream {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let base_url = format!("http://{}/v3", listener.local_addr()?);
        let (answers, expected) = mpsc::channel(1);
        runtime.spawn(answer(listener, expected));
        let settings = Settings {
            call_timeout: CALL,
            retry: RetrySettings {
                max_attempts: 1,
                ..RetrySettings::default()
            },
            breaker: BreakerSettings {
                failures: u32::MAX,
                ..BreakerSettings::default()
            },
            ..Settings::new(base_url.parse().map_err(io::Error::other)?)
        };
        let client =
            ConstantContact::new(settings, Pacer::in_memory(Limits::NONE)).map_err(io::Error::other)?;
        Ok(Self {
            runtime,
            client,
            token: Arc::new(AccessToken::new("a-token").map_err(io::Error::other)?),
            activity: "1ead98be-dfa0-4e04-81f7-5f1534d42e9c"
                .parse()
                .map_err(io::Error::other)?,
            campaign: "cafe1ead-0000-4000-8000-000000000001"
                .parse()
                .map_err(io::Error::other)?,
            answers,
        })
    }

    /// Makes one call with this input as the response. The call must end in time, and no error may contain the token.
    pub(crate) fn feed(&self, input: &[u8]) -> bool {
        let byte = |place: usize| input.get(place).map_or(0, |&byte| usize::from(byte));
        let body = input.get(3..).unwrap_or_default();
        let status = STATUSES[byte(0) % STATUSES.len()];
        let headers = HEADERS[byte(1) % HEADERS.len()];
        let head = format!(
            "HTTP/1.1 {status} Fuzzed\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n",
            body.len()
        );
        self.runtime.block_on(async {
            let sent = self.answers.send([head.as_bytes(), body].concat()).await;
            assert!(sent.is_ok(), "the upstream has ended");
            let caller = Caller::new(Arc::clone(&self.token), Instant::now() + 2 * CALL);
            let failure = match byte(2) % 8 {
                0 => self.client.account_summary(&caller).await.err(),
                1 => self.client.user_privileges(&caller).await.err(),
                2 => self
                    .client
                    .campaigns(&caller, &CampaignFilter::default())
                    .await
                    .err(),
                3 => self.client.contact_lists(&caller).await.err(),
                4 => self.client.campaign(&caller, self.campaign).await.err(),
                5 => self.client.activity(&caller, self.activity).await.err(),
                6 => {
                    let batch = &Batch::split(&[self.activity])[0];
                    self.client.activity_stats(&caller, batch).await.err()
                }
                _ => self.client.send_history(&caller, self.activity).await.err(),
            };
            if let Some(error) = &failure {
                assert!(!format!("{error} {error:?}").contains("a-token"), "{error:?}");
            }
            failure.is_none()
        })
    }
}

async fn answer(listener: TcpListener, mut answers: Receiver<Vec<u8>>) {
    while let Some(answer) = answers.recv().await {
        let Ok((mut connection, _)) = listener.accept().await else {
            return;
        };
        let mut head = [0; 4096];
        // The content of the request is irrelevant, and the client may have closed the connection.
        let _ = connection.read(&mut head).await;
        let _ = connection.write_all(&answer).await;
        let _ = connection.shutdown().await;
    }
}
