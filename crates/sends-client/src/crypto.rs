//! Crypto provider for TLS connections.

/// Installs `ring` as the crypto provider of this process unless a provider is already installed.
///
/// `reqwest` is built without a provider, so this function must be called before any TLS client of the process is built;
/// building a client panics otherwise. [`ConstantContact`](crate::ConstantContact) makes the call itself.
pub fn install_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The call fails if another thread has installed a provider concurrently, which serves the same purpose.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
