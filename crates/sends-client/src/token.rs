//! Access token as a secret type.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// An OAuth 2.0 access token (documented: a JWT of 1,000 to 1,200 characters that lives 24 hours).
///
/// `Debug` prints a placeholder, there is no `Display`, and the memory is wiped on drop.
#[derive(Clone)]
pub struct AccessToken(SecretString);

/// Error for a text that cannot be an access token: empty, or with characters that are invalid in an HTTP header.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the access token is empty or holds a space or a character that cannot stand in an HTTP header")]
pub struct InvalidToken;

impl AccessToken {
    /// The token as issued by Constant Contact. Surrounding white space, such as the line break of a file, is removed.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] for an empty text and one that is invalid in a header. The error does not contain the text.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        Ok(Self(SecretString::from(token)))
    }

    /// Value of the `Authorization` header, marked as sensitive for the HTTP libraries. Never `None`, since [`new`](Self::new)
    /// accepts visible ASCII only.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Lets a source detect that its current token differs from a rejected one.
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
    fn a_token_is_never_printed() {
        let token = AccessToken::new("eyJhbGciOi.secret").unwrap();
        let printed = format!("{token:?} {:?}", token.authorization().unwrap());
        assert!(
            !printed.contains("secret.") && !printed.contains("eyJ"),
            "{printed}"
        );
    }

    #[test]
    fn white_space_around_a_token_is_dropped_and_inside_it_is_refused() {
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
