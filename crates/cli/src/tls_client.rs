//! TLS for the HTTP client: which certificates it accepts, and the connection.
//!
//! ureq's own TLS cannot know a server by the fingerprint of its certificate, which is how people know the server in their own
//! house. So the connection is ours; everything that needs care (the protocol, signatures, chains) is rustls.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};
use timberline_server::tls;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

/// The SHA-256 digest of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(pub(crate) [u8; 32]);

/// Which certificates are accepted.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Those that authorities have signed which this system knows.
    System,
    /// These, whatever name they are for and until when.
    Pinned(Vec<Fingerprint>),
    /// These, and those that they have signed.
    Roots(Arc<RootCertStore>),
}

impl Trust {
    /// The certificates in a file, and those that they have signed.
    ///
    /// # Errors
    /// When the file cannot be read or has none.
    pub(crate) fn file(path: &Path) -> anyhow::Result<Self> {
        Ok(Self::Roots(Arc::new(tls::roots(path)?)))
    }

    /// The certificate of a server, from its own file.
    ///
    /// # Errors
    /// When the file cannot be read or has none.
    pub(crate) fn certificate_of(path: &Path) -> anyhow::Result<Self> {
        let certificates = tls::certificates(path)?;
        let own = certificates.first().map(|own| Fingerprint(tls::digest(own)));
        Ok(Self::Pinned(own.into_iter().collect()))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
        let roots = match self {
            Self::Pinned(fingerprints) => {
                return Ok(Arc::new(PinVerifier {
                    fingerprints: fingerprints.clone(),
                    provider: Arc::clone(provider),
                }));
            }
            Self::Roots(roots) => Arc::clone(roots),
            Self::System => Arc::new(
                tls::system_roots()
                    .context("name the server's certificate with --cert-fingerprint or --ca")?,
            ),
        };
        let builder = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider));
        Ok(builder.build()?)
    }
}

/// Accepts certificates by their fingerprints.
#[derive(Debug)]
struct PinVerifier {
    fingerprints: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.fingerprints.contains(&Fingerprint(tls::digest(certificate))) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    // Only who has the certificate's key can sign the handshake.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Puts TLS on the connections to https servers.
#[derive(Debug)]
pub(crate) struct TlsConnector(pub(crate) Trust);

impl TlsConnector {
    fn config(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.0.verifier(&provider)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(plain) = chained else { return Ok(None) };
        if !details.needs_tls() {
            return Ok(Some(Either::A(plain)));
        }
        let failed = |error: anyhow::Error| ureq::Error::Io(std::io::Error::other(format!("{error:#}")));
        let name = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(name.to_owned()).map_err(|error| failed(error.into()))?;
        let config = self.config().map_err(failed)?;
        let mut connection = ClientConnection::new(config, name).map_err(|error| failed(error.into()))?;
        let mut socket = TransportAdapter::new(plain.boxed(), details.current_time.clone());
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket).map_err(explained)?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        let stream = StreamOwned::new(connection, socket);
        Ok(Some(Either::B(TlsTransport { buffers, stream })))
    }
}

/// The error of a handshake, with what can be done about it.
fn explained(error: std::io::Error) -> ureq::Error {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let hint = match cause {
        Some(rustls::Error::InvalidCertificate(_)) => {
            "the server's certificate is not the expected one: name the right one with --cert-fingerprint or --ca"
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server does not speak TLS: use http:// instead of https://"
        }
        _ => return ureq::Error::Io(error),
    };
    ureq::Error::Io(std::io::Error::new(error.kind(), format!("{hint} ({error})")))
}

/// A connection with TLS.
pub(crate) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}
