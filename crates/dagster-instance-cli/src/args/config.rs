//! The arguments of commands about the configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Check(ConfigCheckOf),
    Show(ConfigShowOf),
    Schema(ConfigSchemaOf),
}

/// Find every mistake in dagster.yaml, or in the file of a workspace.
///
/// Nothing that the file names is opened. Environment variables that it refers to have to be set. The exit code is 0 if
/// an instance can be opened with the file: warnings do not count, nor does what is wrong with a part that is made when
/// it is used. Otherwise it is 1.
#[derive(Debug, Args)]
pub(crate) struct ConfigCheckOf {
    /// The file. Its directory is the instance's, unless --home names another [default: dagster.yaml of the instance]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Check the file of a workspace, which lists code locations: workspace.yaml or pyproject.toml [default: that of the
    /// current directory]
    #[arg(long)]
    pub(crate) workspace: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Show each setting with its value, its default, and who said it.
///
/// Values are those that hold: variables are resolved. Secrets are shown as ***. Nothing is opened, so settings of
/// storages are shown, too, that this program does not have.
#[derive(Debug, Args)]
pub(crate) struct ConfigShowOf {
    /// The file of a workspace [default: that of the current directory]
    #[arg(value_name = "FILE", requires = "workspace")]
    pub(crate) file: Option<PathBuf>,

    /// Show the code locations of a workspace, by workspace.yaml or pyproject.toml, with the names that Dagster gives them
    #[arg(long)]
    pub(crate) workspace: bool,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// Print the JSON Schema of dagster.yaml, by which editors complete and check it.
#[derive(Debug, Args)]
pub(crate) struct ConfigSchemaOf {
    /// Print that of workspace.yaml
    #[arg(long)]
    pub(crate) workspace: bool,
}
