//! The servers that parameters name: one, or several of which the first that can be reached is taken.

use instance_core::error::StorageError;
use instance_core::settings::PostgresSettings;

use super::params::refused;

/// A server by its name, address or directory of a socket, and its port. What is `None` is libpq's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
}

/// What a server has to be so that it is taken, as `target_session_attrs` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Target {
    #[default]
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    /// A standby if one can be reached, and else any.
    PreferStandby,
}

impl Target {
    pub(super) fn parse(text: &str) -> Result<Self, StorageError> {
        Ok(match text {
            "any" => Self::Any,
            "read-write" => Self::ReadWrite,
            "read-only" => Self::ReadOnly,
            "primary" => Self::Primary,
            "standby" => Self::Standby,
            "prefer-standby" => Self::PreferStandby,
            _ => {
                let reason =
                    "it has to be any, read-write, read-only, primary, standby or prefer-standby";
                return Err(refused("target_session_attrs", reason));
            }
        })
    }

    /// Whether a server is what is asked for.
    pub(super) const fn takes(self, is_read_only: bool, is_standby: bool) -> bool {
        match self {
            Self::Any => true,
            Self::ReadWrite => !is_read_only,
            Self::ReadOnly => is_read_only,
            Self::Primary => !is_standby,
            Self::Standby | Self::PreferStandby => is_standby,
        }
    }
}

/// The servers of settings, in the order in which they are tried. There is at least one.
///
/// They are read as SQLAlchemy reads them: `host=a:1&host=b:2`, or `host=a,b&port=1,2`; a list among the parameters makes
/// it forget the port in front of the database. A list in the place of the server is libpq's, which has one port for all.
pub(super) fn places(settings: &PostgresSettings) -> Result<Vec<Place>, StorageError> {
    let values = |wanted: &str| {
        let of_name = settings.params.iter().filter(move |(name, _)| name == wanted);
        of_name.map(|(_, value)| value.expose().to_owned()).collect::<Vec<_>>()
    };
    let (hosts, ports) = (values("host"), values("port"));
    let has_port = |host: &str| !host.starts_with('/') && host.contains(':');
    let pairs = match hosts.as_slice() {
        [] => None,
        [host] if host.contains(',') || !has_port(host) || !ports.is_empty() => None,
        _ => Some(&hosts),
    };
    if let Some(pairs) = pairs {
        if !ports.is_empty() {
            let reason =
                "ports stand behind several hosts, or in a list of their own; write one of both";
            return Err(refused("port", reason));
        }
        return pairs.iter().map(|pair| host_with_port(pair)).collect();
    }
    let ports: Vec<String> = match ports.as_slice() {
        [one] => one.split(',').map(str::to_owned).collect(),
        several => several.to_vec(),
    };
    let ports = ports.iter().map(|port| number(port)).collect::<Result<Vec<_>, _>>()?;
    let of_params: Option<Vec<&str>> = hosts.first().map(|host| host.split(',').collect());
    let of_field = || settings.host.as_deref().map(|host| host.split(',').collect());
    let is_of_params = of_params.as_ref().is_some_and(|hosts| hosts.len() > 1);
    let hosts: Vec<&str> = of_params.or_else(of_field).unwrap_or_else(|| vec![""]);
    let port_of = |index: usize| match ports.as_slice() {
        [] if is_of_params => None,
        [] => settings.port,
        [one] => *one,
        several => several.get(index).copied().flatten(),
    };
    if ports.len() > 1 && ports.len() != hosts.len() {
        let reason = format!("there are {} of them for {} hosts", ports.len(), hosts.len());
        return Err(refused("port", &reason));
    }
    let place = |(index, host): (usize, &&str)| Place {
        host: Some((*host).to_owned()).filter(|host| !host.is_empty()),
        port: port_of(index),
    };
    Ok(hosts.iter().enumerate().map(place).collect())
}

