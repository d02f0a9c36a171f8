//! What the options of a command say about the workspace, in Dagster's words.

use instance_core::error::InstanceError;
use instance_core::run::{CodeLocationOrigin, LoadableTargetOrigin};

use super::origin::{Server, named, of_code, of_server};

/// The options of a command that say where code is. An empty text and port 0 are options that are not given.
///
/// They say one kind of target: files that list locations, files of Python, modules, packages, or one code server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkspaceOptions {
    /// Files that list code locations (`-w`); also `pyproject.toml`, which Dagster does not take here.
    pub workspace: Vec<String>,
    /// Files of Python (`-f`).
    pub python_file: Vec<String>,
    /// Modules of Python (`-m`).
    pub module_name: Vec<String>,
    /// Packages of Python (`--package-name`).
    pub package_name: Vec<String>,
    /// A module of Python, in whose submodules definitions are looked for (`--autoload-defs-module-name`). Dagster's commands
    /// know the option, but take no workspace of it.
    pub autoload_defs_module_name: Option<String>,
    /// The name of the definitions in the one file, module or package (`-a`).
    pub attribute: Option<String>,
    /// The directory in which code is loaded (`-d`). By default it is the current one.
    pub working_directory: Option<String>,
    /// The host of the code server. By default it is `localhost`.
    pub grpc_host: Option<String>,
    /// The port of the code server.
    pub grpc_port: Option<i64>,
    /// The path of the socket of the code server.
    pub grpc_socket: Option<String>,
    /// Whether the connection to the code server is encrypted. By default it is not.
    pub use_ssl: bool,
    /// The name of the one code location that the options name. By default it is the one that Dagster gives.
    pub location_name: Option<String>,
}

instance_core::setters! {
    impl WorkspaceOptions {
        /// Files that list code locations.
        with_workspace(workspace: Vec<String>);
        /// Files of Python.
        with_python_file(python_file: Vec<String>);
        /// Modules of Python.
        with_module_name(module_name: Vec<String>);
        /// Packages of Python.
        with_package_name(package_name: Vec<String>);
        /// A module of Python, in whose submodules definitions are looked for.
        with_autoload_defs_module_name(autoload_defs_module_name: impl Into<Option<String>>);
        /// The name of the definitions in the one file, module or package.
        with_attribute(attribute: impl Into<Option<String>>);
        /// The directory in which code is loaded.
        with_working_directory(working_directory: impl Into<Option<String>>);
        /// The host of the code server.
        with_grpc_host(grpc_host: impl Into<Option<String>>);
        /// The port of the code server.
        with_grpc_port(grpc_port: impl Into<Option<i64>>);
        /// The path of the socket of the code server.
        with_grpc_socket(grpc_socket: impl Into<Option<String>>);
        /// Whether the connection to the code server is encrypted.
        with_use_ssl(use_ssl: bool);
        /// The name of the one code location that the options name.
        with_location_name(location_name: impl Into<Option<String>>);
    }
}

/// The options that may stand beside one that names Python code.
const OF_CODE: &[&str] = &["--attribute", "--working-directory", "--location-name"];

/// An option that is given.
struct Given {
    option: &'static str,
    /// Its first value.
    value: String,
}

