//! The arguments of `run retry`.

use clap::Args;
use dagster_instance::ReexecutionStrategy;

use super::{CodePlace, Submission, parse_tag};

/// Make a new run of a run that has ended, and launch it.
///
/// It has the configuration and the tags of the run, and its code is that of now: the code server that the run names is
/// asked, or one is started for the file, module or package that it names, unless an option says where the code is. For a
/// run that names neither, the code is looked for as by `launch`. The id of the new run is printed. The exit code is 0 if it
/// was launched or queued, 1 if nothing is left to do, or if the run was made and could not be launched, 2 if the arguments
/// are wrong, and 125 if no run was made. With --follow the exit code says how the run ended: 0 is success, 1 failure, 3 canceled; 130 means that
/// Ctrl-C ended the following, and the run goes on, or that it came before a run was made.
#[derive(Debug, Args)]
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
    pub(crate) code: CodePlace,

    /// A tag of the new run; may be repeated, with one value for a key
    #[arg(long = "tag", value_name = "K=V", value_parser = parse_tag)]
    pub(crate) tags: Vec<(String, String)>,

    #[command(flatten)]
    pub(crate) submission: Submission,
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
