//! A `pyproject.toml`: where the definitions of a Python project are, by `tool.dagster` or by what `dg` writes.

use std::path::Path;

use instance_core::config_problems::{ConfigProblem, Severity};
use instance_core::error::InstanceError;
use instance_core::run::LoadableTargetOrigin;

use super::file::{Located, WorkspaceFile};
use super::origin::{named, of_code};
use super::python_path::join;
use super::unreadable;
use crate::document::{Entry, Kind, Node, Unreadable};

/// Whether Dagster takes the file for one of a project of its own.
pub(super) fn is_of_dagster(path: &Path) -> Result<bool, InstanceError> {
    let bytes =
        std::fs::read(path).map_err(|error| unreadable(&path.display().to_string(), error))?;
    // What is wrong with the file is told when it is read.
    let Ok(document) = Node::read_toml(&bytes) else { return Ok(true) };
    let Some(tool) = document.get("tool") else { return Ok(false) };
    Ok(tool.entries().is_none() || tool.get("dagster").is_some() || tool.get("dg").is_some())
}

/// Reads the file. Its code is loaded in the directory, as Dagster loads it in the current one.
pub(super) fn read(path: &str, directory: &str) -> Result<WorkspaceFile, InstanceError> {
    let bytes = std::fs::read(join(directory, path)).map_err(|error| unreadable(path, error))?;
    let mut project = Project {
        directory,
        file: WorkspaceFile { path: path.to_owned(), locations: Vec::new(), problems: Vec::new() },
    };
    match Node::read_toml(&bytes) {
        Ok(document) => project.locations(&document),
        Err(Unreadable { position, reason }) => {
            project.file.problems.push(ConfigProblem::new(reason).with_position(position));
        }
    }
    project.file.problems.sort_by_key(|problem| problem.position);
    Ok(project.file)
}

struct Project<'a> {
    directory: &'a str,
    file: WorkspaceFile,
}

/// A table and the path of its key.
#[derive(Clone, Copy)]
struct Table<'a> {
    key: &'static str,
    entry: &'a Entry,
}

impl<'a> Table<'a> {
    fn get(&self, key: &str) -> Option<&'a Entry> {
        self.entry.value.entry(key)
    }
}

