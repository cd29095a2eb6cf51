//! Fingerprint of a secret, which does not reveal the secret.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The first 16 bytes of the SHA-256 of `secret`, in hexadecimal. No key is needed, since tokens are random and long.
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
