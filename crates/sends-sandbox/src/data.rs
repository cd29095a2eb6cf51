//! Owns what the simulated accounts hold: campaigns, activities, their sends, lists and segments. Must not know HTTP,
//! tokens or limits.

pub(crate) mod account;
pub(crate) mod campaigns;
pub(crate) mod changes;
pub(crate) mod generated;
pub(crate) mod identifiers;
pub(crate) mod lists;
mod odd_records;
mod records;
pub(crate) mod send;
mod shop;
