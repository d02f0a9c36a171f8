//! How to reach a Postgres database, field by field.
//!
//! Not here: what is made of a URL; see [`postgres_url`](super::postgres_url).

use super::Secret;

/// How to reach a Postgres database. What is `None` is what libpq takes then: variables such as `PGHOST`, and else its
/// own defaults.
///
/// The fields are kept one by one, and not as a URL, so that a password may have any characters in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// The server: a name, an address, or the directory of its socket, which begins with a slash.
    pub host: Option<String>,
    /// The port of the server; libpq's default is 5432.
    pub port: Option<u16>,
    /// The role.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The database; libpq's default is the name of the role.
    pub database: Option<String>,
    /// Parameters of libpq, such as `sslmode`, in their order. A value may be a password, as of `sslpassword`.
    pub params: Vec<(String, Secret)>,
    /// Where the password of each new connection comes from; `None`, the default, means that there is only
    /// [`password`](Self::password).
    pub auth_provider: Option<PostgresAuthProvider>,
    /// Whether missing tables are created. The default is yes.
    pub should_autocreate_tables: bool,
}

/// A service that gives out a token, which is the password of each new connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostgresAuthProvider {
    /// The workload identity of Azure.
    AzureWif {
        /// For what the token is. Dagster's default is `https://ossrdbms-aad.database.windows.net/.default`.
        scope: String,
    },
    /// The workload identity of Google Cloud.
    GcpWif,
    /// IAM of AWS.
    AwsWif {
        /// The region of the database.
        region: String,
    },
}

impl PostgresAuthProvider {
    /// Dagster's name of it, as in `dagster.yaml`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AzureWif { .. } => "azure_wif",
            Self::GcpWif => "gcp_wif",
            Self::AwsWif { .. } => "aws_wif",
        }
    }
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            username: None,
            password: None,
            database: None,
            params: Vec::new(),
            auth_provider: None,
            should_autocreate_tables: true,
        }
    }
}

impl PostgresSettings {
    /// The database that libpq connects to where nothing is said.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last value of a parameter of libpq.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.expose())
    }
}

crate::setters! {
    impl PostgresSettings {
        /// The server.
        with_host(host: impl Into<Option<String>>);
        /// The port of the server.
        with_port(port: impl Into<Option<u16>>);
        /// The role.
        with_username(username: impl Into<Option<String>>);
        /// The password.
        with_password(password: impl Into<Option<Secret>>);
        /// The database.
        with_database(database: impl Into<Option<String>>);
        /// Parameters of libpq, such as `sslmode`.
        with_params(params: Vec<(String, Secret)>);
        /// Where the password of each new connection comes from.
        with_auth_provider(auth_provider: impl Into<Option<PostgresAuthProvider>>);
        /// Whether missing tables are created.
        with_should_autocreate_tables(should_autocreate_tables: bool);
    }
}

/// The role, server, port and database, as a URL has them, without what may be secret: password and parameters.
impl std::fmt::Display for PostgresSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(username) = self.username.as_deref().or_else(|| self.param("user")) {
            write!(f, "{username}@")?;
        }
        let host = self.host.as_deref().or_else(|| self.param("host"));
        match host {
            Some(address) if address.contains(':') && !address.starts_with('/') => {
                write!(f, "[{address}]")?;
            }
            _ => f.write_str(host.unwrap_or_default())?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.database.as_deref().or_else(|| self.param("dbname")) {
            Some(database) => write!(f, "/{database}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PostgresSettings;
    use crate::settings::StoreSettings;

    #[test]
    fn passwords_are_not_printed() {
        for (url, shown) in [
            ("postgresql://u:secret@h:5432/d", "u@h:5432/d"),
            ("postgresql://u:secret@h/d?sslpassword=secret", "u@h/d"),
            ("postgresql://h/d", "h/d"),
            ("postgresql://u:secret@/d?host=/run/pg&password=secret", "u@/run/pg/d"),
            ("postgresql://[::1]:1/d", "[::1]:1/d"),
        ] {
            let store = StoreSettings::Postgres(PostgresSettings::from_url(url).unwrap());
            assert_eq!(store.to_string(), format!("Postgres at {shown}"));
            assert!(!format!("{store:?}").contains("secret"));
        }
    }
}
