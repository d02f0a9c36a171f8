//! Origins of code locations, with the names that Dagster gives them.

use instance_core::run::{
    CodeLocationOrigin, GrpcServerCodeLocationOrigin, LoadableTargetOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
};
use instance_core::serdes::{Opaque, UnknownFields};

/// Where a code server of somebody else is.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    /// The host; empty for this machine.
    pub(super) host: Option<String>,
    /// The port; zero is none.
    pub(super) port: Option<i64>,
    /// The socket; an empty path is none.
    pub(super) socket: Option<String>,
    /// Whether the connection is encrypted.
    pub(super) use_ssl: Option<bool>,
    /// What is shown beside the location.
    pub(super) additional_metadata: Option<Opaque>,
}

/// A server of somebody else. It has either a port or a socket.
pub(super) fn of_server(server: Server, location_name: Option<String>) -> CodeLocationOrigin {
    let host = named(server.host).unwrap_or_else(|| "localhost".to_owned());
    let place = match (named(server.socket.clone()), server.port) {
        (Some(socket), _) => socket,
        (None, port) => port.unwrap_or_default().to_string(),
    };
    CodeLocationOrigin::GrpcServer(GrpcServerCodeLocationOrigin {
        location_name: named(location_name).unwrap_or_else(|| format!("grpc:{host}:{place}")),
        host,
        port: server.port,
        socket: server.socket,
        use_ssl: server.use_ssl,
        additional_metadata: server.additional_metadata,
        unknown: UnknownFields::default(),
    })
}

/// Python code that a server of ours loads; `None` if it has no name, as nothing is named.
pub(super) fn of_code(
    target: LoadableTargetOrigin,
    location_name: Option<String>,
) -> Option<CodeLocationOrigin> {
    let location_name = named(location_name).or_else(|| target.default_location_name())?;
    Some(CodeLocationOrigin::ManagedGrpcPythonEnv(ManagedGrpcPythonEnvCodeLocationOrigin {
        loadable_target_origin: target,
        location_name,
        unknown: UnknownFields::default(),
    }))
}

/// A text that is not empty.
pub(super) fn named(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