fn host_with_port(pair: &str) -> Result<Place, StorageError> {
    let (host, port) = match pair.rsplit_once(':').filter(|_| !pair.starts_with('/')) {
        Some((host, port)) => (host, number(port)?),
        None => (pair, None),
    };
    // An address of IPv6 stands in brackets in front of a port.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Ok(Place { host: Some(host.to_owned()).filter(|host| !host.is_empty()), port })
}

fn number(port: &str) -> Result<Option<u16>, StorageError> {
    if port.is_empty() {
        return Ok(None);
    }
    let number = port.parse().map_err(|_| refused("port", "it has to be numbers from 0 to 65535"));
    number.map(Some)
}

#[cfg(test)]
mod tests {
    use instance_core::settings::PostgresSettings;

    use super::{Place, Target, places};

    fn check(url: &str, expected: &[(&str, Option<u16>)]) {
        let place = |(host, port): &(&str, Option<u16>)| Place {
            host: Some((*host).to_owned()).filter(|host| !host.is_empty()),
            port: *port,
        };
        let found = places(&PostgresSettings::from_url(url).unwrap()).unwrap();
        assert_eq!(found, expected.iter().map(place).collect::<Vec<_>>(), "{url}");
    }

    #[test]
    fn servers_are_found_as_sqlalchemy_and_libpq_find_them() {
        check("postgresql:///d", &[("", None)]);
        check("postgresql://h/d", &[("h", None)]);
        check("postgresql://h:1/d", &[("h", Some(1))]);
        check("postgresql://h:1/d?host=i", &[("i", Some(1))]);
        check("postgresql://h:1/d?host=i:2", &[("i", Some(2))]);
        check("postgresql://h:1/d?port=2", &[("h", Some(2))]);
        check("postgresql:///d?host=/run/pg&port=5433", &[("/run/pg", Some(5433))]);
        check("postgresql:///d?host=a:1&host=b:2", &[("a", Some(1)), ("b", Some(2))]);
        check("postgresql:///d?host=a&host=b:2", &[("a", None), ("b", Some(2))]);
        check("postgresql:///d?host=[::1]:1&host=b:2", &[("::1", Some(1)), ("b", Some(2))]);
        check("postgresql:///d?host=a,b&port=1,2", &[("a", Some(1)), ("b", Some(2))]);
        check("postgresql:///d?host=a,b&port=1", &[("a", Some(1)), ("b", Some(1))]);
        check("postgresql:///d?host=a,b&port=1&port=2", &[("a", Some(1)), ("b", Some(2))]);
        check("postgresql://h:7/d?host=a,b", &[("a", None), ("b", None)]);
        check("postgresql:///d?host=/run/a,b&port=,2", &[("/run/a", None), ("b", Some(2))]);
        check("postgresql://a,b:7/d", &[("a", Some(7)), ("b", Some(7))]);
    }

    #[test]
    fn lists_that_contradict_each_other_are_refused() {
        for query in
            ["host=a,b,c&port=1,2", "host=a:1&host=b&port=2", "host=a:x&host=b", "port=70000"]
        {
            let url = format!("postgresql:///d?{query}");
            let error = places(&PostgresSettings::from_url(&url).unwrap()).unwrap_err();
            assert!(error.to_string().contains("Postgres parameter port"), "{error}");
        }
    }

    #[test]
    fn a_server_is_taken_or_not() {
        let (primary, standby, read_only_primary) = ((false, false), (true, true), (true, false));
        for (text, of_primary, of_standby, of_read_only) in [
            ("any", true, true, true),
            ("read-write", true, false, false),
            ("read-only", false, true, true),
            ("primary", true, false, true),
            ("standby", false, true, false),
            ("prefer-standby", false, true, false),
        ] {
            let target = Target::parse(text).unwrap();
            let taken = |(is_read_only, is_standby)| target.takes(is_read_only, is_standby);
            assert_eq!(
                (taken(primary), taken(standby), taken(read_only_primary)),
                (of_primary, of_standby, of_read_only),
                "{text}"
            );
        }
        assert!(Target::parse("secret").unwrap_err().to_string().contains("target_session_attrs"));
    }
}
