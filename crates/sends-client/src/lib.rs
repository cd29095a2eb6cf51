#![doc = include_str!("../README.md")]
//!
//! # Files
//!
//! A call passes through these files, in this order:
//!
//! | step | file |
//! |---|---|
//! | one method for each upstream path | `constant_contact.rs`, `constant_contact/` |
//! | caller identity, priority, deadline and call budget | `caller.rs` |
//! | the paths, including those of listings and batches | `endpoint.rs`, `listing.rs`, `batch.rs` |
//! | the order of the steps below, and retries | `pipeline.rs`, `pipeline/` |
//! | the token, and its renewal after a 401 | `token_source.rs`, `token.rs` |
//! | suspension of rejected tokens and paths | `refusals.rs`, `refusals/` |
//! | circuit breaker for failing endpoints | `breaker.rs`, `breaker/` |
//! | call budget of unverified tokens | `unverified.rs` |
//! | rate limits per second and per day | `pacing.rs`, `pacing/` |
//! | base URL of the API | `base_url.rs` |
//! | one GET: headers, timeouts, maximum body size | `transport.rs` |
//! | decoding of error responses | `refusal.rs` |
//! | retry policy: remedy of each failure class, backoff, and the retry budget | `retry.rs` |
//! | hooks for metrics | `observer.rs` |
//! | the error type | `error.rs` |
//!
//! A new upstream path is a new variant of [`Endpoint`] and a new method of [`ConstantContact`].
//!
//! # Invariants
//!
//! The crate sends only GET requests, only to paths of [`Endpoint`], and only after the rate limit admits them. Tokens cannot be
//! read back from its types. The crate is independent of GraphQL.

mod base_url;
mod batch;
mod breaker;
mod caller;
mod clock;
mod constant_contact;
mod crypto;
mod endpoint;
mod error;
mod http_failure;
mod listing;
mod observer;
pub mod pacing;
mod pipeline;
mod refusal;
mod refusals;
mod retry;
mod settings;
mod token;
mod token_source;
mod transport;
mod unverified;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use batch::{Batch, BatchAnswer, Batched};
pub use breaker::BreakerSettings;
pub use caller::{Caller, CallerGroup, Lane, Priority};
pub use clock::{Clock, SystemClock};
pub use constant_contact::ConstantContact;
pub use crypto::install_crypto_provider;
pub use endpoint::Endpoint;
pub use error::{BuildError, FailureClass, UpstreamError};
pub use http_failure::{retry_after, root_cause};
pub use listing::{CampaignFilter, NextPage, Paged, ResourcePage};
pub use observer::{ObservedRequest, Observer};
pub use pacing::Pacer;
pub use retry::RetrySettings;
pub use sends_core::Privilege;
pub use settings::Settings;
pub use token::{AccessToken, InvalidToken};
pub use token_source::{TokenError, TokenSource};
