//! The parameters of libpq, such as `sslmode`: those that the driver follows, and those that mean what we do anyway. All
//! others are refused by name, since a connection that is not what was asked for may be one without protection.

use std::time::Duration;

use instance_core::error::StorageError;
use instance_core::settings::{PostgresSettings, Secret};

/// Parameters that the driver knows by libpq's names.
const OF_DRIVER: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// The modes of TLS.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Values of parameters that ask for what we do anyway.
const AS_WE_DO: [(&str, &[&str]); 9] = [
    ("channel_binding", &["disable", "prefer"]),
    ("client_encoding", &["utf8", "utf-8", "unicode"]),
    ("gssencmode", &["disable", "prefer"]),
    ("keepalives", &["0"]),
    ("load_balance_hosts", &["disable"]),
    ("sslcompression", &["0"]),
    ("sslnegotiation", &["postgres"]),
    ("sslsni", &["1"]),
    ("target_session_attrs", &["any"]),
];

/// What the fields and parameters of a database come to. Where both say something, the parameter counts, as with
/// SQLAlchemy.
pub(super) struct Params {
    /// Names and values that the driver reads.
    pub(super) of_driver: Vec<(&'static str, String)>,
    /// The password, if it is a parameter.
    pub(super) password: Option<Secret>,
    /// How long a connection may take.
    pub(super) connect_timeout: Option<Duration>,
}

impl Params {
    pub(super) fn read(settings: &PostgresSettings) -> Result<Self, StorageError> {
        let mut found = Self { of_driver: Vec::new(), password: None, connect_timeout: None };
        if let Some(host) = &settings.host {
            found.set_host(host)?;
        }
        found.set_field("port", settings.port.map(|port| port.to_string()));
        found.set_field("user", settings.username.clone());
        found.set_field("dbname", settings.database.clone());
        let hosts = settings.params.iter().filter(|(name, _)| name == "host").count();
        if hosts > 1 {
            return Err(several_hosts());
        }
        for (name, value) in &settings.params {
            found.take(name, value)?;
        }
        Ok(found)
    }

    fn take(&mut self, name: &str, value: &Secret) -> Result<(), StorageError> {
        let text = value.expose();
        match name {
            "password" => self.password = Some(value.clone()),
            "host" => self.set_host(text)?,
            "fallback_application_name" => {
                if !self.of_driver.iter().any(|(name, _)| *name == "application_name") {
                    self.set("application_name", text);
                }
            }
            // Zero and less mean for ever, as for libpq; then our own limit stays.
            "connect_timeout" => match text.trim().parse::<i64>() {
                Ok(seconds) => {
                    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
                    self.connect_timeout =
                        seconds.map(|seconds| Duration::from_secs(seconds.max(2)));
                }
                Err(_) => return Err(refused(name, "it has to be a number of seconds")),
            },
            "sslmode" if !SSL_MODES.contains(&text) => {
                return Err(refused(
                    name,
                    &format!("it has to be one of {}", SSL_MODES.join(", ")),
                ));
            }
            "port" if text.parse::<u16>().is_err() => {
                return Err(refused(name, "it has to be one number from 0 to 65535"));
            }
            "hostaddr" if text.parse::<std::net::IpAddr>().is_err() => {
                return Err(refused(name, "it has to be one address"));
            }
            _ => match OF_DRIVER.iter().find(|known| **known == name) {
                Some(known) => self.set(known, text),
                None => return as_we_do(name, text),
            },
        }
        Ok(())
    }

    /// The server; behind its name its port may stand.
    fn set_host(&mut self, host: &str) -> Result<(), StorageError> {
        if host.contains(',') {
            return Err(several_hosts());
        }
        match host.split_once(':') {
            Some((name, port)) if !host.starts_with('/') && port.parse::<u16>().is_ok() => {
                self.set("host", name);
                self.set("port", port);
            }
            _ => self.set("host", host),
        }
        Ok(())
    }

    fn set_field(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.set(name, &value);
        }
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.of_driver.retain(|(other, _)| *other != name);
        self.of_driver.push((name, value.to_owned()));
    }
}

fn as_we_do(name: &str, value: &str) -> Result<(), StorageError> {
    match AS_WE_DO.iter().find(|(known, _)| *known == name) {
        Some((_, values)) if values.iter().any(|known| known.eq_ignore_ascii_case(value)) => Ok(()),
        Some((_, values)) => Err(refused(
            name,
            &format!("this version has {} alone; remove the parameter", values.join(" or ")),
        )),
        None => Err(refused(
            name,
            "this version does not follow it; remove the parameter, or name the database by another URL",
        )),
    }
}

fn several_hosts() -> StorageError {
    refused("host", "this version connects to one server; name one")
}

fn refused(name: &str, reason: &str) -> StorageError {
    StorageError::Unsupported {
        what: format!("the Postgres parameter {name}"),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use instance_core::settings::PostgresSettings;

    use super::Params;

    fn read(query: &str) -> Result<Vec<(&'static str, String)>, String> {
        let url = format!("postgresql://u@h:1/d?{query}");
        let settings = PostgresSettings::from_url(&url).map_err(|error| error.to_string())?;
        Params::read(&settings).map(|params| params.of_driver).map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_count_before_fields() {
        let found = read("host=other:7&user=v&dbname=e&sslmode=require").unwrap();
        let found: Vec<_> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(found, ["host=other", "port=7", "user=v", "dbname=e", "sslmode=require"]);
    }

    #[test]
    fn what_means_what_we_do_is_taken() {
        for query in [
            "gssencmode=disable",
            "client_encoding=UTF8",
            "target_session_attrs=any",
            "keepalives=0",
            "connect_timeout=10",
            "fallback_application_name=x",
        ] {
            assert!(read(query).is_ok(), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_name_and_without_its_value() {
        for (name, value) in [
            ("sslpassword", "secret"),
            ("target_session_attrs", "secret"),
            ("keepalives_idle", "secret"),
            ("sslmode", "secret"),
            ("port", "secret"),
            ("hostaddr", "secret"),
            ("connect_timeout", "secret"),
            ("host", "secret,secret"),
            ("host", "secret&host=other"),
            ("unheard_of", "secret"),
        ] {
            let error = read(&format!("{name}={value}")).unwrap_err();
            assert!(error.contains(name) && !error.contains("secret"), "{error}");
        }
    }
}
