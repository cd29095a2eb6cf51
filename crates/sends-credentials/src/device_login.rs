//! Device login (RFC 8628): the user types a short code on another machine.

use std::time::Duration;

use crate::{Grant, LoginError, LoginRequest, Settings, StateDir, oauth::OAuth, token_answer::DeviceAnswer};

/// A login that waits for its user on another machine. Dropping it ends the polling.
#[must_use]
pub struct DeviceLogin {
    oauth: OAuth,
    scopes: Vec<String>,
    device: DeviceAnswer,
}

impl DeviceLogin {
    /// Requests a user code.
    pub async fn start(
        request: LoginRequest,
        dir: &StateDir,
        settings: &Settings,
    ) -> Result<Self, LoginError> {
        let oauth = OAuth::new(&request.application, &request.endpoints, dir, settings)?;
        Ok(Self {
            device: oauth.begin_device(&request.scopes).await?,
            oauth,
            scopes: request.scopes,
        })
    }

    pub fn user_code(&self) -> &str {
        &self.device.user_code
    }

    pub fn verification_uri(&self) -> &str {
        &self.device.verification_uri
    }

    /// The verification URI with the code filled in. `None` if the upstream provides none.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.device.verification_uri_complete.as_deref()
    }

    /// Lifetime of the code (documented: 600 s) from the start of the login.
    pub fn expires_in(&self) -> Duration {
        self.device.expires_in
    }

    /// Polls, at the upstream's interval, until the user has decided or the code expires. Failed connections are retried.
    pub async fn finish(self) -> Result<Grant, LoginError> {
        let mut grant = self.oauth.await_device(&self.device).await?;
        grant.assume_scopes(self.scopes);
        Ok(grant)
    }
}
