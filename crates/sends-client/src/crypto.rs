//! The crypto provider of TLS connections.

/// Installs `ring` as the crypto provider of this process, unless one is installed already.
///
/// `reqwest` is built without a provider, so every TLS client of the process needs this first; building one panics
/// otherwise. [`ConstantContact`](crate::ConstantContact) does it by itself.
pub fn install_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails when another thread has installed a provider meanwhile, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
