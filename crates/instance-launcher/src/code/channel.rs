//! The connection to a code server: TCP or a socket, with or without TLS.

use std::time::Duration;

use instance_core::code_location::CodeLocationError;
use instance_core::error::chain;
use instance_core::settings::GrpcLimits;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::target::{GrpcPlace, GrpcTarget};

/// While calls are open, a server that does not answer pings any more is found out so fast.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A connection that is made with the first call, and made again when it is lost.
pub(super) fn channel(
    target: &GrpcTarget,
    limits: &GrpcLimits,
) -> Result<Channel, CodeLocationError> {
    let unusable = |reason: String| CodeLocationError::Protocol {
        target: target.to_string(),
        call: "the connection",
        reason,
    };
    let address = match &target.place {
        GrpcPlace::Port(port) => {
            let scheme = if target.use_ssl { "https" } else { "http" };
            // An address of IPv6 stands in brackets.
            let host = &target.host;
            if host.contains(':') && !host.starts_with('[') {
                format!("{scheme}://[{host}]:{port}")
            } else {
                format!("{scheme}://{host}:{port}")
            }
        }
        GrpcPlace::Socket(path) => {
            let absolute =
                std::path::absolute(path).map_err(|error| unusable(error.to_string()))?;
            format!("unix://{}", absolute.display())
        }
    };
    let mut endpoint = Endpoint::from_shared(address)
        .map_err(|error| unusable(format!("{target} is no address: {error}")))?
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(limits.timeout)
        .connect_timeout(limits.timeout);
    if target.use_ssl {
        let mut tls = ClientTlsConfig::new().domain_name(target.host.clone()).assume_http2(true);
        tls = match &limits.root_certificates {
            None => tls.with_native_roots(),
            Some(path) => {
                let pem = std::fs::read(path).map_err(|error| {
                    unusable(format!(
                        "cannot read the certificates of {}, which GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names: {error}",
                        path.display()
                    ))
                })?;
                tls.ca_certificate(Certificate::from_pem(pem))
            }
        };
        endpoint = endpoint.tls_config(tls).map_err(|error| {
            unusable(format!("no encrypted connection is possible: {}", chain(&error)))
        })?;
    }
    Ok(endpoint.connect_lazy())
}
