//! Login of one Constant Contact account: one interactive login, safe storage, and automatic refresh.
//!
//! The crate implements [browser](CodeLogin) and [device](DeviceLogin) login, the credential file, and token refresh. HTTP
//! requests go only to the token and device endpoints.
//!
//! Invariants, each with a test:
//!
//! - A rotated refresh token is durable before the access token of the same response is returned.
//! - Across all processes on one state folder, at most one refresh per credential is in flight, and at most one call a second
//!   goes to the token endpoint.
//! - A refresh is recorded durably before it is sent, which distinguishes a lost response from a revoked token.
//! - A token response with an access token is used even if other parts are malformed. The lifetime is clamped to between a minute
//!   and a day.
//! - A program that awaits [`finish`] before it exits loses no token response unless it is killed with SIGKILL.
//! - After `invalid_grant`, no request is sent until the file changes, except one probe after each of the growing pauses.
//! - No `Debug` output, error, log line or URL contains a secret, except the authorization code in the redirect, which OAuth
//!   requires.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "only this workspace uses the crate, so doc comments are limited to facts that names and types do not show"
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
mod last_rejection;
mod login;
mod login_request;
mod oauth;
mod private_file;
mod rate_limit;
mod renewal;
mod settings;
mod state_dir;
mod status;
mod token_http;
mod token_response;

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
