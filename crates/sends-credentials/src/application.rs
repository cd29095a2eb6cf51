//! The application registered with Constant Contact that asks for access, and what it asks for.
//!
//! Must not know what was granted.

use secrecy::SecretString;

/// What this project reads: sends and campaigns, list and segment names, the account's name, and a refresh token
/// (documented scopes).
pub const DEFAULT_SCOPES: [&str; 4] = ["campaign_data", "contact_data", "account_read", "offline_access"];

/// An application (API key) as it identifies itself to the token endpoint.
#[derive(Clone, Debug)]
pub struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretString>,
}

impl Application {
    /// An application without a secret: its id goes into the body (documented for PKCE and the device flow).
    pub fn public(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
        }
    }

    /// An application with a secret: it authenticates with HTTP Basic (documented), and uses PKCE as well.
    pub fn confidential(client_id: impl Into<String>, client_secret: SecretString) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: Some(client_secret),
        }
    }

    /// The public part of its identity.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }
}
