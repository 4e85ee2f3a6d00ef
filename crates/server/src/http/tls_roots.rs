//! The certificate authorities that this system trusts, for connections that the server makes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::tls::{TlsError, certificates};

/// Where systems keep the certificates of the authorities that they trust.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// The environment variable that names another such file.
const SYSTEM_VARIABLE: &str = "SSL_CERT_FILE";

/// Why no certificate can be checked.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// There is no list of authorities.
    #[error("this system has no list of certificate authorities, such as /etc/ssl/certs/ca-certificates.crt")]
    NoList,
    /// The list cannot be read.
    #[error(transparent)]
    File(#[from] TlsError),
    /// The list has nothing in it that can be used.
    #[error("no certificate in {0} can be used")]
    Unusable(PathBuf),
    /// TLS does not work here.
    #[error("TLS cannot be used")]
    Tls(#[from] rustls::Error),
}

/// The authorities in a file.
///
/// # Errors
/// When the file cannot be read or has none.
pub fn roots(path: &Path) -> Result<RootCertStore, RootsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(path)?);
    match added {
        0 => Err(RootsError::Unusable(path.to_owned())),
        _ => Ok(roots),
    }
}

/// The authorities that this system trusts.
///
/// # Errors
/// When the system has no list of them, or it cannot be read.
pub fn system_roots() -> Result<RootCertStore, RootsError> {
    let named = std::env::var_os(SYSTEM_VARIABLE).map(PathBuf::from);
    let usual = SYSTEM_FILES.into_iter().map(PathBuf::from);
    let file = named.into_iter().chain(usual).find(|path| path.exists());
    roots(&file.ok_or(RootsError::NoList)?)
}

/// What a connection to a server needs whose certificate these authorities have signed.
///
/// # Errors
/// As [`system_roots`].
pub(crate) fn client_config() -> Result<ClientConfig, RootsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(system_roots()?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
