//! Data access for the schema: send histories, other resources of an account, the send log, and the dataloaders of an operation.
//!
//! | file | content |
//! |---|---|
//! | `access.rs` | account and credential of a request |
//! | `loader.rs` | dataloaders, which read each resource once per operation and in batches |
//! | `histories.rs` | send histories: store, freshness rules, single-flight fetches and stale responses |
//! | `resources.rs` | campaigns, contact lists, segments, statistics and the account |
//! | `send_log.rs` | log of all sends |
//!
//! This module is independent of GraphQL.

pub mod access;
pub mod histories;
pub mod loader;
pub mod resources;
pub mod send_log;
