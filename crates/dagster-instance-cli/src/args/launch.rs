//! The arguments of `launch`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use dagster_instance::{AssetCheckKey, AssetKey, LaunchPartition, RunId};

use super::{CodePlace, Output, parse_check, parse_tag};

/// Launch a run of a job, or of assets, that a code location has.
///
/// The code is where an option says, or else the variables of Dagster's own commands, or else pyproject.toml with a table of
/// Dagster, workspace.yaml or workspace.yml in the current directory. For code in Python, a code server is started. It goes on as
/// long as the run, also when this program ends before. The code server validates the configuration and executes the run. The id
/// of the run is printed. The exit code is 0
/// if the run was launched or queued, 1 if it was made and could not be launched, 2 if the arguments are wrong, and
/// 125 if no run was made. With --follow the exit code says how the run ended: 0 is success, 1 failure, 3 canceled.
/// 130 means that Ctrl-C ended the following, and the run goes on, or that it came before a run was made.
#[derive(Debug, Args)]
pub(crate) struct Launch {
    #[command(flatten)]
    pub(crate) code: CodePlace,

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

    /// Execute the run by Dagster's own worker, as a process of this host: at once, and without a code server once it is
    /// launched
    #[arg(long)]
    pub(crate) worker_process: bool,

    #[command(flatten)]
    pub(crate) submission: Submission,
}

/// What becomes of a run that was made.
#[derive(Debug, Args)]
pub(crate) struct Submission {
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
