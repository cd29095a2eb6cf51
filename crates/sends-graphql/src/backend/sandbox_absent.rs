//! The build without a sandbox: `--sandbox` is refused before anything is started.

use std::io;

use crate::config::SandboxOptions;

/// The sandbox that this build lacks.
pub enum EmbeddedSandbox {}

impl EmbeddedSandbox {
    /// Refuses.
    ///
    /// # Errors
    ///
    /// Always.
    #[expect(clippy::unused_async, reason = "the sandbox of other builds is waited for")]
    pub async fn start(_: SandboxOptions) -> io::Result<Self> {
        Err(io::Error::other("this program was built without it"))
    }

    /// The base URL of its API.
    pub fn base_url(&self) -> String {
        match *self {}
    }

    /// A token that it accepts.
    pub fn access_token(&self) -> &str {
        match *self {}
    }
}
