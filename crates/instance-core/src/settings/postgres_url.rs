//! URLs of Postgres databases, read as SQLAlchemy reads them.
//!
//! A password in such a URL may have `#`, `?`, `/` and brackets in it as they are. A general parser of URLs ends at
//! these characters, so this is one of its own.

use super::{PostgresSettings, Secret};
use crate::error::StorageError;

/// What a URL has to look like.
const FORM: &str = "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE";

impl PostgresSettings {
    /// The database of a URL, as `postgres_url` has it. Its scheme may name a driver of Python's, which makes no
    /// difference.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] if it is no such URL. The error does not repeat the URL, which may hold a
    /// password.
    pub fn from_url(url: &str) -> Result<Self, StorageError> {
        let Some((scheme, rest)) = url.split_once("://") else { return Err(unsupported(FORM)) };
        if !matches!(scheme.split('+').next(), Some("postgresql" | "postgres")) {
            return Err(unsupported(FORM));
        }
        let (user_info, rest) = user_info(rest);
        let (username, password) = match user_info {
            None => (None, None),
            Some((username, password)) => (
                non_empty(decoded(username)?),
                password.map(decoded).transpose()?.and_then(non_empty).map(Secret::from),
            ),
        };
        let (host, rest) = host(rest);
        let (port, rest) = match rest.strip_prefix(':') {
            Some(rest) => {
                let (port, rest) = split_at_any(rest, &['/', '?']);
                (Some(number(port)?), rest)
            }
            None => (None, rest),
        };
        let (database, rest) = match rest.strip_prefix('/') {
            Some(rest) => split_at_any(rest, &['?']),
            None => ("", rest),
        };
        let params = match rest.strip_prefix('?') {
            Some(query) => params(query)?,
            None if rest.is_empty() => Vec::new(),
            None => return Err(unsupported(FORM)),
        };
        Ok(Self::new()
            .with_host(host.map(str::to_owned))
            .with_port(port)
            .with_username(username)
            .with_password(password)
            .with_database(non_empty(database.to_owned()))
            .with_params(params))
    }

    /// The same with a database by its name, behind which parameters may stand, as in a URL: `dagster?sslmode=require`.
    ///
    /// Dagster puts the name of a database into a URL as it is, so files of users rely on that.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unsupported`] if the parameters cannot be read. The error does not repeat them.
    pub fn with_database_of_url(self, database: &str) -> Result<Self, StorageError> {
        let (name, query) = database.split_once('?').unwrap_or((database, ""));
        let mut all = params(query)?;
        all.extend(self.params.iter().cloned());
        Ok(self.with_database(non_empty(name.to_owned())).with_params(all))
    }
}

/// The user and password in front of the host, and what is behind them.
///
/// A user has no colon and no slash in it. A password ends at its first `@`, unless the host would then have one in it:
/// SQLAlchemy looks for such a host, and there is none.
fn user_info(rest: &str) -> (Option<(&str, Option<&str>)>, &str) {
    let (user, behind) = split_at_any(rest, &[':', '/']);
    if let Some(behind) = behind.strip_prefix(':')
        && let Some(first) = behind.find('@')
    {
        let (host, _) = split_at_any(&behind[first + 1..], &['/', ':', '?']);
        let at = host.rfind('@').map_or(first, |last| first + 1 + last);
        return (Some((user, Some(&behind[..at]))), &behind[at + 1..]);
    }
    match user.rfind('@') {
        Some(at) => (Some((&rest[..at], None)), &rest[at + 1..]),
        None => (None, rest),
    }
}

/// The host, and what is behind it.
fn host(rest: &str) -> (Option<&str>, &str) {
    if let Some(inside) = rest.strip_prefix('[')
        && let Some((address, behind)) = inside.split_once(']')
        && !address.is_empty()
    {
        return (Some(address), behind);
    }
    let (host, behind) = split_at_any(rest, &['/', ':', '?']);
    (Some(host).filter(|host| !host.is_empty()), behind)
}

/// The parameters behind the question mark. One without a value is left out, as by Python.
fn params(query: &str) -> Result<Vec<(String, Secret)>, StorageError> {
    let mut params = Vec::new();
    for pair in query.split('&') {
        let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty())
        else {
            continue;
        };
        let plain = |text: &str| decoded(&text.replace('+', " "));
        params.push((plain(name)?, Secret::from(plain(value)?)));
    }
    Ok(params)
}

