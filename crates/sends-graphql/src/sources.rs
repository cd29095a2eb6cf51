//! The data behind the schema: send histories, the other resources of an account, the send log, and the loaders of one operation.
//!
//! | file | |
//! |---|---|
//! | `access.rs` | the account and the credential of a request |
//! | `loader.rs` | the dataloaders: each resource is read once per operation, in batches |
//! | `histories.rs` | send histories: the store, the freshness rules, single flight, stale responses |
//! | `resources.rs` | campaigns, contact lists, segments, statistics and the account |
//! | `send_log.rs` | the log of all sends |
//!
//! Independent of GraphQL and HTTP.

pub mod access;
pub mod histories;
pub mod loader;
pub mod resources;
pub mod send_log;
