//! A line that a program has sent, and what it means.

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::assets::AssetCheckSeverity;
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{LogLevel, MetadataEntry};
use instance_core::serdes::{Opaque, Reader, deserialize_value};
use instance_core::storage::ComputeIoType;

use super::fields::Fields;
use super::metadata::{Reason, metadata, short};

/// The field that tells a message from other lines. Its value is the version of the protocol.
pub(super) const VERSION_FIELD: &str = "__dagster_pipes_version";

/// The version that this program knows begins so.
const KNOWN_VERSIONS: &str = "0.";

/// How deep errors may be nested in one another.
const MAX_CAUSES: usize = 50;

/// What a program says.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Opened,
    /// The error by which the program closed, if it did by one.
    Closed(Option<Box<SerializableErrorInfo>>),
    Log {
        message: String,
        level: LogLevel,
    },
    Materialization(AssetReport),
    Observation(AssetReport),
    Check(Box<CheckReport>),
    Custom(Opaque),
    ExternalStream {
        io_type: ComputeIoType,
        text: String,
    },
}

/// What a program says of an asset.
#[derive(Debug, PartialEq)]
pub(super) struct AssetReport {
    pub(super) asset_key: AssetKey,
    pub(super) data_version: Option<String>,
    pub(super) metadata: Vec<MetadataEntry>,
}

/// What a program says of a check.
#[derive(Debug, PartialEq)]
pub(super) struct CheckReport {
    pub(super) key: AssetCheckKey,
    pub(super) passed: bool,
    pub(super) severity: AssetCheckSeverity,
    pub(super) metadata: Vec<MetadataEntry>,
}

/// A line that was understood.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) message: Message,
    /// The version of the protocol, if it is one that this program does not know.
    pub(super) unknown_version: Option<String>,
}

/// Reads a line.
pub(super) fn read_line(line: &str) -> Result<Line, Reason> {
    let line = line.trim();
    if let Err(error) = Reader::new(line).raw_value() {
        return Err(format!("it is no JSON: {error}"));
    }
    let fields = Fields::read(line)?;
    let version = fields.text(VERSION_FIELD)?;
    let unknown_version = (!version.starts_with(KNOWN_VERSIONS)).then_some(version);
    let method = fields.text("method")?;
    let params = match fields.optional("params") {
        None | Some("null") => "{}",
        Some(params) => params,
    };
    let params = Fields::read(params).map_err(|reason| format!("params: {reason}"))?;
    let message = read_message(&method, &params).map_err(|reason| format!("{method}: {reason}"))?;
    Ok(Line { message, unknown_version })
}

fn read_message(method: &str, params: &Fields<'_>) -> Result<Message, Reason> {
    Ok(match method {
        "opened" => Message::Opened,
        "closed" => match params.optional("exception") {
            None | Some("null") => Message::Closed(None),
            Some(raw) => Message::Closed(Some(Box::new(exception(raw, MAX_CAUSES)?))),
        },
        "log" => Message::Log { message: params.text("message")?, level: level(params)? },
        "report_asset_materialization" => Message::Materialization(asset_report(params)?),
        "report_asset_observation" => Message::Observation(asset_report(params)?),
        "report_asset_check" => Message::Check(Box::new(check_report(params)?)),
        "report_custom_message" => {
            let payload = Opaque::from_json_text(params.get("payload")?);
            Message::Custom(payload.map_err(|error| error.to_string())?)
        }
        "log_external_stream" => {
            let io_type = match params.text("stream")?.as_str() {
                "stdout" => ComputeIoType::Stdout,
                "stderr" => ComputeIoType::Stderr,
                other => return Err(format!("there is no stream {other:?}")),
            };
            Message::ExternalStream { io_type, text: params.text("text")? }
        }
        _ => return Err("there is no such method".to_owned()),
    })
}

fn asset_key(params: &Fields<'_>) -> Result<AssetKey, Reason> {
    AssetKey::from_user_string(&params.text("asset_key")?).map_err(|error| error.to_string())
}

fn asset_report(params: &Fields<'_>) -> Result<AssetReport, Reason> {
    Ok(AssetReport {
        asset_key: asset_key(params)?,
        data_version: params.optional_text("data_version")?,
        metadata: metadata(params.optional("metadata").unwrap_or("null"))?,
    })
}

fn check_report(params: &Fields<'_>) -> Result<CheckReport, Reason> {
    let severity = match params.optional_text("severity")?.as_deref() {
        None | Some("ERROR") => AssetCheckSeverity::Error,
        Some("WARN") => AssetCheckSeverity::Warn,
        Some(other) => {
            return Err(format!("there is no severity {other:?}; they are WARN and ERROR"));
        }
    };
    Ok(CheckReport {
        key: AssetCheckKey::new(asset_key(params)?, params.text("check_name")?),
        passed: params.flag("passed")?,
        severity,
        metadata: metadata(params.optional("metadata").unwrap_or("null"))?,
    })
}

/// The level of a line, by its name or by Python's number.
fn level(params: &Fields<'_>) -> Result<LogLevel, Reason> {
    let Some(raw) = params.optional("level") else {
        return Ok(LogLevel::INFO);
    };
    if let Ok(number) = deserialize_value::<i64>(raw) {
        return Ok(LogLevel(number));
    }
    let name = params.text("level")?;
    Ok(match name.to_ascii_uppercase().as_str() {
        "DEBUG" => LogLevel::DEBUG,
        "INFO" => LogLevel::INFO,
        "WARNING" | "WARN" => LogLevel::WARNING,
        "ERROR" => LogLevel::ERROR,
        "CRITICAL" | "FATAL" => LogLevel::CRITICAL,
        _ => return Err(format!("there is no level {name:?}")),
    })
}

/// An error as a program describes it, with its causes.
fn exception(raw: &str, depth: usize) -> Result<SerializableErrorInfo, Reason> {
    if depth == 0 {
        return Err("its exception has too many causes".to_owned());
    }
    let fields = Fields::read(raw).map_err(|reason| format!("exception: {reason}"))?;
    let nested = |name| match fields.optional(name) {
        None | Some("null") => Ok(None),
        Some(raw) => exception(raw, depth - 1).map(|info| Some(Box::new(info))),
    };
    let mut info = SerializableErrorInfo::new("", fields.text("message")?);
    info.cls_name = fields.optional_text("name")?;
    info.cause = nested("cause")?;
    info.context = nested("context")?;
    if let Some(stack) = fields.optional("stack").filter(|raw| *raw != "null") {
        info.stack = deserialize_value(stack)
            .map_err(|_| format!("\"stack\" has to be a list of texts, and is {}", short(stack)))?;
    }
    Ok(info)
}

#[cfg(test)]
mod tests;
