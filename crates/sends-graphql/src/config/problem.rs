//! What can be wrong with the settings, each as a sentence that names the option.

use sends_client::InvalidBaseUrl;
use sends_credentials::{InvalidEndpoint, InvalidEnvironment, StoreError};

use crate::http::{InvalidApiKeys, InvalidManifest};

/// One thing that is wrong with the settings.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// A value is not of the kind that its option takes.
    #[error("--{option} (SENDS_{variable}): \"{value}\" is not {expected}")]
    Value {
        /// The option, without its dashes.
        option: &'static str,
        /// The variable, without the prefix that all have.
        variable: String,
        /// What was given.
        value: String,
        /// What would have been right.
        expected: String,
    },
    /// A value of an option that no variable stands for is not of the kind that the option takes.
    #[error("--{option}: \"{value}\" is not {expected}")]
    Option {
        /// The option, without its dashes.
        option: &'static str,
        /// What was given.
        value: String,
        /// What would have been right.
        expected: String,
    },
    /// The upstream's URL cannot be used.
    #[error("--upstream-url (SENDS_UPSTREAM_URL): {0}")]
    UpstreamUrl(InvalidBaseUrl),
    /// The authorization server's URL cannot be used.
    #[error("--oauth-url (SENDS_OAUTH_URL): {0}")]
    OAuthUrl(InvalidEndpoint),
    /// The state folder cannot be used.
    #[error("--state-dir (SENDS_STATE_DIR): {0}")]
    StateDir(StoreError),
    /// The tokens in the environment make no credential.
    #[error("{0}")]
    Environment(InvalidEnvironment),
    /// Two upstreams at once.
    #[error("--sandbox and --upstream-url name two different upstreams; give one of them")]
    TwoUpstreams,
    /// What the sandbox is to be like, without a sandbox.
    #[error("--sandbox-limits and --sandbox-odd-records are about the sandbox; add --sandbox")]
    NoSandbox,
    /// The sandbox's data belongs to nobody's token.
    #[error("--sandbox answers with its own data; it cannot be combined with --caller-tokens")]
    SandboxOfCallers,
    /// With both it would not be obvious which of them answers.
    #[error(
        "--caller-tokens lets each caller bring a token, so SENDS_ACCESS_TOKEN and SENDS_REFRESH_TOKEN must not be set"
    )]
    TwoModes,
    /// Nobody's log could be filled while nobody asks.
    #[error("--sync-every needs an account of the service's own; it cannot be combined with --caller-tokens")]
    SyncOfCallers,
    /// The API keys cannot be used.
    #[error("--api-key-file (SENDS_API_KEY_FILE): {0}")]
    ApiKeys(InvalidApiKeys),
    /// The manifest of trusted documents cannot be used.
    #[error("--persisted-only (SENDS_PERSISTED_ONLY): {0}")]
    PersistedOnly(InvalidManifest),
    /// Anybody who reaches the address could read the account.
    #[error(
        "--listen (SENDS_LISTEN): \"{0}\" can be reached from other machines, and whoever reaches it could read the \
         account; require keys with --api-key-file, or say --behind-authenticating-proxy when something in front of the \
         service checks who asks"
    )]
    OpenToAnybody(String),
    /// An application is needed to log in.
    #[error("--client-id (SENDS_CLIENT_ID): give the client id of your application at Constant Contact")]
    NoClientId,
    /// Nothing to ask.
    #[error(
        "no account to ask: connect one with `sends-graphql login`, set SENDS_ACCESS_TOKEN to an access token for Constant \
         Contact, or try it on invented data with --sandbox"
    )]
    NoAccount,
}

impl Problem {
    pub(super) fn option(option: &'static str, value: &str, expected: impl Into<String>) -> Self {
        Self::Option {
            option,
            value: value.to_owned(),
            expected: expected.into(),
        }
    }

    pub(super) fn value(option: &'static str, value: &str, expected: impl Into<String>) -> Self {
        let variable = option.to_ascii_uppercase().replace('-', "_");
        Self::Value {
            option,
            variable,
            value: value.to_owned(),
            expected: expected.into(),
        }
    }
}
