//! The command line of a code server, and what its environment has.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;

use instance_core::instance_ref::InstanceRef;
use instance_core::run::ManagedGrpcPythonEnvCodeLocationOrigin;
use instance_core::serdes::serialize_value;
use tokio::process::Command;

use super::interpreter::Interpreter;

/// By which of Dagster's commands a code server is started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeServerKind {
    /// `dagster api grpc`: the server loads the code itself.
    #[default]
    ApiGrpc,
    /// `dagster code-server start`: a server loads the code in a process of its own, and can load it again.
    CodeServerStart,
}

/// Where a code server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeServerEndpoint {
    /// On a port of this machine.
    Port(u16),
    /// On a socket, by its path.
    Socket(PathBuf),
}

/// A code server that is to be started.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CodeServerCommand {
    /// By which of Dagster's commands. By default it is `dagster api grpc`.
    pub kind: CodeServerKind,
    /// The interpreter that loads the code.
    pub interpreter: Interpreter,
    /// The code and the name of its location.
    pub origin: ManagedGrpcPythonEnvCodeLocationOrigin,
    /// Where the server listens.
    pub endpoint: CodeServerEndpoint,
    /// After how many seconds without a sign of life of its client the server ends; zero if it goes on until somebody ends
    /// it. The default is 25.
    pub heartbeat_timeout_seconds: u32,
    /// By what the server opens the instance, and takes variables from it; `None` if it opens that of `DAGSTER_HOME`, if there
    /// is one. It may hold a password, and so it
    /// is in the environment of the server, and not among its arguments, which all users of a machine see.
    pub instance_ref: Option<InstanceRef>,
}

instance_core::setters! {
    impl CodeServerCommand {
        /// By which of Dagster's commands.
        with_kind(kind: CodeServerKind);
        /// After how many seconds without a sign of life of its client the server ends.
        with_heartbeat_timeout_seconds(heartbeat_timeout_seconds: u32);
        /// By what the server opens the instance.
        with_instance_ref(instance_ref: impl Into<Option<InstanceRef>>);
    }
}

/// Variables by which Dagster's commands take options that are not given. What the origin does not say is not to come from
/// the environment of whoever starts the server.
const OPTIONS: [&str; 15] = [
    "DAGSTER_ATTRIBUTE",
    "DAGSTER_CODE_SERVER_HOST",
    "DAGSTER_CODE_SERVER_PORT",
    "DAGSTER_CODE_SERVER_SOCKET",
    "DAGSTER_EMPTY_WORKING_DIRECTORY",
    "DAGSTER_GRPC_HOST",
    "DAGSTER_GRPC_PORT",
    "DAGSTER_GRPC_SOCKET",
    "DAGSTER_INSTANCE_REF",
    "DAGSTER_MODULE_NAME",
    "DAGSTER_PACKAGE_NAME",
    "DAGSTER_PYTHON_FILE",
    "DAGSTER_USE_PYTHON_ENVIRONMENT_ENTRY_POINT",
    "DAGSTER_WORKING_DIRECTORY",
    "DAGSTER_autoload_defs_module_name",
];

impl CodeServerCommand {
    /// A server for the code of a location.
    pub fn new(
        interpreter: Interpreter,
        origin: ManagedGrpcPythonEnvCodeLocationOrigin,
        endpoint: CodeServerEndpoint,
    ) -> Self {
        Self {
            kind: CodeServerKind::default(),
            interpreter,
            origin,
            endpoint,
            heartbeat_timeout_seconds: 25,
            instance_ref: None,
        }
    }

