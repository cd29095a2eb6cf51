//! The access token: a secret that can be sent and cannot be shown.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// An OAuth 2.0 access token (documented: a JWT of 1,000 to 1,200 characters that lives 24 hours).
///
/// It is kept out of sight: `Debug` prints a placeholder, there is no `Display`, and the memory is wiped on drop.
#[derive(Clone)]
pub struct AccessToken(SecretString);

/// The text cannot be an access token: it is empty or holds a character that an HTTP header cannot carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the access token is empty or holds a space or a character that cannot stand in an HTTP header")]
pub struct InvalidToken;

impl AccessToken {
    /// Takes the token as Constant Contact issued it. White space around it, such as the line break of a file, is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] for an empty text and for one that could not be sent. The error does not repeat the text.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        Ok(Self(SecretString::from(token)))
    }

    /// The value of the `Authorization` header, marked so that HTTP libraries do not print it either. `None` cannot come:
    /// [`new`](Self::new) lets only visible ASCII through, which any header can carry.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Whether it is the same token: a source that is told of a refused one needs to know whether it has another already.
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
