//! What the upstream tells about the account and the user behind a token.
//!
//! The account summary holds the owner's personal data too; only what is used is read.

use serde::{Deserialize, de::DeserializeOwned};

/// Whose account a token belongs to (`/account/summary`). Any field may be missing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct AccountSummary {
    /// The account's id, the same for every user and token of it.
    pub encoded_account_id: Option<String>,
    /// The account's name, for people.
    pub organization_name: Option<String>,
    /// The account's time zone, such as `US/Eastern`.
    pub time_zone_id: Option<String>,
}

/// One thing that the user behind a token may do (`/account/user/privileges`).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Privilege {
    /// Its name, such as `campaign:read`.
    pub privilege_name: String,
}

/// Reads JSON of a documented shape. The error says where it differs, without the text around it.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
