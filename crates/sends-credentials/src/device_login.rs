//! Logging in on a machine without a browser: the user types a short code on another one (RFC 8628).
//!
//! Must not know how the code is shown, nor where the tokens are kept.

use std::time::Duration;

use crate::{
    Grant, LoginError, LoginRequest, Settings, StateDir, oauth::OAuth, oauth::printable,
    token_answer::DeviceAnswer,
};

/// A login that waits for its user on another machine.
#[must_use = "dropping it stops asking whether the user has decided"]
pub struct DeviceLogin {
    oauth: OAuth,
    scopes: Vec<String>,
    device: DeviceAnswer,
}

impl DeviceLogin {
    /// Asks for a code to show.
    ///
    /// # Errors
    ///
    /// [`LoginError::Refused`] when the upstream does not know the application or a scope, and
    /// [`LoginError::Unavailable`] when it cannot be reached.
    pub async fn start(
        request: LoginRequest,
        dir: &StateDir,
        settings: &Settings,
    ) -> Result<Self, LoginError> {
        let oauth = OAuth::new(&request.application, &request.endpoints, dir, settings)?;
        let mut device = oauth.begin_device(&request.scopes).await?;
        // All of this comes from outside and is meant for a terminal.
        device.user_code = printable(&device.user_code);
        device.verification_uri = printable(&device.verification_uri);
        device.verification_uri_complete = device.verification_uri_complete.as_deref().map(printable);
        Ok(Self {
            oauth,
            scopes: request.scopes,
            device,
        })
    }

    /// What the user types.
    pub fn user_code(&self) -> &str {
        &self.device.user_code
    }

    /// Where the user types it.
    pub fn verification_uri(&self) -> &str {
        &self.device.verification_uri
    }

    /// The same with the code filled in. `None` when the upstream offers no such address.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.device.verification_uri_complete.as_deref()
    }

    /// How long the code lives (documented: 600 s), counted from the start.
    pub fn expires_in(&self) -> Duration {
        self.device.expires_in
    }

    /// Asks again and again, no faster than the upstream wants, until the user has decided.
    ///
    /// # Errors
    ///
    /// [`LoginError::Denied`] when the user says no, [`LoginError::Expired`] when the code's life is over, and otherwise
    /// what the upstream refused. A connection that fails is tried again for as long as the code lives.
    pub async fn finish(self) -> Result<Grant, LoginError> {
        let mut grant = self.oauth.await_device(&self.device).await?;
        grant.assume_scopes(self.scopes);
        Ok(grant)
    }
}
