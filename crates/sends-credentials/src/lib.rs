//! The login of one Constant Contact account: obtained once interactively, stored safely, refreshed automatically.
//!
//! Covers [browser](CodeLogin) and [device](DeviceLogin) login, the credential file, and token refresh. HTTP requests go to the
//! token and device endpoints only.
//!
//! Invariants, each with its test:
//!
//! - A rotated refresh token is durable before the access token of the same response is returned.
//! - One refresh per credential at a time, over all processes on one state folder; at most one call a second to the token
//!   endpoint.
//! - A refresh is recorded durably before it is sent, which distinguishes a lost response from a revoked token.
//! - A token response is used if it contains an access token, whatever else is malformed. Its lifetime is clamped to between a
//!   minute and a day.
//! - A program that awaits [`finish`] before it exits loses no token response, short of SIGKILL.
//! - After `invalid_grant` nothing is sent until the file changes, except one probe after each pause; the pauses grow.
//! - No secret in a `Debug` output, an error, a log line or a URL. The only exception, required by OAuth: the authorization code
//!   in the redirect.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "used by this workspace's programs alone: a doc comment is for what the name and type do not say"
)]

mod code_login;
#[cfg(test)]
mod crash_tests;
mod credential;
mod credential_store;
mod device_login;
mod document;
mod endpoints;
pub mod environment;
mod error;
mod file_lock;
mod fingerprint;
mod grant;
mod in_flight;
mod last_refusal;
mod login;
mod login_request;
mod oauth;
mod private_file;
mod rate_limit;
mod renewal;
mod settings;
mod state_dir;
mod status;
mod token_answer;
mod token_http;

pub use code_login::CodeLogin;
pub use credential::{Account, CredentialId};
pub use device_login::DeviceLogin;
pub use endpoints::{Endpoints, InvalidEndpoint};
pub use environment::{EnvironmentCredential, EnvironmentVariables, InvalidEnvironment};
pub use error::{LoginError, LoginRequired, StoreError};
pub use grant::Grant;
pub use in_flight::{finish, finish_blocking, finish_received};
pub use login::Login;
pub use login_request::{Application, DEFAULT_SCOPES, LoginRequest};
pub use settings::Settings;
pub use state_dir::{StateDir, default_state_dir};
pub use status::{AccessTokenStatus, RefreshTokenStatus, Status};
