//! The variables that limit calls to code servers.

use std::path::PathBuf;
use std::time::Duration;

use instance_core::error::InstanceError;
use instance_core::settings::GrpcLimits;

use crate::environment::Environment;

const MAX_RX_BYTES: &str = "DAGSTER_GRPC_MAX_RX_BYTES";
const MAX_SEND_BYTES: &str = "DAGSTER_GRPC_MAX_SEND_BYTES";
const TIMEOUT: &str = "DAGSTER_GRPC_TIMEOUT_SECONDS";
const REPOSITORY_TIMEOUT: &str = "DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS";
/// gRPC's own.
const ROOT_CERTIFICATES: &str = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";

/// Returns the limits of calls to code servers, by the variables that Dagster reads, too.
///
/// # Errors
///
/// [`InstanceError::Config`] if the value of a variable is no whole number of at least 1.
pub fn grpc_limits(environment: &dyn Environment) -> Result<GrpcLimits, InstanceError> {
    let number = |name: &'static str| -> Result<Option<u64>, InstanceError> {
        let Some(text) = environment.get(name) else { return Ok(None) };
        match text.trim().parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(InstanceError::Config {
                place: format!("the variable {name}"),
                reason: format!("{text:?} is not a whole number of at least 1"),
                source: None,
            }),
        }
    };
    let bytes = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut limits = GrpcLimits::default();
    if let Some(most) = number(MAX_RX_BYTES)? {
        limits.max_rx_bytes = bytes(most);
    }
    if let Some(most) = number(MAX_SEND_BYTES)? {
        limits.max_send_bytes = bytes(most);
    }
    if let Some(seconds) = number(TIMEOUT)? {
        limits.timeout = Duration::from_secs(seconds);
    }
    limits.repository_timeout = match number(REPOSITORY_TIMEOUT)? {
        Some(seconds) => Duration::from_secs(seconds),
        None => limits.repository_timeout.max(limits.timeout),
    };
    limits.root_certificates =
        environment.get_os(ROOT_CERTIFICATES).filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::grpc_limits;
    use crate::environment::Environment;

    struct Variables(BTreeMap<&'static str, &'static str>);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.get(name).map(ToString::to_string)
        }
    }

    #[test]
    fn variables_change_the_defaults_of_dagster() {
        let limits = |variables: &[(&'static str, &'static str)]| {
            grpc_limits(&Variables(variables.iter().copied().collect()))
        };
        let seconds = |limits: &super::GrpcLimits| {
            (limits.timeout.as_secs(), limits.repository_timeout.as_secs())
        };
        let given = limits(&[]).unwrap();
        assert_eq!((given.max_rx_bytes, given.max_send_bytes), (100_000_000, 100_000_000));
        assert_eq!(seconds(&given), (60, 180));
        let given = limits(&[("DAGSTER_GRPC_TIMEOUT_SECONDS", "300")]).unwrap();
        assert_eq!(seconds(&given), (300, 300));
        let given = limits(&[
            ("DAGSTER_REPOSITORY_GRPC_TIMEOUT_SECONDS", "5"),
            ("DAGSTER_GRPC_MAX_RX_BYTES", " 7 "),
            ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/roots.pem"),
        ]);
        let given = given.unwrap();
        assert_eq!(given.repository_timeout, Duration::from_secs(5));
        assert_eq!((given.max_rx_bytes, given.max_send_bytes), (7, 100_000_000));
        assert_eq!(given.root_certificates.as_deref(), Some("/roots.pem".as_ref()));
        for wrong in ["0", "-1", "1.5", "", "many"] {
            let error = limits(&[("DAGSTER_GRPC_TIMEOUT_SECONDS", wrong)]).unwrap_err().to_string();
            assert!(
                error.contains("DAGSTER_GRPC_TIMEOUT_SECONDS") && error.contains(wrong),
                "{error}"
            );
        }
    }
}
