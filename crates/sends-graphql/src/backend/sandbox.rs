//! Embedded sandbox as the upstream.

use std::{any::Any, io};

use sends_client::{AccessToken, BaseUrl};

use crate::config::SandboxOptions;

/// Sandbox server in this process, stopped on drop.
pub struct EmbeddedSandbox {
    pub base_url: BaseUrl,
    pub token: AccessToken,
    _server: Box<dyn Any + Send + Sync>,
}

impl EmbeddedSandbox {
    #[cfg(feature = "sandbox")]
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let mut config = if options.sandbox_limits {
            sends_sandbox::Config::default()
        } else {
            sends_sandbox::Config::unlimited()
        };
        if options.sandbox_odd_records {
            config = config.with_odd_records();
        }
        let server = sends_sandbox::Sandbox::start(config).await?;
        Ok(Self {
            base_url: server.base_url().parse().map_err(io::Error::other)?,
            token: AccessToken::new(server.access_token()).map_err(io::Error::other)?,
            _server: Box::new(server),
        })
    }

    /// Always fails, since this build has no sandbox. Validation of the options rejects such a configuration earlier.
    #[cfg(not(feature = "sandbox"))]
    #[expect(clippy::unused_async, reason = "the variant with the sandbox is async")]
    pub async fn start(_: SandboxOptions) -> io::Result<Self> {
        Err(io::Error::other("this program was built without it"))
    }
}
