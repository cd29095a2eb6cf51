//! The login of one Constant Contact account: obtained once by a person, kept safely, renewed unattended.
//!
//! The crate owns everything between "who may read this account?" and an access token that works: logging in with a
//! [browser](CodeLogin) or [another device](DeviceLogin), the credential file, and refreshing. It sends OAuth requests
//! to the token and device endpoints, and nothing else. It knows nothing of GraphQL, nor of what the tokens are used for.
//!
//! | what | file |
//! |---|---|
//! | where the OAuth endpoints are, and which application asks | `endpoints.rs`, `application.rs` |
//! | logging in: browser and loopback redirect, device code | `code_login.rs`, `device_login.rs` |
//! | what a login brings | `grant.rs` |
//! | the login in a state folder; the one in the environment, of a fixed token or not | `login.rs`, `environment.rs`, `fixed_token.rs` |
//! | staying usable: who waits for whom, what one refresh does, where its answer can be lost | `renewal.rs`, `renewal/refresh.rs` |
//! | what the end of the process waits for | `in_flight.rs` |
//! | what is kept, and as what text | `credential.rs`, `document.rs` |
//! | the file: place, lock, permissions, durability | `state_dir.rs`, `credential_store.rs`, `file_lock.rs`, `private_file.rs` |
//! | the OAuth requests, one POST, how answers are read, and the pace | `oauth.rs`, `token_http.rs`, `token_answer.rs`, `pace.rs` |
//! | what can be said about a login; what can go wrong | `status.rs`, `error.rs` |
//!
//! Invariants, each with its test:
//!
//! - A rotated refresh token is durable before the access token that came with it is handed out.
//! - One refresh is under way for a credential at a time, over all processes on one state folder; the token endpoint is
//!   called at most once a second.
//! - A refresh is noted durably before it is sent, so that a lost answer is told from a revoked token.
//! - A token answer is used if it holds an access token, whatever else is odd about it, and stated lives are kept within a minute
//!   and a day.
//! - A program that awaits [`finish`] at its end loses no answer of the token endpoint short of a kill.
//! - After `invalid_grant` nothing is sent until the file changes, but for one probe after each of growing pauses.
//! - No secret is in a `Debug` output, an error, a log line or a URL, with the exception that OAuth itself makes: the
//!   authorization code that the browser brings.

mod application;
mod code_login;
#[cfg(test)]
mod crash_points;
mod credential;
mod credential_store;
mod device_login;
mod document;
mod endpoints;
pub mod environment;
mod error;
mod file_lock;
mod fingerprint;
mod fixed_token;
mod grant;
mod in_flight;
mod login;
mod oauth;
mod pace;
mod private_file;
mod renewal;
mod settings;
mod state_dir;
mod status;
mod token_answer;
mod token_http;

pub use application::{Application, DEFAULT_SCOPES};
pub use code_login::{CodeLogin, LoginRequest};
pub use credential::{Account, CredentialId};
pub use device_login::DeviceLogin;
pub use endpoints::{Endpoints, InvalidEndpoint};
pub use environment::{EnvironmentCredential, EnvironmentVariables, InvalidEnvironment};
pub use error::{LoginError, LoginRequired, StoreError};
pub use grant::Grant;
pub use in_flight::{finish, finish_blocking, finish_received};
pub use login::Login;
pub use settings::Settings;
pub use state_dir::{StateDir, default_state_dir};
pub use status::{AccessTokenStatus, RefreshTokenStatus, Status};
