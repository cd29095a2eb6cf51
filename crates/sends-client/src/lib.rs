//! Constant Contact's V3 API over HTTP, reduced to the reads this project makes.
//!
//! The crate owns everything between "which activity?" and "here is its history, or here is why not": the fixed list of
//! [paths](Endpoint), the token, the limits on time and size, and what a failed call means. It knows nothing of GraphQL.
//!
//! One call goes one way through the files:
//!
//! | step | file |
//! |---|---|
//! | the method a caller sees, one for each upstream path | `constant_contact.rs` |
//! | the path it asks | `endpoint.rs` |
//! | where that is | `base_url.rs` |
//! | one GET: headers, timeouts, the bounded body | `transport.rs` |
//! | what an answer that is not a success says | `refusal.rs` |
//! | the one error type | `error.rs` |
//!
//! A call is a single attempt. Pacing, retries and token renewal belong between `constant_contact.rs` and
//! `transport.rs`: the transport reports every failure with the [class](FailureClass) that such a layer decides by.
//!
//! What is absent by design: any method other than GET, any path outside [`Endpoint`], and any way to read a token back.

mod base_url;
mod constant_contact;
mod endpoint;
mod error;
mod refusal;
mod token;
mod transport;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use constant_contact::{ConstantContact, Settings};
pub use endpoint::Endpoint;
pub use error::{BuildError, FailureClass, UpstreamError};
pub use token::{AccessToken, InvalidToken};
