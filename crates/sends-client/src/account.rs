//! What the upstream tells about the user behind a token.

use serde::{Deserialize, de::DeserializeOwned};

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
