//! Access token as a secret type.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// OAuth 2.0 access token (documented: a JWT of 1,000 to 1,200 characters, valid for 24 hours).
///
/// `Debug` prints a placeholder, there is no `Display`, and the memory is zeroed on drop.
#[derive(Clone)]
pub struct AccessToken(SecretString);

/// Error returned for a string that is empty or contains characters that are invalid in an HTTP header.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the access token is empty or contains a character that is invalid in an HTTP header")]
pub struct InvalidToken;

impl AccessToken {
    /// Creates a token from the string that Constant Contact issued. Surrounding white space, such as the line break of a file,
    /// is removed.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] if the string is empty or invalid in a header. The error does not contain the string.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        Ok(Self(SecretString::from(token)))
    }

    /// Returns the value of the `Authorization` header, marked as sensitive for the HTTP libraries. The value is never `None`
    /// because [`new`](Self::new) accepts only visible ASCII characters.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Lets a source detect that its current token differs from a rejected token.
impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for AccessToken {}

impl Hash for AccessToken {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.expose_secret().hash(hasher);
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessToken([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_never_printed() {
        let token = AccessToken::new("eyJhbGciOi.secret").unwrap();
        let printed = format!("{token:?} {:?}", token.authorization().unwrap());
        assert!(
            !printed.contains("secret.") && !printed.contains("eyJ"),
            "{printed}"
        );
    }

    #[test]
    fn surrounding_white_space_is_trimmed_and_inner_white_space_rejected() {
        assert_eq!(
            AccessToken::new(" abc\n").unwrap().authorization().unwrap(),
            "Bearer abc"
        );
        for refused in ["", "  ", "a b", "a\nb", "ü"] {
            assert_eq!(
                AccessToken::new(refused).unwrap_err(),
                InvalidToken,
                "{refused:?}"
            );
        }
    }
}
