//! TLS: certificate and key from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::{Error, Tls};

/// Accepts TLS 1.2 and 1.3, HTTP/1.1 only.
///
/// # Errors
/// A file cannot be read, or certificate and key do not fit each other.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, Error> {
    let failed = |path: &Path, why: String| Error::Tls { path: path.to_owned(), why };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&tls.certificates).and_then(Iterator::collect);
    let certificates = certificates.map_err(|error| failed(&tls.certificates, format!("no certificates: {error}")))?;
    if certificates.is_empty() {
        return Err(failed(&tls.certificates, "no certificates: a PEM file is expected".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key);
    let key = key.map_err(|error| failed(&tls.key, format!("no private key: {error}")))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key));
    let mut config = config.map_err(|error| failed(&tls.certificates, format!("not usable with the key: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
