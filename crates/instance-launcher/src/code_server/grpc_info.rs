//! The tag by which a run says which server has its worker.

use std::path::PathBuf;

use instance_core::error::BoxError;
use instance_core::run::DagsterRun;
use instance_core::serdes::Opaque;
use serde_json::{Value, json};

use crate::code::{GrpcPlace, GrpcTarget};

/// The name of the tag.
pub(crate) const GRPC_INFO: &str = ".dagster/grpc_info";

/// Which server has the worker of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GrpcInfo {
    /// The server.
    pub(super) target: GrpcTarget,
    /// The id of the server; `None` if Dagster has launched the run.
    pub(super) server_id: Option<String>,
}

impl GrpcInfo {
    pub(super) fn of(target: &GrpcTarget, server_id: Option<String>) -> Self {
        Self { target: target.clone(), server_id }
    }

    /// What the tag of a run says; `None` if the run has no such tag.
    pub(super) fn of_run(run: &DagsterRun) -> Result<Option<Self>, BoxError> {
        let Some(text) = run.tags.get(GRPC_INFO) else { return Ok(None) };
        let parsed = Opaque::from_json_text(text).ok().and_then(|value| value.to_json().ok());
        parsed.as_ref().and_then(Self::parse).map(Some).ok_or_else(|| {
            format!(
                "the tag {GRPC_INFO} of run {} names no code server: {text}; it is the work of a launcher, so \
                 the run cannot be reached",
                run.run_id
            )
            .into()
        })
    }

    fn parse(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let port = value.get("port").and_then(Value::as_u64);
        let mut target = match (port, text("socket")) {
            (Some(port), _) => {
                GrpcTarget::port(text("host").unwrap_or("localhost"), u16::try_from(port).ok()?)
            }
            (None, Some(socket)) => GrpcTarget::socket(PathBuf::from(socket)),
            (None, None) => return None,
        };
        target.use_ssl = value.get("use_ssl").and_then(Value::as_bool) == Some(true);
        Some(Self { target, server_id: text("server_id").map(str::to_owned) })
    }

    /// The text, as Python writes it. Dagster reads its own keys and ignores ours, which is the last one.
    pub(super) fn to_text(&self) -> String {
        let of = |value: Value| Opaque::from(&value).as_str().to_owned();
        let place = match &self.target.place {
            GrpcPlace::Port(port) => format!("\"port\": {port}"),
            GrpcPlace::Socket(path) => format!("\"socket\": {}", of(json!(path.to_string_lossy()))),
        };
        let host = of(json!(self.target.host));
        let ssl = if self.target.use_ssl { ", \"use_ssl\": true" } else { "" };
        let id = self.server_id.as_ref();
        let id = id.map_or_else(String::new, |id| format!(", \"server_id\": {}", of(json!(id))));
        format!("{{\"host\": {host}, {place}{ssl}{id}}}")
    }
}

#[cfg(test)]
mod tests {
    use instance_core::ids::RunId;
    use instance_core::run::DagsterRun;

    use super::{GRPC_INFO, GrpcInfo};
    use crate::code::GrpcTarget;

    fn read(text: &str) -> Result<Option<GrpcInfo>, String> {
        let mut run = DagsterRun::new(RunId::from("r"), "job");
        run.tags.insert(GRPC_INFO.to_owned(), text.to_owned());
        GrpcInfo::of_run(&run).map_err(|error| error.to_string())
    }

    #[test]
    fn the_tag_is_dagsters_with_one_more_key() {
        for (target, text) in [
            (
                GrpcTarget::port("localhost", 4711),
                r#"{"host": "localhost", "port": 4711, "server_id": "id"}"#,
            ),
            (
                GrpcTarget::socket("/a \u{fc}").with_ssl(true),
                r#"{"host": "localhost", "socket": "/a \u00fc", "use_ssl": true, "server_id": "id"}"#,
            ),
        ] {
            let info = GrpcInfo::of(&target, Some("id".to_owned()));
            assert_eq!(info.to_text(), text);
            assert_eq!(read(text), Ok(Some(info)));
        }
    }

    #[test]
    fn what_dagster_wrote_is_read_and_what_is_no_server_is_named() {
        let info = read(r#"{"host": "h", "port": 1, "new": [1]}"#).unwrap().unwrap();
        assert_eq!((info.target, info.server_id), (GrpcTarget::port("h", 1), None));
        assert!(GrpcInfo::of_run(&DagsterRun::new(RunId::from("r"), "job")).unwrap().is_none());
        for wrong in ["", "{", "[]", "{\"host\": \"h\"}", "{\"host\": \"h\", \"port\": 70000}"] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(GRPC_INFO) && error.contains("run r"), "{error}");
        }
    }
}
