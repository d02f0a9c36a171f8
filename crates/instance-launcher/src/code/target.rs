//! Where a code server is.

use std::fmt;
use std::path::PathBuf;

use instance_core::run::GrpcServerCodeLocationOrigin;
use instance_core::serdes::UnknownFields;

/// Where a code server is, and what it is told with every call.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct GrpcTarget {
    /// The host; of a socket, the name that Dagster stores beside it.
    pub host: String,
    /// The port, or the path of the socket.
    pub place: GrpcPlace,
    /// Whether the connection is encrypted.
    pub use_ssl: bool,
    /// Headers of every call. Their values may be secret, so they are not printed.
    pub headers: Vec<(String, String)>,
}

/// What a code server listens on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GrpcPlace {
    /// A port of its host.
    Port(u16),
    /// A socket of this machine.
    Socket(PathBuf),
}

impl GrpcTarget {
    /// A server at a port.
    pub fn port(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            place: GrpcPlace::Port(port),
            use_ssl: false,
            headers: Vec::new(),
        }
    }

    /// A server at a socket of this machine.
    pub fn socket(path: impl Into<PathBuf>) -> Self {
        Self {
            host: "localhost".to_owned(),
            place: GrpcPlace::Socket(path.into()),
            use_ssl: false,
            headers: Vec::new(),
        }
    }

    /// The server of an origin; `None` if the origin has neither a socket nor a port that there can be.
    pub fn of_origin(origin: &GrpcServerCodeLocationOrigin) -> Option<Self> {
        let place = match (&origin.socket, origin.port) {
            (Some(socket), _) => GrpcPlace::Socket(socket.into()),
            (None, Some(port)) => GrpcPlace::Port(u16::try_from(port).ok()?),
            (None, None) => return None,
        };
        Some(Self {
            host: origin.host.clone(),
            place,
            use_ssl: origin.use_ssl == Some(true),
            headers: Vec::new(),
        })
    }

    /// The same, encrypted.
    #[must_use]
    pub const fn with_ssl(mut self, use_ssl: bool) -> Self {
        self.use_ssl = use_ssl;
        self
    }

    /// The same with one more header of every call.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The origin that runs of this server have.
    pub fn origin(&self, location_name: Option<&str>) -> GrpcServerCodeLocationOrigin {
        let (port, socket) = match &self.place {
            GrpcPlace::Port(port) => (Some(i64::from(*port)), None),
            GrpcPlace::Socket(path) => (None, Some(path.to_string_lossy().into_owned())),
        };
        let at = port.map(|port| port.to_string()).or_else(|| socket.clone()).unwrap_or_default();
        GrpcServerCodeLocationOrigin {
            additional_metadata: None,
            location_name: location_name
                .map_or_else(|| format!("grpc:{}:{at}", self.host), str::to_owned),
            host: self.host.clone(),
            port,
            socket,
            use_ssl: self.use_ssl.then_some(true),
            unknown: UnknownFields::default(),
        }
    }

    /// Whether the server is on this machine, as far as its address says so.
    pub fn is_local(&self) -> bool {
        match &self.place {
            GrpcPlace::Socket(_) => true,
            GrpcPlace::Port(_) => {
                let host = self.host.trim_start_matches('[').trim_end_matches(']');
                host == "localhost"
                    || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for GrpcTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            GrpcPlace::Port(port) => write!(f, "{}:{port}", self.host),
            GrpcPlace::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl fmt::Debug for GrpcTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrpcTarget({self})")
    }
}

#[cfg(test)]
mod tests {
    use instance_core::serdes::serialize_value;

    use super::GrpcTarget;

    #[test]
    fn a_target_and_its_origin_say_the_same() {
        for (target, text, local) in [
            (GrpcTarget::port("localhost", 4000), "localhost:4000", true),
            (GrpcTarget::port("::1", 4000), "::1:4000", true),
            (GrpcTarget::port("code.example", 443).with_ssl(true), "code.example:443", false),
            (GrpcTarget::socket("/run/a b.sock"), "unix:/run/a b.sock", true),
        ] {
            assert_eq!(target.to_string(), text);
            assert_eq!(GrpcTarget::of_origin(&target.origin(None)), Some(target.clone()));
            assert_eq!(target.is_local(), local, "{text}");
        }
        let secret = GrpcTarget::port("h", 1).with_header("authorization", "hunter2");
        assert!(!format!("{secret:?} {secret}").contains("hunter2"));
    }

    #[test]
    fn origins_are_those_of_dagster() {
        let origin = |target: GrpcTarget, name| serialize_value(&target.origin(name));
        assert_eq!(
            origin(GrpcTarget::port("localhost", 4000), None),
            "{\"__class__\": \"GrpcServerRepositoryLocationOrigin\", \"host\": \"localhost\", \
             \"location_name\": \"grpc:localhost:4000\", \"port\": 4000, \"socket\": null}"
        );
        assert_eq!(
            origin(GrpcTarget::socket("/s").with_ssl(true), Some("loc")),
            "{\"__class__\": \"GrpcServerRepositoryLocationOrigin\", \"host\": \"localhost\", \
             \"location_name\": \"loc\", \"port\": null, \"socket\": \"/s\", \"use_ssl\": true}"
        );
    }
}
