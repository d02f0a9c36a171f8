//! The arguments of commands about the configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Check(ConfigCheckOf),
    /// Show each setting with its value, its default, and who said it
    ///
    /// Values are those that hold: variables are resolved. Secrets are shown as ***. Nothing is opened, so settings of
    /// storages are shown, too, that this program does not have.
    Show(Output),
    /// Print the JSON Schema of dagster.yaml, by which editors complete and check it
    Schema,
}

/// Find every mistake in dagster.yaml.
///
/// Nothing that the file names is opened. Environment variables that it refers to have to be set. The exit code is 0 if
/// an instance can be opened with the file: warnings do not count, nor does what is wrong with a part that is made when
/// it is used. Otherwise it is 1.
#[derive(Debug, Args)]
pub(crate) struct ConfigCheckOf {
    /// The file. Its directory is the instance's, unless --home names another [default: dagster.yaml of the instance]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: Output,
}
