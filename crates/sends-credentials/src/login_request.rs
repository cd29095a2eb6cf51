//! Registered application, authorization server and scopes of a login.

use secrecy::SecretString;

use crate::Endpoints;

/// Scopes for sends and campaigns, names of lists and segments, the account's name, and a refresh token (documented).
pub const DEFAULT_SCOPES: [&str; 4] = ["campaign_data", "contact_data", "account_read", "offline_access"];

#[derive(Clone, Debug)]
pub struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretString>,
}

#[derive(Clone, Debug)]
pub struct LoginRequest {
    pub application: Application,
    pub endpoints: Endpoints,
    pub scopes: Vec<String>,
}

impl Application {
    /// Creates an application that has no secret and sends its id in the body (documented for PKCE and the device flow).
    pub fn public(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
        }
    }

    /// Creates an application with a secret, which uses HTTP Basic authentication (documented) in addition to PKCE.
    pub fn confidential(client_id: impl Into<String>, client_secret: SecretString) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: Some(client_secret),
        }
    }
}

impl LoginRequest {
    pub fn new(application: Application) -> Self {
        Self {
            application,
            endpoints: Endpoints::default(),
            scopes: DEFAULT_SCOPES.map(String::from).to_vec(),
        }
    }
}
