//! Data of the simulated accounts: campaigns, activities, sends, lists and segments.

pub(crate) mod account;
pub(crate) mod campaigns;
pub(crate) mod changes;
mod generated;
pub(crate) mod identifiers;
pub(crate) mod lists;
mod records;
pub(crate) mod send;
mod shop;