    /// The arguments of the interpreter, in Dagster's order. None of them is secret.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = Arguments(Vec::new());
        arguments.add(["-m", "dagster"]);
        match self.kind {
            CodeServerKind::ApiGrpc => arguments.add(["api", "grpc", "--lazy-load-user-code"]),
            CodeServerKind::CodeServerStart => arguments.add(["code-server", "start"]),
        }
        match &self.endpoint {
            CodeServerEndpoint::Port(port) => arguments.add(["--port", &port.to_string()]),
            CodeServerEndpoint::Socket(path) => {
                arguments.add([OsStr::new("--socket"), path.as_os_str()]);
            }
        }
        if self.heartbeat_timeout_seconds > 0 {
            let seconds = self.heartbeat_timeout_seconds.to_string();
            arguments.add(["--heartbeat", "--heartbeat-timeout", &seconds]);
        }
        arguments.add(["--log-level", "INFO"]);
        if self.interpreter.is_named_by_workspace {
            arguments.add(["--use-python-environment-entry-point"]);
        }
        // Without an instance, there is none to take variables from.
        if self.instance_ref.is_some() {
            arguments.add(["--inject-env-vars-from-instance"]);
        }
        arguments.option("--location-name", Some(&self.origin.location_name));
        let target = &self.origin.loadable_target_origin;
        for (option, value) in [
            ("-f", &target.python_file),
            ("-m", &target.module_name),
            ("-d", &target.working_directory),
            ("-a", &target.attribute),
            ("--package-name", &target.package_name),
            ("--autoload-defs-module-name", &target.autoload_defs_module_name),
        ] {
            arguments.option(option, value.as_deref());
        }
        arguments.0
    }

    /// The variables that are different in the environment of the server from that of this process: with their value, or
    /// `None` if they are not there. `path` is the value of the variable `PATH` of this process.
    ///
    /// The value of `DAGSTER_INSTANCE_REF` may hold a password.
    pub fn environment(&self, path: Option<&OsStr>) -> Vec<(&'static str, Option<OsString>)> {
        let mut environment: Vec<(&'static str, Option<OsString>)> =
            OPTIONS.into_iter().map(|name| (name, None)).collect();
        if let Some(reference) = &self.instance_ref {
            let text = OsString::from(serialize_value(reference));
            environment.retain(|(name, _)| *name != "DAGSTER_INSTANCE_REF");
            environment.push(("DAGSTER_INSTANCE_REF", Some(text)));
        }
        if let Some(directory) = self.interpreter.virtual_environment() {
            let mut programs = directory.as_os_str().to_owned();
            if let Some(path) = path.filter(|path| !path.is_empty()) {
                programs.push(if cfg!(windows) { ";" } else { ":" });
                programs.push(path);
            }
            environment.push(("PATH", Some(programs)));
        }
        environment
    }

    /// The command with its arguments and its environment. The server is in a process group of its own, so that Ctrl-C does
    /// not reach it; it has nothing on its standard input, and goes on when whoever started it ends. `path` is the value of
    /// the variable `PATH` of this process.
    pub fn command(&self, path: Option<&OsStr>) -> Command {
        #[expect(clippy::disallowed_methods, reason = "this is the launcher")]
        let mut command = Command::new(&self.interpreter.path);
        command.args(self.arguments()).stdin(Stdio::null());
        for (name, value) in self.environment(path) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// Arguments as they come together.
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<T: AsRef<OsStr>>(&mut self, arguments: impl IntoIterator<Item = T>) {
        self.0.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
    }

    /// An option with its value, unless that is empty.
    fn option(&mut self, option: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.add([option, value]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fmt::Write;

    use instance_core::instance_ref::InstanceRef;
    use instance_core::run::{LoadableTargetOrigin, ManagedGrpcPythonEnvCodeLocationOrigin};
    use instance_core::serdes::{UnknownFields, deserialize_value};

    use super::{CodeServerCommand, CodeServerEndpoint, CodeServerKind};
    use crate::server_process::{Interpreter, InterpreterSearch};

    fn interpreter(of_workspace: Option<&str>) -> Interpreter {
        let search = InterpreterSearch::default().with_named(Some("python3".into()));
        Interpreter::find(of_workspace, &search).unwrap()
    }

    fn origin(target: LoadableTargetOrigin) -> ManagedGrpcPythonEnvCodeLocationOrigin {
        ManagedGrpcPythonEnvCodeLocationOrigin {
            location_name: target.default_location_name().unwrap(),
            loadable_target_origin: target,
            unknown: UnknownFields::default(),
        }
    }

    /// Each kind of code, each command and each endpoint.
    #[test]
    fn command_lines() {
        let socket = || CodeServerEndpoint::Socket("/tmp/x/grpc.sock".into());
        let none = LoadableTargetOrigin::default;
        let file = LoadableTargetOrigin {
            python_file: Some("/code/a b.py".into()),
            working_directory: Some("/code/".into()),
            attribute: Some("defs".into()),
            ..none()
        };
        let module = LoadableTargetOrigin {
            module_name: Some("a.b".into()),
            executable_path: Some("/venv/bin/python".into()),
            ..none()
        };
        let package = LoadableTargetOrigin {
            package_name: Some("p".into()),
            attribute: Some(String::new()),
            ..none()
        };
        let autoload =
            LoadableTargetOrigin { autoload_defs_module_name: Some("a.defs".into()), ..none() };
        let commands = [
            CodeServerCommand::new(interpreter(None), origin(file), socket()),
            CodeServerCommand::new(interpreter(Some("/venv/bin/python")), origin(module), socket())
                .with_heartbeat_timeout_seconds(0),
            CodeServerCommand::new(
                interpreter(None),
                origin(package),
                CodeServerEndpoint::Port(4711),
            ),
            CodeServerCommand::new(interpreter(None), origin(autoload), socket())
                .with_kind(CodeServerKind::CodeServerStart),
        ];
        let mut told = String::new();
        for command in commands {
            let arguments = command.arguments();
            let arguments: Vec<_> = arguments.iter().map(|it| it.to_str().unwrap()).collect();
            writeln!(told, "{} {arguments:?}", command.interpreter.path.display()).unwrap();
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn the_environment_has_the_instance_and_no_options_of_others() {
        let directory = tempfile::tempdir().unwrap();
        let python = directory.path().join("python");
        std::fs::write(directory.path().join("activate"), "").unwrap();
        let reference = r#"{"__class__": "InstanceRef", "local_artifact_storage_data": {"__class__":
            "ConfigurableClassData", "class_name": "C", "config_yaml": "p: hunter2", "module_name": "m"},
            "compute_logs_data": {"__class__": "ConfigurableClassData", "class_name": "C", "config_yaml": "",
            "module_name": "m"}, "scheduler_data": null, "run_coordinator_data": null, "run_launcher_data": null,
            "settings": {}}"#;
        let reference: InstanceRef = deserialize_value(reference).unwrap();
        let target = LoadableTargetOrigin { module_name: Some("a".into()), ..Default::default() };
        let command = CodeServerCommand::new(
            interpreter(python.to_str()),
            origin(target),
            CodeServerEndpoint::Port(1),
        )
        .with_instance_ref(reference);
        let environment = command.environment(Some(OsStr::new("/bin")));
        let value = |name: &str| {
            let found = environment.iter().filter(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(value("DAGSTER_ATTRIBUTE"), [None]);
        let path = format!("{}:/bin", directory.path().display());
        assert_eq!(value("PATH"), [Some(path.into())]);
        assert!(
            matches!(&*value("DAGSTER_INSTANCE_REF"), [Some(text)] if text.to_str().unwrap().contains("hunter2"))
        );
        assert!(!format!("{command:?} {:?}", command.arguments()).contains("hunter2"));
        assert!(command.arguments().contains(&"--inject-env-vars-from-instance".into()));
    }
}
