//! One-way fingerprint of a secret.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Returns the first 16 bytes of the SHA-256 of `secret` in hexadecimal. A keyed hash is unnecessary, because tokens are long and
/// random.
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
