//! Handle to a running sandbox.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::settings::Settings;
use crate::config::{Config, DEFAULT_ACCESS_TOKEN};
use crate::connection;
use crate::faults::Fault;
use crate::request_log::LoggedRequest;
use crate::upstream::Upstream;

/// Running sandbox. Dropping the handle aborts the server; [`Sandbox::stop`] waits for responses in progress.
#[derive(Debug)]
#[must_use]
pub struct Sandbox {
    address: SocketAddr,
    access_token: String,
    upstream: Arc<Upstream>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Sandbox {
    pub async fn start(config: Config) -> io::Result<Self> {
        Self::start_on(TcpListener::bind(("127.0.0.1", 0)).await?, config)
    }

    pub fn start_on(listener: TcpListener, config: Config) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let access_token = config
            .access_tokens
            .first()
            .map_or(DEFAULT_ACCESS_TOKEN, |fixed| &fixed.token)
            .to_owned();
        let upstream = Arc::new(Upstream::new(config));
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(connection::serve(listener, Arc::clone(&upstream), stopped));
        Ok(Self {
            address,
            access_token,
            upstream,
            stop,
            server,
        })
    }

    /// Returns the base URL of the API, such as `http://127.0.0.1:8081/v3`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v3", self.address)
    }

    pub fn oauth_base_url(&self) -> String {
        format!("http://{}/oauth2/default/v1", self.address)
    }

    pub fn control_url(&self) -> String {
        format!("http://{}/_sandbox", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// Returns the identifier of a generated activity of the first account, or `None` if `index` is out of range.
    pub fn activity_id(&self, index: u64) -> Option<String> {
        Some(
            self.upstream
                .accounts
                .first()?
                .generated_activity_id(index)?
                .to_string(),
        )
    }

    pub fn add_fault(&self, fault: Fault) {
        self.upstream.faults.add(fault);
    }

    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = (*self.upstream.settings()).clone();
        change(&mut settings);
        self.upstream.set_settings(settings);
    }

    /// Returns the request log, the oldest request first, as `GET /_sandbox/requests` does.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.upstream.log.entries(0)
    }

    /// Stops accepting connections, waits for at most a second for responses in progress, and closes the remaining connections.
    pub async fn stop(mut self) {
        // Sending fails only if the server has already ended.
        let _ = self.stop.send(true);
        if let Err(error) = (&mut self.server).await {
            tracing::error!(%error, "the server of the sandbox failed");
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
