//! The JSON of the configuration.

use dagster_instance::config_problems::{ConfigProblem, Position, Severity};
use dagster_instance::{
    ConfigCheck, ConfigDescription, DescribedLocation, DescribedSetting, SettingOrigin,
    WorkspaceDescription,
};
use serde_json::{Map, Value, json};

use super::text;

/// What is wrong with a file.
pub(crate) fn config_check(check: &ConfigCheck) -> Value {
    json!({
        "file": check.file.to_string_lossy(),
        "exists": check.exists,
        "accepted": check.is_accepted(),
        "problems": check.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// The settings of an instance, and who said them.
pub(crate) fn config(config: &ConfigDescription, home_source: &str) -> Value {
    let stores: Option<Map<_, _>> = config.storage.as_ref().map(|storage| {
        let each = storage.each().into_iter();
        each.map(|(section, store)| (section.to_owned(), text(&store.to_string()))).collect()
    });
    json!({
        "home": config.home.to_string_lossy(),
        "home_source": home_source,
        "file": config.file.to_string_lossy(),
        "exists": config.exists,
        "storage": stores,
        "settings": config.settings.iter().map(setting).collect::<Vec<_>>(),
        "problems": config.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// What is wrong with the file of a workspace.
pub(crate) fn workspace_check(workspace: &WorkspaceDescription) -> Value {
    json!({
        "file": text(&workspace.file),
        "accepted": workspace.is_accepted(),
        "problems": workspace.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// The code locations of a file, and what is wrong with it.
pub(crate) fn workspace(workspace: &WorkspaceDescription) -> Value {
    json!({
        "file": text(&workspace.file),
        "locations": workspace.locations.iter().map(location).collect::<Vec<_>>(),
        "problems": workspace.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn location(location: &DescribedLocation) -> Value {
    json!({
        "name": text(&location.name),
        "line": line(location.position),
        "column": column(location.position),
        "kind": location.kind,
        "values": location.values,
    })
}

fn setting(setting: &DescribedSetting) -> Value {
    let (source, variable, position) = match &setting.origin {
        SettingOrigin::File(position) => ("FILE", None, Some(*position)),
        SettingOrigin::Variable { name, reference } => ("VARIABLE", Some(text(name)), *reference),
        SettingOrigin::Caller => ("ARGUMENT", None, None),
        _ => ("DEFAULT", None, None),
    };
    json!({
        "key": text(&setting.key),
        "value": setting.value,
        "default": setting.default,
        "source": source,
        "variable": variable,
        "line": position.map(line),
        "column": position.map(column),
        "masked": setting.is_masked,
        "unusable": setting.unusable.as_deref().map(text),
    })
}

fn problem(problem: &ConfigProblem) -> Value {
    let severity = match problem.severity {
        Severity::Error => "ERROR",
        Severity::ErrorWhenUsed => "ERROR_WHEN_USED",
        _ => "WARNING",
    };
    json!({
        "severity": severity,
        "line": problem.position.map(line),
        "column": problem.position.map(column),
        "key": text(&problem.key),
        "value": problem.value.as_deref().map(text),
        "reason": text(&problem.reason),
        "suggestion": problem.suggestion.as_deref().map(text),
    })
}

const fn line(position: Position) -> u64 {
    position.line
}

const fn column(position: Position) -> u64 {
    position.column
}
