//! The services of the clouds that give out tokens, each behind a feature.

#[cfg(feature = "postgres-aws")]
mod aws;
#[cfg(feature = "postgres-azure")]
mod azure;
#[cfg(feature = "postgres-gcp")]
mod gcp;

use std::sync::Arc;

use instance_core::clock::Clock;
use instance_core::error::StorageError;
use instance_core::settings::PostgresAuthProvider;

use super::PostgresTokens;

/// The service that an `auth_provider` names.
#[cfg_attr(
    not(feature = "postgres-aws"),
    expect(unused_variables, reason = "the token of AWS alone has a time that is ours to say")
)]
pub(in crate::db::postgres) fn service(
    provider: &PostgresAuthProvider,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn PostgresTokens>, StorageError> {
    match provider {
        #[cfg(feature = "postgres-aws")]
        PostgresAuthProvider::AwsWif { region } => {
            Ok(Arc::new(aws::Aws::new(region.clone(), Arc::clone(clock))))
        }
        #[cfg(feature = "postgres-azure")]
        PostgresAuthProvider::AzureWif { scope } => Ok(Arc::new(azure::Azure::new(scope.clone()))),
        #[cfg(feature = "postgres-gcp")]
        PostgresAuthProvider::GcpWif => Ok(Arc::new(gcp::Gcp::default())),
        other => Err(not_built(other)),
    }
}

fn not_built(provider: &PostgresAuthProvider) -> StorageError {
    let name = provider.as_str();
    let feature = name.split('_').next().unwrap_or(name);
    StorageError::Unsupported {
        what: format!("auth_provider {name}"),
        reason: format!(
            "this program was built without the feature postgres-{feature}; build it with that, or set a password, or \
             have a proxy of the cloud connect to the database and name the proxy"
        ),
    }
}

/// Sees to it that the program has cryptography for TLS, unless it has chosen one: the crates of some clouds take that of
/// the program.
#[cfg(any(feature = "postgres-azure", feature = "postgres-gcp"))]
fn with_cryptography() {
    // Whoever was first has chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A variable of a cloud's, if it says something.
#[cfg(feature = "postgres-azure")]
#[expect(clippy::disallowed_methods, reason = "the crate of the cloud reads these variables, too")]
fn of_environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use instance_core::settings::PostgresAuthProvider;

    use super::not_built;

    #[test]
    fn a_service_that_is_not_built_is_refused_with_its_feature() {
        for (provider, feature) in [
            (PostgresAuthProvider::AwsWif { region: "secret".to_owned() }, "postgres-aws"),
            (PostgresAuthProvider::AzureWif { scope: "secret".to_owned() }, "postgres-azure"),
            (PostgresAuthProvider::GcpWif, "postgres-gcp"),
        ] {
            let error = not_built(&provider).to_string();
            assert!(error.contains(provider.as_str()) && !error.contains("secret"), "{error}");
            assert!(error.contains(feature) && error.contains("set a password"), "{error}");
        }
    }
}