impl Project<'_> {
    fn locations(&mut self, document: &Node) {
        let Some(tool) = self.table("tool", document, "tool") else { return };
        if let Some(dagster) = self.table("tool.dagster", &tool.entry.value, "dagster") {
            if let Some(module) = dagster.get("module_name") {
                return self.module(dagster, module);
            }
            if let Some(modules) = dagster.get("modules") {
                return self.modules(dagster, modules);
            }
        }
        let Some(dg) = self.table("tool.dg", &tool.entry.value, "dg") else { return };
        if dg.get("project").is_none_or(|project| project.value.is_falsy()) {
            return;
        }
        if let Some(project) = self.table("tool.dg.project", &dg.entry.value, "project") {
            self.project(project);
        }
    }

    /// `tool.dagster` with `module_name`.
    fn module(&mut self, dagster: Table<'_>, module: &Entry) {
        if let Some(modules) = dagster.get("modules")
            && let Kind::List(items) = &modules.value.kind
        {
            let reason = if items.is_empty() {
                "it is empty; remove it, since `module_name` is there"
            } else {
                "`module_name` is there, too; remove one of both"
            };
            self.refuse("tool.dagster.modules", modules, reason);
        }
        let name = self.text("tool.dagster.module_name", module);
        let location_name = self.location_name(dagster);
        self.add("tool.dagster.module_name", module, name, location_name, of_module);
    }

    /// `tool.dagster` with `modules`.
    fn modules(&mut self, dagster: Table<'_>, modules: &Entry) {
        let key = "tool.dagster.modules";
        let Kind::List(items) = &modules.value.kind else {
            let reason = r#"write a list such as [{ type = "module", name = "my_code" }]"#;
            return self.refuse(key, modules, reason);
        };
        if items.is_empty() {
            return self.refuse(key, modules, "it is empty; name the modules with the definitions");
        }
        let location_name = self.location_name(dagster);
        for (index, item) in items.iter().enumerate() {
            let key = format!("{key}[{index}]");
            let mut values = [("type", None), ("name", None)];
            for (name, value) in &mut values {
                if let Some(entry) = item.entry(name) {
                    *value = self.text(&format!("{key}.{name}"), entry);
                    continue;
                }
                let reason =
                    format!("it has no `{name}`; write {{ type = \"module\", name = \"..\" }}");
                let problem = ConfigProblem::new(reason).with_key(&*key);
                self.file.problems.push(problem.with_position(item.position));
            }
            let [(_, Some(kind)), (_, name)] = values else { continue };
            let Some(entry) = item.entry("name") else { continue };
            if kind == "module" {
                self.add(&format!("{key}.name"), entry, name, location_name.clone(), of_module);
            } else {
                let reason =
                    "Dagster loads only what is of the type `module`, and passes over this";
                let problem = ConfigProblem::new(reason).with_severity(Severity::Warning);
                let position = item.position;
                self.file.problems.push(problem.with_key(key).with_position(position));
            }
        }
    }

    /// `tool.dg.project`.
    fn project(&mut self, project: Table<'_>) {
        let Some(root) = project.get("root_module") else {
            let reason = "it has no `root_module`; write the name of the project's module";
            return self.refuse(project.key, project.entry, reason);
        };
        let root_name = self.text("tool.dg.project.root_module", root);
        let location_name = self.location_name(project);
        let autoload = project.get("autoload_defs").is_some_and(|entry| !entry.value.is_falsy());
        let (key, last, of): (_, _, fn(String) -> LoadableTargetOrigin) = if autoload {
            ("defs_module", "defs", |name| LoadableTargetOrigin {
                autoload_defs_module_name: Some(name),
                ..LoadableTargetOrigin::default()
            })
        } else {
            ("code_location_target_module", "definitions", of_module)
        };
        if let Some(entry) = project.get(key) {
            let path = format!("tool.dg.project.{key}");
            let name = self.text(&path, entry);
            self.add(&path, entry, name, location_name, of);
        } else {
            let name = root_name.map(|root| format!("{root}.{last}"));
            self.add("tool.dg.project.root_module", root, name, location_name, of);
        }
    }

    /// Keeps the location of a module, unless something is wrong already.
    fn add(
        &mut self,
        key: &str,
        entry: &Entry,
        name: Option<String>,
        location_name: Option<String>,
        of: fn(String) -> LoadableTargetOrigin,
    ) {
        let Some(name) = name else { return };
        let target =
            LoadableTargetOrigin { working_directory: Some(self.directory.to_owned()), ..of(name) };
        match of_code(target, named(location_name)) {
            Some(origin) => {
                let position = entry.value.position;
                let same = |known: &Located| known.origin.location_name() == origin.location_name();
                if self.file.locations.iter().any(same) {
                    let reason = "another module has the same name of a code location, of which Dagster loads one; name \
                                  the modules in a workspace.yaml in place of this file";
                    let problem = ConfigProblem::new(reason).with_severity(Severity::Warning);
                    self.file.problems.push(problem.with_key(key).with_position(position));
                }
                self.file.locations.push(Located { origin, position });
            }
            None => self.refuse(key, entry, "it is empty; write the name of a module"),
        }
    }

    /// The table under a key; `None` if there is none, or if it is no table.
    fn table<'a>(&mut self, key: &'static str, parent: &'a Node, name: &str) -> Option<Table<'a>> {
        let entry = parent.entry(name)?;
        if entry.value.entries().is_some() {
            return Some(Table { key, entry });
        }
        self.refuse(key, entry, &format!("it has to be a table, not {}", entry.value.kind_name()));
        None
    }

    fn location_name(&mut self, table: Table<'_>) -> Option<String> {
        let entry = table.get("code_location_name")?;
        self.text(&format!("{}.code_location_name", table.key), entry)
    }

    fn text(&mut self, key: &str, entry: &Entry) -> Option<String> {
        let text = entry.value.text().map(str::to_owned);
        if text.is_none() {
            let reason = format!("write a text in quotes, not {}", entry.value.kind_name());
            self.refuse(key, entry, &reason);
        }
        text
    }

    fn refuse(&mut self, key: &str, entry: &Entry, reason: &str) {
        let problem = ConfigProblem::new(reason).with_key(key);
        self.file.problems.push(problem.with_position(entry.position));
    }
}

fn of_module(name: String) -> LoadableTargetOrigin {
    LoadableTargetOrigin { module_name: Some(name), ..LoadableTargetOrigin::default() }
}
