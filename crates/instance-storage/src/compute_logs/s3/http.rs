//! The HTTP client: which servers it trusts, and how long it waits.
//!
//! Not here: what is asked of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientOptions, RetryConfig};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::failure::Failure;

/// Which servers are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// None that would have to prove who it is: the connection is not encrypted.
    NoTls,
    /// Those with a certificate that the operating system trusts.
    System,
    /// Those with a certificate of this file.
    File(PathBuf),
    /// All of them.
    Everyone,
}

/// How long is waited for a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a connection.
    pub(super) connect: Duration,
    /// For the next bytes of an answer.
    pub(super) read: Duration,
    /// How often a request is sent again that may succeed later.
    pub(super) retries: usize,
}

impl Patience {
    /// With S3. boto3 tries five times, too.
    pub(super) const S3: Self =
        Self { connect: Duration::from_secs(10), read: Duration::from_mins(1), retries: 4 };

    /// With the services that give credentials. Where they do not exist, nobody answers.
    pub(super) const CREDENTIALS: Self =
        Self { connect: Duration::from_secs(1), read: Duration::from_secs(5), retries: 2 };

    /// The same for the client of S3.
    pub(super) fn retry_config(self) -> RetryConfig {
        RetryConfig {
            max_retries: self.retries,
            retry_timeout: Duration::from_mins(1),
            ..RetryConfig::default()
        }
    }
}

/// An HTTP client for the client of S3, which would make one with another kind of TLS by itself.
#[derive(Debug, Clone)]
pub(super) struct Http(pub(super) reqwest::Client);

impl Http {
    /// Makes a client. It may read files.
    pub(super) async fn new(trust: Trust, patience: Patience) -> Result<Self, Failure> {
        let tls = match tokio::task::spawn_blocking(move || tls(&trust)).await {
            Ok(tls) => tls?,
            // The runtime is being shut down.
            Err(error) => return Err(Failure::new(error.to_string())),
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("dagster-instance/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .read_timeout(patience.read)
            .build();
        client.map(Self).map_err(|error| Failure::new(format!("no HTTP client: {error}")))
    }
}

impl HttpConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

fn tls(trust: &Trust) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(format!("no TLS: {error}")))?;
    if *trust == Trust::Everyone {
        let verifier = Arc::new(Credulous(provider));
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        return Ok(builder.with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::NoTls | Trust::Everyone => {}
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            // Certificates that cannot be read are left out, as everyone does: one of many may be damaged.
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let reasons: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
                return Err(Failure::new(format!(
                    "the operating system has no certificates to trust ({}); name a file of them by \
                     verify_cert_path",
                    reasons.join(", ")
                )));
            }
        }
        Trust::File(path) => {
            let bad = |reason: String| {
                let path = path.display();
                Failure::new(format!("the certificates of {path} cannot be used: {reason}"))
            };
            let read =
                CertificateDer::pem_file_iter(path).map_err(|error| bad(error.to_string()))?;
            for certificate in read {
                let certificate = certificate.map_err(|error| bad(error.to_string()))?;
                roots.add(certificate).map_err(|error| bad(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(bad("it has none in PEM".to_owned()));
            }
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes every server for who it says it is, as `verify: false` demands.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