impl WorkspaceOptions {
    /// The code locations that the options name; `None` if they name files that list them, or nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if options exclude each other, or name no code.
    pub(super) fn locations(
        &self,
        directory: &str,
    ) -> Result<Option<Vec<CodeLocationOrigin>>, InstanceError> {
        let given = self.given();
        let Some((target, others)) = given.split_first() else { return Ok(None) };
        let beside = match target.option {
            "--workspace" => &[],
            "--python-file"
            | "--module-name"
            | "--package-name"
            | "--autoload-defs-module-name" => OF_CODE,
            "--grpc-port" | "--grpc-socket" => &["--grpc-host", "--location-name"],
            _ => {
                let reason = "it says nothing by itself; say where the code is with a file, a module, a package or a \
                              code server";
                return Err(invalid(target, reason));
            }
        };
        if let Some(other) = others.iter().find(|other| !beside.contains(&other.option)) {
            let reason = format!("it cannot stand beside {}; remove one of both", target.option);
            return Err(invalid(other, &reason));
        }
        let directory = named(self.working_directory.clone()).unwrap_or_else(|| directory.into());
        let code = |names: &[String], of: fn(String) -> LoadableTargetOrigin| {
            self.code(names, of, &directory).map(Some)
        };
        match target.option {
            "--workspace" => Ok(None),
            "--python-file" => code(&self.python_file, |name| LoadableTargetOrigin {
                python_file: Some(name),
                ..LoadableTargetOrigin::default()
            }),
            "--module-name" => code(&self.module_name, |name| LoadableTargetOrigin {
                module_name: Some(name),
                ..LoadableTargetOrigin::default()
            }),
            "--package-name" => code(&self.package_name, |name| LoadableTargetOrigin {
                package_name: Some(name),
                ..LoadableTargetOrigin::default()
            }),
            "--autoload-defs-module-name" => {
                code(self.autoload_defs_module_name.as_slice(), |name| LoadableTargetOrigin {
                    autoload_defs_module_name: Some(name),
                    ..LoadableTargetOrigin::default()
                })
            }
            _ => {
                let server = Server {
                    host: self.grpc_host.clone(),
                    port: self.grpc_port.filter(|port| *port != 0),
                    socket: named(self.grpc_socket.clone()),
                    use_ssl: Some(self.use_ssl),
                    additional_metadata: None,
                };
                Ok(Some(vec![of_server(server, self.location_name.clone())]))
            }
        }
    }

    /// Python code, each file, module or package a location by itself.
    fn code(
        &self,
        names: &[String],
        of: fn(String) -> LoadableTargetOrigin,
        directory: &str,
    ) -> Result<Vec<CodeLocationOrigin>, InstanceError> {
        let attribute =
            named(self.attribute.clone()).map(|value| Given { option: "--attribute", value });
        if let Some(attribute) = attribute.filter(|_| names.len() > 1) {
            let reason = "it cannot be the name in several files, modules or packages; name one of them, or list them \
                          in a workspace.yaml";
            return Err(invalid(&attribute, reason));
        }
        let location_name = named(self.location_name.clone())
            .map(|value| Given { option: "--location-name", value });
        if let Some(name) = location_name.filter(|_| names.len() > 1) {
            let reason = "several code locations cannot have it; name one file, module or package, or list them in a \
                          workspace.yaml";
            return Err(invalid(&name, reason));
        }
        let origin = |name: &String| {
            let target = LoadableTargetOrigin {
                attribute: self.attribute.clone(),
                working_directory: Some(directory.to_owned()),
                ..of(name.clone())
            };
            let given =
                Given { option: "the name of a file, module or package", value: name.clone() };
            of_code(target, self.location_name.clone())
                .ok_or_else(|| invalid(&given, "it is empty; write where the definitions are"))
        };
        names.iter().map(origin).collect()
    }

    /// The options that are given. That comes first which says where the code is, in Dagster's order.
    fn given(&self) -> Vec<Given> {
        let port = self.grpc_port.filter(|port| *port != 0).map(|port| port.to_string());
        let lists = [
            ("--workspace", self.workspace.first()),
            ("--python-file", self.python_file.first()),
            ("--module-name", self.module_name.first()),
            ("--package-name", self.package_name.first()),
            (
                "--autoload-defs-module-name",
                self.autoload_defs_module_name.as_ref().filter(|name| !name.is_empty()),
            ),
        ];
        let texts = [
            ("--grpc-port", port),
            ("--grpc-socket", named(self.grpc_socket.clone())),
            ("--grpc-host", named(self.grpc_host.clone())),
            ("--attribute", named(self.attribute.clone())),
            ("--working-directory", named(self.working_directory.clone())),
            ("--location-name", named(self.location_name.clone())),
        ];
        let lists = lists.into_iter().map(|(option, value)| (option, value.cloned()));
        lists
            .chain(texts)
            .filter_map(|(option, value)| Some(Given { option, value: value? }))
            .collect()
    }
}

fn invalid(given: &Given, reason: &str) -> InstanceError {
    InstanceError::Invalid {
        what: given.option,
        value: given.value.clone(),
        reason: reason.to_owned(),
    }
}
