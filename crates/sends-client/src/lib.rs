//! Constant Contact's V3 API over HTTP, reduced to the reads this project makes.
//!
//! The crate owns everything between "which activity?" and "here is its history, or here is why not": the fixed list of
//! [paths](Endpoint), the token, the limits on time and size, and what a failed call means. It knows nothing of GraphQL.
//!
//! One call goes one way through the files:
//!
//! | step | file |
//! |---|---|
//! | the method a caller sees, one for each upstream path | `constant_contact.rs`, `constant_contact/` |
//! | for whom, in which lane, until when | `caller.rs` |
//! | the path it asks, of a listing or for a batch too | `endpoint.rs`, `listing.rs`, `batch.rs` |
//! | the order of all that follows, and when to begin again | `pipeline.rs` |
//! | the token, and another one after a 401 | `token_source.rs`, `token.rs` |
//! | what keeps failing and is left alone for now | `breaker.rs`, `breaker/` |
//! | how many calls tokens may cost that were never accepted | `unverified.rs` |
//! | the turn, within the limits of the second and the day | `pacing.rs`, `pacing/` |
//! | where the API is | `base_url.rs` |
//! | one GET: headers, timeouts, the bounded body | `transport.rs` |
//! | what an answer that is not a success says | `refusal.rs` |
//! | which failures are tried again, after what wait, and how many in all | `retry.rs` |
//! | who is told of it all, for counting | `observer.rs` |
//! | the one error type | `error.rs` |
//!
//! Another upstream path is another variant of [`Endpoint`] and another method of [`ConstantContact`]; the rest of the way
//! is the same for all.
//!
//! What is absent by design: any method other than GET, any path outside [`Endpoint`], any request that has not had its
//! turn, and any way to read a token back.

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
