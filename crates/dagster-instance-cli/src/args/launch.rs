//! The arguments of `launch` and `code`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};
use dagster_instance::{AssetCheckKey, AssetKey, GrpcTarget, LaunchPartition, RunId};

use super::{Output, parse_check, parse_tag};

/// Where a code server is.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").required(true).args(["server", "socket"]))]
pub(crate) struct Server {
    /// The code server, such as localhost:4000
    #[arg(long = "server", id = "server", value_name = "HOST:PORT", value_parser = parse_server)]
    pub(crate) host_and_port: Option<(String, u16)>,

    /// The socket on which the code server listens
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,

    /// Encrypt the connection. GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names the certificates to trust, if not those of the
    /// system
    #[arg(long)]
    pub(crate) tls: bool,

    /// The name of the code location. It should be the one that Dagster's daemon knows it by
    /// [default: grpc:HOST:PORT]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) location_name: Option<String>,
}

impl Server {
    /// The server. One of its options is given: the parser has seen to that.
    pub(crate) fn target(&self) -> GrpcTarget {
        let target = match (&self.host_and_port, &self.socket) {
            (Some((host, port)), _) => GrpcTarget::port(host, *port),
            (None, socket) => GrpcTarget::socket(socket.clone().unwrap_or_default()),
        };
        target.with_ssl(self.tls)
    }
}

/// Launch a run of a job, or of assets, that a code server has.
///
/// The code server validates the configuration and executes the run. The id of the run is printed. The exit code is 0
/// if the run was launched or queued, 1 if it was made and could not be launched, 2 if the arguments are wrong, and
/// 125 if no run was made. With --follow the exit code says how the run ended: 0 is success, 1 failure, 3 canceled;
/// 130 means that Ctrl-C ended the following, and the run goes on.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct Launch {
    #[command(flatten)]
    pub(crate) server: Server,

    /// The repository [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,

    /// The job [default: the one that has the assets, or the only one]
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<String>,

    /// An op to execute, or a selection such as *two; may be repeated
    #[arg(long = "op", value_name = "SELECTION", conflicts_with_all = ["assets", "checks"])]
    pub(crate) ops: Vec<String>,

    /// An asset to execute, such as demo/hello; may be repeated
    #[arg(long = "asset", value_name = "KEY", value_parser = AssetKey::from_user_string)]
    pub(crate) assets: Vec<AssetKey>,

    /// A check to execute; may be repeated. Without it, the checks of the assets are executed
    #[arg(long = "check", value_name = "ASSET:NAME", value_parser = parse_check)]
    pub(crate) checks: Vec<AssetCheckKey>,

    /// Execute no checks of the assets
    #[arg(long, conflicts_with = "checks", requires = "assets")]
    pub(crate) no_checks: bool,

    /// The partition. One of several dimensions is written as day=2026-11-02,size=s or as it is stored, 2026-11-02|s
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) partition: Option<String>,

    /// All partitions of the assets from one to another
    #[arg(long, value_name = "FROM..TO", value_parser = parse_range, conflicts_with = "partition")]
    pub(crate) partition_range: Option<(String, String)>,

    /// A file of YAML with the configuration of the run; may be repeated, and then they are merged
    #[arg(long = "config", value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,

    /// The configuration of the run as JSON
    #[arg(long, value_name = "JSON", conflicts_with = "config")]
    pub(crate) config_json: Option<String>,

    /// A tag of the run; may be repeated, with one value for a key
    #[arg(long = "tag", value_name = "K=V", value_parser = parse_tag)]
    pub(crate) tags: Vec<(String, String)>,

    /// The id of the run, a UUID [default: a fresh one]
    #[arg(long, value_name = "UUID", value_parser = parse_run_id)]
    pub(crate) run_id: Option<RunId>,

    /// Launch the run at once, beside the queue and its limits
    #[arg(long)]
    pub(crate) now: bool,

    /// Show the events of the run until it ends, and end as it did
    #[arg(long)]
    pub(crate) follow: bool,

    /// With --follow: on Ctrl-C, cancel the run
    #[arg(long, requires = "follow")]
    pub(crate) cancel_on_interrupt: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}

impl Launch {
    /// The partitions.
    pub(crate) fn partition(&self) -> Option<LaunchPartition> {
        match (&self.partition, &self.partition_range) {
            (Some(key), _) => Some(LaunchPartition::Key(key.clone())),
            (None, Some((start, end))) => Some(LaunchPartition::Range(start.clone(), end.clone())),
            (None, None) => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    /// Say whether a code server answers
    Ping(CodePing),
    /// List the repositories and jobs of a code server
    List(CodeList),
}

#[derive(Debug, Args)]
pub(crate) struct CodePing {
    #[command(flatten)]
    pub(crate) server: Server,

    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct CodeList {
    #[command(flatten)]
    pub(crate) server: Server,

    #[command(flatten)]
    pub(crate) output: Output,
}

pub(super) fn parse_server(text: &str) -> Result<(String, u16), String> {
    let wrong = || "write HOST:PORT, such as localhost:4000 or [::1]:4000".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    match port.parse() {
        Ok(port) if port > 0 && !host.is_empty() => Ok((host.to_owned(), port)),
        _ => Err(wrong()),
    }
}

fn parse_range(text: &str) -> Result<(String, String), String> {
    match text.split_once("..") {
        Some((start, end)) if !start.is_empty() && !end.is_empty() => {
            Ok((start.to_owned(), end.to_owned()))
        }
        _ => Err("write FROM..TO, such as 2026-11-01..2026-11-03".to_owned()),
    }
}

fn parse_run_id(text: &str) -> Result<RunId, String> {
    let id = RunId::from(text);
    if id.is_uuid() { Ok(id) } else { Err("write a UUID".to_owned()) }
}
