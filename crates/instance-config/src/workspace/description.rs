//! What the files of a workspace say, and what is wrong with them.

use instance_core::config_problems::{ConfigProblem, Position, Severity};
use instance_core::error::InstanceError;
use instance_core::run::CodeLocationOrigin;
use serde_json::{Map, Value};

use super::file::Located;
use super::{LoadWorkspace, directory_of, files, read};
use crate::environment::Environment;
use crate::shown::MASK;

/// What a file says of code locations, and what is wrong with it. Nothing of it holds a secret.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WorkspaceDescription {
    /// The path of the file, as somebody gave it.
    pub file: String,
    /// The code locations in the order of the file, as far as they are right.
    pub locations: Vec<DescribedLocation>,
    /// The problems, in the order of the file.
    pub problems: Vec<ConfigProblem>,
}

impl WorkspaceDescription {
    /// Whether [`load_workspace`](crate::load_workspace) accepts the file: no problem is an [error](Severity::Error).
    pub fn is_accepted(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }
}

/// A code location of a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DescribedLocation {
    /// Its name, which may be one that Dagster derives.
    pub name: String,
    /// Where in the file it is.
    pub position: Position,
    /// What it is, by its key in a `workspace.yaml`: `python_module`, `grpc_server` and so on.
    pub kind: &'static str,
    /// How it is reached, by the keys of a `workspace.yaml`: variables are resolved, and paths are absolute where Dagster
    /// makes them absolute. What is not said is not there, and `additional_metadata` is `***`.
    pub values: Map<String, Value>,
}

/// Tells what each file of a workspace says, and finds every mistake in it. Nothing that it names is opened.
///
/// # Errors
///
/// [`InstanceError::Config`] if a file cannot be read, or if none is there. [`InstanceError::Invalid`] for options that
/// exclude each other or name code without a file, and for a directory whose path is not UTF-8 or not absolute.
pub fn describe_workspace(
    request: &LoadWorkspace,
    environment: &dyn Environment,
) -> Result<Vec<WorkspaceDescription>, InstanceError> {
    let directory = directory_of(&request.directory)?;
    if request.options.locations(directory)?.is_some() {
        return Err(InstanceError::Invalid {
            what: "the workspace",
            value: "options that name code".to_owned(),
            reason: "there is no file to be looked at; name one with --workspace".to_owned(),
        });
    }
    let describe = |path: &String| {
        let file = read(path, directory, environment)?;
        Ok(WorkspaceDescription {
            file: file.path,
            locations: file.locations.into_iter().map(described).collect(),
            problems: file.problems,
        })
    };
    files(request)?.iter().map(describe).collect()
}

fn described(Located { origin, position }: Located) -> DescribedLocation {
    let name = origin.location_name().unwrap_or_default().to_owned();
    let (kind, values) = match origin {
        CodeLocationOrigin::GrpcServer(server) => {
            let values = [
                ("host", Some(Value::from(server.host))),
                ("port", server.port.map(Value::from)),
                ("socket", server.socket.map(Value::from)),
                ("ssl", server.use_ssl.map(Value::from)),
                ("additional_metadata", server.additional_metadata.map(|_| Value::from(MASK))),
            ];
            ("grpc_server", map(values))
        }
        CodeLocationOrigin::ManagedGrpcPythonEnv(managed) => {
            let target = managed.loadable_target_origin;
            let (kind, key, value) =
                match (target.package_name, target.module_name, target.autoload_defs_module_name) {
                    (Some(package), _, _) => ("python_package", "package_name", Some(package)),
                    (None, Some(module), _) => ("python_module", "module_name", Some(module)),
                    (None, None, Some(module)) => {
                        ("autoload_defs_module", "module_name", Some(module))
                    }
                    (None, None, None) => ("python_file", "relative_path", target.python_file),
                };
            let values = [
                (key, value),
                ("attribute", target.attribute),
                ("working_directory", target.working_directory),
                ("executable_path", target.executable_path),
            ];
            (kind, map(values.map(|(key, value)| (key, value.map(Value::from)))))
        }
        // No file names others.
        _ => ("", Map::new()),
    };
    DescribedLocation { name, position, kind, values }
}

fn map<const N: usize>(values: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let given = values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    given.collect()
}
