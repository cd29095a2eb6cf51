//! The embedded sandbox as an upstream.

use std::io;

use crate::config::SandboxOptions;

/// A sandbox in this process, until it is dropped.
pub struct EmbeddedSandbox(sends_sandbox::Sandbox);

impl EmbeddedSandbox {
    /// Starts a sandbox on a free loopback port.
    ///
    /// # Errors
    ///
    /// When no port can be listened on.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let config = if options.sandbox_limits {
            sends_sandbox::Config::default()
        } else {
            sends_sandbox::Config::unlimited()
        };
        let config = if options.sandbox_odd_records {
            config.with_odd_records()
        } else {
            config
        };
        sends_sandbox::Sandbox::start(config).await.map(Self)
    }

    /// The base URL of its API.
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// A token that it accepts.
    pub fn access_token(&self) -> &str {
        self.0.access_token()
    }
}
