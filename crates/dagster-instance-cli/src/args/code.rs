//! The arguments that say where code is, and those of `code`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};
use dagster_instance::run::CodeLocationOrigin;
use dagster_instance::settings::WorkspaceSettings;
use dagster_instance::{
    CodeLocationOptions, GrpcTarget, InstanceError, LoadWorkspace, ProcessEnvironment,
    WorkspaceOptions, load_workspace,
};

use super::Output;
use crate::Result;

/// Where code is: at a code server, or in Python that a server is started for.
///
/// Without an option, variables of Dagster say it, or else what is in the current directory: pyproject.toml with a table of
/// Dagster, workspace.yaml or workspace.yml.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").args([
    "server", "socket", "workspace", "python_file", "module_name", "package_name", "autoload_defs_module_name",
]))]
pub(crate) struct CodePlace {
    /// The code server, such as localhost:4000
    #[arg(long = "server", id = "server", value_name = "HOST:PORT", value_parser = parse_server)]
    pub(crate) host_and_port: Option<(String, u16)>,

    /// The socket on which the code server listens
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,

    /// A file that lists code locations, such as workspace.yaml; may be repeated
    #[arg(short, long, value_name = "FILE")]
    pub(crate) workspace: Vec<String>,

    /// A file of Python with definitions, for which a server is started; may be repeated
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) python_file: Vec<String>,

    /// A module of Python with definitions; may be repeated
    #[arg(short, long, value_name = "MODULE")]
    pub(crate) module_name: Vec<String>,

    /// A package of Python with definitions; may be repeated
    #[arg(long, value_name = "PACKAGE")]
    pub(crate) package_name: Vec<String>,

    /// A module of Python, in whose submodules definitions are looked for
    #[arg(long, value_name = "MODULE")]
    pub(crate) autoload_defs_module_name: Option<String>,

    /// The directory in which the code is loaded [default: the current one]
    #[arg(short = 'd', long, value_name = "DIR", conflicts_with_all = ["server", "socket", "workspace"])]
    pub(crate) working_directory: Option<String>,

    /// The name of the definitions in the file, module or package
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["server", "socket", "workspace"])]
    pub(crate) attribute: Option<String>,

    /// The Python that loads code, where the workspace does not name it
    /// [default: $DAGSTER_INSTANCE_PYTHON, else python3 or python of PATH]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["server", "socket"])]
    pub(crate) python: Option<PathBuf>,

    /// The code location, if there are several
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) location: Option<String>,

    /// The name that the code location gets. It should be the one that Dagster's daemon knows it by
    /// [default: that of Dagster, such as grpc:HOST:PORT]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "workspace")]
    pub(crate) location_name: Option<String>,

    /// Encrypt the connection. GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names the certificates to trust, if not those of the
    /// system
    #[arg(long, conflicts_with_all = ["workspace", "python_file", "module_name", "package_name", "autoload_defs_module_name"])]
    pub(crate) tls: bool,
}

impl CodePlace {
    /// The server that is named; `None` if none is.
    pub(crate) fn target(&self) -> Option<GrpcTarget> {
        let target = match (&self.host_and_port, &self.socket) {
            (Some((host, port)), _) => GrpcTarget::port(host, *port),
            (None, Some(socket)) => GrpcTarget::socket(socket),
            (None, None) => return None,
        };
        Some(target.with_ssl(self.tls))
    }

    /// Whether an option says where the code is.
    pub(crate) fn is_named(&self) -> bool {
        let lists = [&self.workspace, &self.python_file, &self.module_name, &self.package_name];
        self.target().is_some()
            || lists.iter().any(|list| !list.is_empty())
            || self.autoload_defs_module_name.is_some()
    }

    /// What is said of a place that no option names.
    pub(crate) const fn of_no_place(&self) -> Option<&'static str> {
        if self.tls {
            Some("--tls is of the server that --server or --socket names")
        } else if self.location_name.is_some() {
            Some("--location-name is of the server or of the code that another option names")
        } else if self.attribute.is_some() {
            Some("--attribute is of the code that another option names")
        } else {
            None
        }
    }

    /// The code locations.
    pub(crate) fn workspace(&self) -> Result<WorkspaceSettings> {
        self.workspace_with_server_called(None)
    }

    /// The code locations. A server that is named has this name, if no option says another one.
    pub(crate) fn workspace_with_server_called(
        &self,
        name: Option<&str>,
    ) -> Result<WorkspaceSettings> {
        if let Some(target) = self.target() {
            let origin = target.origin(self.location_name.as_deref().or(name));
            return Ok(WorkspaceSettings::new(vec![CodeLocationOrigin::GrpcServer(origin)]));
        }
        let options = WorkspaceOptions::default()
            .with_workspace(self.workspace.clone())
            .with_python_file(self.python_file.clone())
            .with_module_name(self.module_name.clone())
            .with_package_name(self.package_name.clone())
            .with_autoload_defs_module_name(self.autoload_defs_module_name.clone())
            .with_working_directory(self.working_directory.clone())
            .with_attribute(self.attribute.clone())
            .with_location_name(self.location_name.clone())
            .with_variables(&ProcessEnvironment);
        let request = LoadWorkspace::new(std::env::current_dir()?).with_options(options);
        Ok(load_workspace(&request, &ProcessEnvironment)?)
    }

    /// The same for what can do without: `None` if nothing says where code is.
    pub(crate) fn workspace_if_any(&self) -> Result<Option<WorkspaceSettings>> {
        let directory = std::env::current_dir()?.display().to_string();
        match self.workspace() {
            Ok(workspace) => Ok(Some(workspace)),
            Err(error) => match error.downcast_ref() {
                Some(InstanceError::Config { place, source: None, .. }) if *place == directory => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    /// The options of the locations, with the Python that is named.
    pub(crate) fn options(&self, mut options: CodeLocationOptions) -> Result<CodeLocationOptions> {
        if let Some(python) = &self.python {
            // A name without slashes is looked for in PATH.
            let is_path = python.components().count() > 1;
            let python = if is_path { std::path::absolute(python)? } else { python.clone() };
            options.interpreters.named = Some(python);
        }
        Ok(options)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    Ping(CodePing),
    List(CodeList),
}

/// Say whether code servers answer.
///
/// A server that is started for code in Python answers even if that code cannot be loaded; `code list` tells. The exit code is 0
/// if all answer, 1 if one does not, and 2 if the arguments are wrong.
#[derive(Debug, Args)]
pub(crate) struct CodePing {
    #[command(flatten)]
    pub(crate) code: CodePlace,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// List the repositories and jobs of code locations.
///
/// A code location that cannot be loaded does not keep the others from being listed. The exit code is 0 if all are listed, 1 if
/// one is not, and 2 if the arguments are wrong.
#[derive(Debug, Args)]
pub(crate) struct CodeList {
    #[command(flatten)]
    pub(crate) code: CodePlace,

    #[command(flatten)]
    pub(crate) output: Output,
}

fn parse_server(text: &str) -> std::result::Result<(String, u16), String> {
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
