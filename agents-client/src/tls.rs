//! `wss://`.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::Connector;

use crate::Lost;

/// TLS with ring and the Mozilla roots.
///
/// The provider is named here because rustls panics when it has to choose between two, and another
/// crate of the same program may bring the second.
pub(crate) fn connector() -> Result<Connector, Lost> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Lost::Transport(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}
