//! The account behind a token.
//!
//! Owns what is read of it. The upstream's summary holds the owner's personal data too: name, telephone, address. Must
//! not read any of that.

use alloc::string::String;

use serde::Deserialize;

use crate::json::read_as_object;
use crate::lenient::text;

/// Whose account a token belongs to (`/account/summary`). Any field may be missing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct AccountSummary {
    /// The account's id, the same for every user and token of it.
    pub encoded_account_id: Option<String>,
    /// The account's name, for people, freed of HTML escapes.
    #[serde(default, deserialize_with = "text")]
    pub organization_name: Option<String>,
    /// The account's time zone, such as `US/Eastern`.
    pub time_zone_id: Option<String>,
}

read_as_object! {
    AccountSummary = "an account summary",
}
