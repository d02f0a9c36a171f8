//! The arguments of `run retry`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use dagster_instance::{GrpcTarget, ReexecutionStrategy};

use super::code::{parse_server, target};
use super::{Output, parse_tag};

/// Make a new run of a run that has ended, and launch it.
///
/// It has the configuration and the tags of the run, and its code is that of now: the code server of the run is asked,
/// unless another one is named. The id of the new run is printed. The exit code is 0 if it was launched or queued, 1 if
/// nothing is left to do, or if the run was made and could not be launched, 2 if the arguments are wrong, and 125 if no run
/// was made. With --follow the exit code says how the run ended: 0 is success, 1 failure, 3 canceled; 130 means that
/// Ctrl-C ended the following, and the run goes on.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct RunRetry {
    /// The run's id, or as much of its beginning as no other run has
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Execute the steps that failed, were interrupted or did not begin, and those that depend on them [default: all steps]
    #[arg(long, conflicts_with = "from_asset_failure")]
    pub(crate) from_failure: bool,

    /// Execute what materialises the assets that are missing, and the checks that were not evaluated; also assets whose
    /// blocking checks did not pass
    #[arg(long)]
    pub(crate) from_asset_failure: bool,

    #[command(flatten)]
    pub(crate) server: OtherServer,

    /// A tag of the new run; may be repeated, with one value for a key
    #[arg(long = "tag", value_name = "K=V", value_parser = parse_tag)]
    pub(crate) tags: Vec<(String, String)>,

    /// Launch the run at once, beside the queue and its limits
    #[arg(long)]
    pub(crate) now: bool,

    /// Show the events of the new run until it ends, and end as it did
    #[arg(long)]
    pub(crate) follow: bool,

    /// With --follow: on Ctrl-C, cancel the new run
    #[arg(long, requires = "follow")]
    pub(crate) cancel_on_interrupt: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}

impl RunRetry {
    /// Which part of the run is executed again.
    pub(crate) const fn strategy(&self) -> ReexecutionStrategy {
        if self.from_failure {
            ReexecutionStrategy::FromFailure
        } else if self.from_asset_failure {
            ReexecutionStrategy::FromAssetFailure
        } else {
            ReexecutionStrategy::AllSteps
        }
    }
}

/// A code server in place of the one that a run names.
#[derive(Debug, Args)]
#[group(id = "other", multiple = true)]
pub(crate) struct OtherServer {
    /// The code server, such as localhost:4000 [default: the one that the run names]
    #[arg(long = "server", id = "other_server", value_name = "HOST:PORT", value_parser = parse_server, conflicts_with = "socket")]
    pub(crate) host_and_port: Option<(String, u16)>,

    /// The socket on which the code server listens
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,

    /// Encrypt the connection to the server that is named. GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names the certificates to trust,
    /// if not those of the system
    #[arg(long)]
    pub(crate) tls: bool,

    /// The name of the code location of the server that is named [default: the one that the run has]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) location_name: Option<String>,
}

impl OtherServer {
    /// The server; `None` if none is named.
    pub(crate) fn target(&self) -> Option<GrpcTarget> {
        target(self.host_and_port.as_ref(), self.socket.as_deref(), self.tls)
    }

    /// Whether only the name of a server is missing.
    pub(crate) const fn lacks_server(&self) -> bool {
        self.host_and_port.is_none()
            && self.socket.is_none()
            && (self.tls || self.location_name.is_some())
    }
}
