//! An entry of `load_from` as the origin of a code location. The types of its values have been found to be right.

use instance_core::config_problems::{ConfigProblem, Position, Severity};
use instance_core::run::{CodeLocationOrigin, LoadableTargetOrigin};
use instance_core::serdes::Opaque;

use super::file::FilePlace;
use super::origin::{Server, named, of_code, of_server};
use super::python_path::expanded;
use crate::document::{Entry, Kind, Node};
use crate::environment::Environment;
use crate::schema::source;

/// An entry of the list.
pub(super) struct LocationEntry<'a> {
    /// The path of its key, such as `load_from[1].python_file`.
    key: String,
    /// The key that says what it is, with its value.
    entry: &'a Entry,
    file: &'a FilePlace<'a>,
    environment: &'a dyn Environment,
    problems: Vec<ConfigProblem>,
}

/// What an entry says: nothing if it is refused.
pub(super) struct Read {
    /// The origin.
    pub(super) origin: Option<CodeLocationOrigin>,
    /// What is wrong with it.
    pub(super) problems: Vec<ConfigProblem>,
}

/// How an entry names code.
enum Form<'a> {
    /// By a text alone.
    Short(&'a str),
    /// By a mapping.
    Long,
}

/// Makes the origin of an entry, by the path of its key in the file.
pub(super) fn read(
    key: &str,
    entry: &Entry,
    file: &FilePlace<'_>,
    environment: &dyn Environment,
) -> Read {
    let key = format!("{key}.{}", entry.key.shown());
    let mut reader = LocationEntry { key, entry, file, environment, problems: Vec::new() };
    let origin = match entry.key.shown() {
        "grpc_server" => reader.grpc_server(),
        "python_file" => reader.python_file(),
        "python_module" => {
            reader.named_code("module_name", |target, name| target.module_name = name)
        }
        "python_package" => {
            reader.named_code("package_name", |target, name| target.package_name = name)
        }
        _ => {
            reader.named_code("module_name", |target, name| target.autoload_defs_module_name = name)
        }
    };
    Read { origin, problems: reader.problems }
}

impl<'a> LocationEntry<'a> {
    fn grpc_server(&mut self) -> Option<CodeLocationOrigin> {
        let port = self.integer("port");
        let socket = self.text("socket");
        match (port.filter(|port| *port != 0), named(socket.clone())) {
            (Some(_), Some(_)) => {
                self.refuse("socket", "`port` is there, too; remove one of both");
                return None;
            }
            (None, None) if port.is_some() => {
                self.refuse("port", "it is 0; write the port on which the server listens");
                return None;
            }
            (None, None) if socket.is_some() => {
                self.refuse("socket", "it is empty; write the path of the socket of the server");
                return None;
            }
            (None, None) => {
                self.refuse("", "neither a `port` nor a `socket` is there; write one of both");
                return None;
            }
            (Some(port), None) if !(1..=65_535).contains(&port) => {
                self.warn("port", "no server listens there; a port is a number from 1 to 65535");
            }
            _ => {}
        }
        let metadata = self.value("additional_metadata").filter(|metadata| !metadata.is_falsy());
        let server = Server {
            host: self.text("host"),
            port,
            socket,
            use_ssl: match self.value("ssl").map(|node| &node.kind) {
                Some(Kind::Boolean(ssl)) => Some(*ssl),
                _ => None,
            },
            additional_metadata: metadata.map(|metadata| Opaque::from(&metadata.to_json())),
        };
        Some(of_server(server, self.text("location_name")))
    }

    fn python_file(&mut self) -> Option<CodeLocationOrigin> {
        if let Form::Short(path) = self.form()? {
            let target = LoadableTargetOrigin {
                python_file: Some(self.file.rebased(path)),
                ..LoadableTargetOrigin::default()
            };
            return self.code(target, None);
        }
        let path = self.text("relative_path").unwrap_or_default();
        if path.is_empty() {
            self.warn("relative_path", "it is empty; write the path of a file of Python");
        }
        let directory = named(self.text("working_directory"));
        let target =
            LoadableTargetOrigin {
                python_file: Some(self.file.rebased(&path)),
                attribute: self.text("attribute"),
                working_directory: Some(directory.map_or_else(
                    || self.file.directory(),
                    |directory| self.file.rebased(&directory),
                )),
                executable_path: self.executable_path(),
                ..LoadableTargetOrigin::default()
            };
        // A path that ends with a slash leaves an empty name, which Dagster takes.
        self.code(target, self.text("location_name"))
    }

    /// Code that is known by the name of a module or package.
    fn named_code(
        &mut self,
        name_key: &str,
        set: impl FnOnce(&mut LoadableTargetOrigin, Option<String>),
    ) -> Option<CodeLocationOrigin> {
        let mut target = LoadableTargetOrigin::default();
        if let Form::Short(name) = self.form()? {
            set(&mut target, Some(name.to_owned()));
            return self.code(target, None);
        }
        let name = self.text(name_key);
        let is_empty = name.as_deref().is_none_or(str::is_empty);
        set(&mut target, name);
        target.attribute = self.text("attribute");
        target.working_directory = self.text("working_directory");
        target.executable_path = self.executable_path();
        let location_name = self.text("location_name");
        if is_empty {
            let reason = "it is empty; write the name of what has the definitions";
            if named(location_name.clone()).is_none() {
                self.refuse(name_key, reason);
                return None;
            }
            self.warn(name_key, reason);
        }
        self.code(target, location_name)
    }

    fn code(
        &mut self,
        target: LoadableTargetOrigin,
        location_name: Option<String>,
    ) -> Option<CodeLocationOrigin> {
        let origin = of_code(target, location_name);
        if origin.is_none() {
            self.refuse("", "it is empty; write where the definitions are");
        }
        origin
    }

    /// The form of an entry that names code; `None` if it is refused.
    fn form(&mut self) -> Option<Form<'a>> {
        match self.entry.value.text() {
            Some("") => {
                self.refuse("", "it is empty; write where the definitions are");
                None
            }
            Some(text) => Some(Form::Short(text)),
            None => Some(Form::Long),
        }
    }

    fn executable_path(&self) -> Option<String> {
        let path = named(self.text("executable_path"));
        path.map(|path| expanded(&path, self.environment))
    }

    fn value(&self, key: &str) -> Option<&Node> {
        self.entry.value.get(key)
    }

    fn text(&self, key: &str) -> Option<String> {
        source::text(&self.value(key)?.to_json(), self.environment).ok()
    }

    fn integer(&self, key: &str) -> Option<i64> {
        source::integer(&self.value(key)?.to_json(), self.environment).ok()
    }

    fn refuse(&mut self, key: &str, reason: &str) {
        self.add(Severity::Error, key, reason);
    }

    fn warn(&mut self, key: &str, reason: &str) {
        self.add(Severity::Warning, key, reason);
    }

    /// Keeps a problem of the value under a key, or of the whole.
    fn add(&mut self, severity: Severity, key: &str, reason: &str) {
        let (path, position): (String, Position) = match self.entry.value.entry(key) {
            Some(entry) => (format!("{}.{key}", self.key), entry.value.position),
            None => (self.key.clone(), self.entry.position),
        };
        let problem = ConfigProblem::new(reason).with_severity(severity);
        self.problems.push(problem.with_key(path).with_position(position));
    }
}
