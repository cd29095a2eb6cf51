//! A name for a secret that tells it from others and does not lead back to it.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The first 16 bytes of the SHA-256 of `secret`, in hexadecimal. Tokens are random and long, so that no key is needed.
pub(crate) fn fingerprint(secret: &SecretString) -> String {
    hexadecimal(&Sha256::digest(secret.expose_secret().as_bytes())[..16])
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
