//! The data behind the schema: send histories, the other resources of an account, the send log, and the loaders of one operation.
//!
//! | file | |
//! |---|---|
//! | `access.rs` | whose data a request reads, and with which credential |
//! | `loader.rs` | the dataloaders: within one operation each thing is read once, in batches |
//! | `histories.rs` | send histories: the store, the freshness rules, single flight, stale answers |
//! | `resources.rs` | campaigns, contact lists, segments, statistics and the account |
//! | `send_log.rs` | the log of all sends |
//!
//! Nothing here knows GraphQL or HTTP.

pub mod access;
pub mod histories;
pub mod loader;
pub mod resources;
pub mod send_log;
