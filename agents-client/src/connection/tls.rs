//! TLS for `wss://`.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::Connector;

use crate::Lost;

/// Returns a connector with ring, the Mozilla roots and the user's roots.
///
/// The provider is named here because rustls panics if two are compiled in and none is chosen. Another
/// crate of the same program may enable the second one.
pub(crate) fn connector(own: &[CertificateDer<'static>]) -> Result<Connector, Lost> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let transport = |error: rustls::Error| Lost::Transport(error.to_string());
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in own {
        roots.add(root.clone()).map_err(transport)?;
    }
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(transport)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}
