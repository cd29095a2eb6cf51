//! Device login (RFC 8628): the user enters a short code on another device.

use std::time::Duration;

use crate::{
    Grant, LoginError, LoginRequest, Settings, StateDir, oauth::OAuth, token_response::DeviceResponse,
};

/// Pending device login. Dropping the value stops the polling.
#[must_use]
pub struct DeviceLogin {
    oauth: OAuth,
    scopes: Vec<String>,
    device: DeviceResponse,
}

impl DeviceLogin {
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

    /// Returns the verification URI that includes the code, or `None` if the upstream provides none.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.device.verification_uri_complete.as_deref()
    }

    /// Returns the lifetime of the code (documented: 600 s), counted from the start of the login.
    pub fn expires_in(&self) -> Duration {
        self.device.expires_in
    }

    /// Polls at the upstream's interval until the user decides or the code expires. Failed connections are retried.
    pub async fn finish(self) -> Result<Grant, LoginError> {
        let mut grant = self.oauth.await_device(&self.device).await?;
        grant.assume_scopes(self.scopes);
        Ok(grant)
    }
}
