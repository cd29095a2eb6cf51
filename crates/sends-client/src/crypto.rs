//! The crypto provider of TLS connections.

/// Installs `ring` as the crypto provider of this process, unless one is installed already.
///
/// `reqwest` is built without a provider, so every TLS client of the process requires this call first; building one panics
/// otherwise. [`ConstantContact`](crate::ConstantContact) makes the call itself.
pub fn install_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails if another thread has installed a provider in the meantime, which serves the same purpose.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
