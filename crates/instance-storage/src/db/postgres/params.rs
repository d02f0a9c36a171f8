//! The parameters of libpq, such as `sslmode`: those that we follow, and those that mean what we do anyway. All others are
//! refused by name, since a connection that is not what was asked for may be one without protection.
//!
//! Not here: lists of servers; see [`servers`](super::servers).

use std::time::Duration;

use instance_core::error::StorageError;
use instance_core::settings::{PostgresSettings, Secret};

use super::options::{self, Setting};
use super::servers::Target;

/// Parameters that the driver knows by libpq's names.
const OF_DRIVER: [&str; 9] = [
    "application_name",
    "dbname",
    "hostaddr",
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
const AS_WE_DO: [(&str, &[&str]); 8] = [
    ("channel_binding", &["disable", "prefer"]),
    ("client_encoding", &["utf8", "utf-8", "unicode"]),
    ("gssencmode", &["disable", "prefer"]),
    ("keepalives", &["0"]),
    ("load_balance_hosts", &["disable"]),
    ("sslcompression", &["0"]),
    ("sslnegotiation", &["postgres"]),
    ("sslsni", &["1"]),
];

/// What the fields and parameters of a database come to, but for the servers. Where both say something, the parameter
/// counts, as with SQLAlchemy.
pub(super) struct Params {
    /// Names and values that the driver reads.
    pub(super) of_driver: Vec<(&'static str, String)>,
    /// The password, if it is a parameter.
    pub(super) password: Option<Secret>,
    /// How long a connection may take.
    pub(super) connect_timeout: Option<Duration>,
    /// The settings of `options`.
    pub(super) options: Vec<Setting>,
    /// What a server has to be.
    pub(super) target: Target,
}

impl Params {
    pub(super) fn read(settings: &PostgresSettings) -> Result<Self, StorageError> {
        let mut found = Self {
            of_driver: Vec::new(),
            password: None,
            connect_timeout: None,
            options: Vec::new(),
            target: Target::Any,
        };
        found.set_field("user", settings.username.as_deref());
        found.set_field("dbname", settings.database.as_deref());
        for (name, value) in &settings.params {
            found.take(name, value)?;
        }
        found.protect()?;
        Ok(found)
    }

    /// The value of a parameter that the driver reads.
    pub(super) fn of_driver(&self, name: &str) -> Option<&str> {
        let found = self.of_driver.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn take(&mut self, name: &str, value: &Secret) -> Result<(), StorageError> {
        let text = value.expose();
        match name {
            "host" | "port" => {}
            "password" => self.password = Some(value.clone()),
            "fallback_application_name" => {
                if self.of_driver("application_name").is_none() {
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
            "options" => match options::parse(text) {
                Some(settings) => self.options = settings,
                None => return Err(refused(name, "it has to be settings, as in `-c NAME=VALUE`")),
            },
            "target_session_attrs" => self.target = Target::parse(text)?,
            "sslmode" if !SSL_MODES.contains(&text) => {
                return Err(refused(
                    name,
                    &format!("it has to be one of {}", SSL_MODES.join(", ")),
                ));
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

    /// Whoever names root certificates has them checked, as with libpq: a mode that would not is one that does.
    fn protect(&mut self) -> Result<(), StorageError> {
        let mode = self.of_driver("sslmode").map(str::to_owned);
        match self.of_driver("sslrootcert") {
            Some("system") => {
                if mode.as_deref().is_some_and(|mode| mode != "verify-full") {
                    return Err(refused(
                        "sslmode",
                        "beside `sslrootcert=system` it has to be verify-full",
                    ));
                }
                // Without a file, the driver takes those that the operating system trusts.
                self.of_driver.retain(|(name, _)| *name != "sslrootcert");
                self.set("sslmode", "verify-full");
            }
            Some(_) if mode.as_deref() == Some("require") => self.set("sslmode", "verify-ca"),
            _ => {}
        }
        Ok(())
    }

    fn set_field(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(name, value);
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

pub(super) fn refused(name: &str, reason: &str) -> StorageError {
    StorageError::Unsupported {
        what: format!("the Postgres parameter {name}"),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use instance_core::settings::PostgresSettings;

    use super::Params;

    fn read(query: &str) -> Result<Vec<String>, String> {
        let url = format!("postgresql://u@h:1/d?{query}");
        let settings = PostgresSettings::from_url(&url).map_err(|error| error.to_string())?;
        let params = Params::read(&settings).map_err(|error| error.to_string())?;
        let pairs = params.of_driver.iter();
        Ok(pairs.map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn parameters_count_before_fields() {
        let found = read("host=other:7&user=v&dbname=e&sslmode=require").unwrap();
        assert_eq!(found, ["user=v", "dbname=e", "sslmode=require"]);
    }

    #[test]
    fn root_certificates_are_there_to_be_checked() {
        for (query, expected) in [
            ("sslmode=require&sslrootcert=/ca", "sslmode=verify-ca"),
            ("sslrootcert=/ca&sslmode=verify-full", "sslmode=verify-full"),
            ("sslrootcert=system", "sslmode=verify-full"),
            ("sslmode=require", "sslmode=require"),
        ] {
            assert!(read(query).unwrap().iter().any(|found| found == expected), "{query}");
        }
        assert!(read("sslrootcert=system&sslmode=require").unwrap_err().contains("sslmode"));
    }

    #[test]
    fn what_means_what_we_do_is_taken() {
        for query in [
            "gssencmode=disable",
            "client_encoding=UTF8",
            "target_session_attrs=read-write",
            "keepalives=0",
            "connect_timeout=10",
            "fallback_application_name=x",
            "host=a,b",
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
            ("hostaddr", "secret"),
            ("connect_timeout", "secret"),
            ("options", "secret"),
            ("unheard_of", "secret"),
        ] {
            let error = read(&format!("{name}={value}")).unwrap_err();
            assert!(error.contains(name) && !error.contains("secret"), "{error}");
        }
    }
}
