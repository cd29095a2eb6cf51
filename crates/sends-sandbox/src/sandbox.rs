//! Owns the handle to a running sandbox: starting it, where it is, and stopping it. Must not know what it serves.

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

/// A running sandbox. Dropping it stops the server at once; [`Sandbox::stop`] lets answers under way end.
#[derive(Debug)]
#[must_use = "dropping it stops the server"]
pub struct Sandbox {
    address: SocketAddr,
    access_token: String,
    upstream: Arc<Upstream>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox on a free loopback port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(config: Config) -> io::Result<Self> {
        Self::start_on(TcpListener::bind(("127.0.0.1", 0)).await?, config).await
    }

    /// Starts a sandbox on a listener of the caller's.
    ///
    /// # Errors
    /// When the listener has no address.
    #[expect(
        clippy::unused_async,
        reason = "a start that has to wait must not change the signature"
    )]
    pub async fn start_on(listener: TcpListener, config: Config) -> io::Result<Self> {
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

    /// The base of the API's paths, such as `http://127.0.0.1:8081/v3`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v3", self.address)
    }

    /// The base of the OAuth paths, such as `http://127.0.0.1:8081/oauth2/default/v1`.
    pub fn oauth_base_url(&self) -> String {
        format!("http://{}/oauth2/default/v1", self.address)
    }

    /// The base of the control requests, such as `http://127.0.0.1:8081/_sandbox`.
    pub fn control_url(&self) -> String {
        format!("http://{}/_sandbox", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first fixed access token, which unless configured otherwise works with every scope.
    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// The identifier of the first account's generated activity of an index, if there are so many.
    pub fn activity_id(&self, index: u64) -> Option<String> {
        Some(
            self.upstream
                .accounts
                .first()?
                .generated_activity_id(index)?
                .to_string(),
        )
    }

    /// Adds a fault, as `POST /_sandbox/faults` does.
    pub fn add_fault(&self, fault: Fault) {
        self.upstream.faults.add(fault);
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.upstream.faults.replace(&[]);
    }

    /// Changes the switches, as `POST /_sandbox/config` does.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = (*self.upstream.settings()).clone();
        change(&mut settings);
        self.upstream.set_settings(settings);
    }

    /// What was asked so far, oldest first, as `GET /_sandbox/requests` shows it.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.upstream.log.entries(0)
    }

    /// Stops accepting, lets answers under way end for a moment, and closes what is left.
    pub async fn stop(mut self) {
        // A send fails only when the server has ended by itself.
        let _ = self.stop.send(true);
        if let Err(error) = (&mut self.server).await {
            tracing::error!(%error, "the sandbox did not stop in order");
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