fn number(port: &str) -> Result<u16, StorageError> {
    port.trim().parse().map_err(|_| unsupported("its port is no number from 0 to 65535"))
}

/// The text with its `%XX` resolved.
fn decoded(text: &str) -> Result<String, StorageError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = match behind {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = hex {
            bytes.push(high * 16 + low);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).map_err(|_| unsupported("a part of it is not UTF-8"))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn split_at_any<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn unsupported(reason: &str) -> StorageError {
    StorageError::Unsupported { what: "postgres_url".to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::PostgresSettings;

    /// What stands in a URL: user, password, host, port, database and parameters.
    type Parts<'a> = (&'a str, &'a str, &'a str, Option<u16>, &'a str, &'a [(&'a str, &'a str)]);

    fn check(url: &str, (username, password, host, port, database, params): Parts<'_>) {
        let found = PostgresSettings::from_url(url).unwrap();
        let password_found = found.password.as_ref().map_or("", |password| password.expose());
        assert_eq!(found.username.as_deref().unwrap_or_default(), username, "{url}");
        assert_eq!(password_found, password, "{url}");
        assert_eq!(found.host.as_deref().unwrap_or_default(), host, "{url}");
        assert_eq!(found.port, port, "{url}");
        assert_eq!(found.database.as_deref().unwrap_or_default(), database, "{url}");
        let found: Vec<_> = found.params.iter().map(|(k, v)| (k.as_str(), v.expose())).collect();
        assert_eq!(found, params, "{url}");
    }

    #[test]
    fn urls_are_read_as_sqlalchemy_reads_them() {
        check("postgresql://u:p@h:5433/d", ("u", "p", "h", Some(5433), "d", &[]));
        check("postgresql+psycopg2://h/d", ("", "", "h", None, "d", &[]));
        check("postgres://", ("", "", "", None, "", &[]));
        check("postgresql://u@h", ("u", "", "h", None, "", &[]));
        check("postgresql://a@b@h:1", ("a@b", "", "h", Some(1), "", &[]));
        check("postgresql://u:@h/", ("u", "", "h", None, "", &[]));
        check("postgresql://[::1]:5432/d", ("", "", "::1", Some(5432), "d", &[]));
        check(
            "postgresql://u:pa/ss#w?[]&$%25%C3%A9@h/d",
            ("u", "pa/ss#w?[]&$%é", "h", None, "d", &[]),
        );
        check(
            "postgresql://u:p@s@w@h:1/d?x=a@b",
            ("u", "p@s@w", "h", Some(1), "d", &[("x", "a@b")]),
        );
        check("postgresql://u%40x:p%@h/d%20e", ("u@x", "p%", "h", None, "d%20e", &[]));
        check(
            "postgresql://u:x@/db?host=/a%2Fb&port=5433&empty=&options=-c+a%3Db",
            (
                "u",
                "x",
                "",
                None,
                "db",
                &[("host", "/a/b"), ("port", "5433"), ("options", "-c a=b")],
            ),
        );
        check(
            "postgresql://u@/d?host=a:5432&host=b:5432",
            ("u", "", "", None, "d", &[("host", "a:5432"), ("host", "b:5432")]),
        );
        check("postgresql://h?sslmode=require", ("", "", "h", None, "", &[("sslmode", "require")]));
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_text() {
        for url in [
            "secret",
            "mysql://secret@h/d",
            "postgresql://u:secret@h:secret/d",
            "postgresql://u:secret@h:70000/d",
            "postgresql://[::1]secret",
            "postgresql://secret@h:/d",
            "postgresql://u:%ff@secret/d",
        ] {
            let error = PostgresSettings::from_url(url).unwrap_err().to_string();
            assert!(error.contains("postgres_url") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn parameters_may_stand_behind_the_name_of_a_database() {
        let settings = PostgresSettings::new().with_params(vec![("a".to_owned(), "2".into())]);
        let settings = settings.with_database_of_url("d?sslmode=require&a=1").unwrap();
        assert_eq!(settings.database.as_deref(), Some("d"));
        assert_eq!((settings.param("sslmode"), settings.param("a")), (Some("require"), Some("2")));
    }
}
