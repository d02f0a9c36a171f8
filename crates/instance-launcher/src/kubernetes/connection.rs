//! How a cluster is reached: from within it, or by a kubeconfig file.

use instance_core::error::BoxError;
use instance_core::settings::KubernetesSettings;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// A client of the cluster that settings name.
///
/// # Errors
///
/// This process runs in no cluster, or a file cannot be read.
pub(super) async fn client(settings: &KubernetesSettings) -> Result<Client, BoxError> {
    let options = KubeConfigOptions::default();
    let mut config = if settings.load_incluster_config {
        Config::incluster()?
    } else {
        match &settings.kubeconfig_file {
            Some(file) => {
                Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?
            }
            None => Config::from_kubeconfig(&options).await?,
        }
    };
    if let Some(file) = &settings.k8s_api_ssl_ca_cert_file {
        let text = std::fs::read_to_string(file)
            .map_err(|source| CertificateFile { file: file.clone(), source: Box::new(source) })?;
        let certificates =
            certificates(&text).map_err(|source| CertificateFile { file: file.clone(), source })?;
        config.root_cert = Some(certificates);
    }
    // Patience is ours: only we know which answers to a second try are good.
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

#[derive(Debug, thiserror::Error)]
#[error("k8s_api_ssl_ca_cert_file: {file} cannot be read")]
struct CertificateFile {
    file: String,
    source: BoxError,
}

/// The certificates of a text in PEM.
fn certificates(text: &str) -> Result<Vec<Vec<u8>>, BoxError> {
    let found = CertificateDer::pem_slice_iter(text.as_bytes());
    let certificates: Vec<_> =
        found.map(|found| found.map(|it| it.to_vec())).collect::<Result<_, _>>()?;
    if certificates.is_empty() {
        return Err("it has no certificate".into());
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::certificates;

    #[test]
    fn certificates_are_found_in_a_text() {
        let one = "-----BEGIN CERTIFICATE-----\naGVs\nbG8=\n-----END CERTIFICATE-----\n";
        let found = certificates(&format!("# of mine\n{one}{one}")).expect("certificates");
        assert_eq!(found, [b"hello", b"hello"]);
        for wrong in ["", "-----BEGIN CERTIFICATE-----\naGVs", &one.replace("aGVs", "?")] {
            assert!(certificates(wrong).is_err(), "{wrong}");
        }
    }
}
