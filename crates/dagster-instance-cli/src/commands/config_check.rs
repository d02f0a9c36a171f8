//! `config check`: every mistake in `dagster.yaml`, and whether an instance can be opened with it. With `--workspace` the
//! same for the file of a workspace.

use std::ffi::OsStr;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use dagster_instance::config_problems::{ConfigProblem, Severity};
use dagster_instance::{
    ConfigCheck, LoadSettings, ProcessEnvironment, WorkspaceDescription, check_config,
    dagster_yaml_schema, find_home, workspace_yaml_schema,
};

use super::config_workspace::described;
use crate::args::ConfigCheckOf;
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, json, text};

pub(crate) fn run(place: &InstancePlace, args: &ConfigCheckOf) -> Result<ExitCode> {
    if args.workspace {
        return run_workspace(args);
    }
    let check = check_config(&request(place, args.file.as_deref())?, &ProcessEnvironment)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        writeln!(out, "{}", json::config_check(&check))?;
    } else {
        print(&mut out, &check)?;
    }
    out.flush()?;
    Ok(code(check.is_accepted()))
}

/// Checks the file of a workspace.
fn run_workspace(args: &ConfigCheckOf) -> Result<ExitCode> {
    let workspace = described(args.file.as_deref())?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        writeln!(out, "{}", json::workspace_check(&workspace))?;
    } else {
        print_workspace(&mut out, &workspace)?;
    }
    out.flush()?;
    Ok(code(workspace.is_accepted()))
}

fn code(is_accepted: bool) -> ExitCode {
    if is_accepted { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) }
}

/// Prints the JSON Schema of `dagster.yaml`, or of `workspace.yaml`.
pub(crate) fn schema(of_workspace: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let schema = if of_workspace { workspace_yaml_schema() } else { dagster_yaml_schema() };
    out.write_all(schema.as_bytes())?;
    Ok(())
}

/// Which file is meant. A file that somebody names has to be there.
fn request(place: &InstancePlace, file: Option<&Path>) -> Result<LoadSettings> {
    let request = match file {
        None => LoadSettings::new(find_home(place.home.as_deref(), &ProcessEnvironment)?.path),
        Some(file) => {
            let absolute = std::path::absolute(file)?;
            if let Err(error) = absolute.symlink_metadata() {
                return Err(format!("{} cannot be read: {error}", file.display()).into());
            }
            let home = match (&place.home, absolute.parent()) {
                (Some(home), _) => find_home(Some(home), &ProcessEnvironment)?.path,
                (None, Some(directory)) => directory.to_owned(),
                (None, None) => return Err(format!("{} is no file", file.display()).into()),
            };
            let name = if absolute.parent() == Some(&home) {
                absolute.file_name()
            } else {
                Some(absolute.as_os_str())
            };
            let Some(name) = name.and_then(OsStr::to_str) else {
                return Err(format!("the name of {} is not UTF-8", file.display()).into());
            };
            LoadSettings::new(home).with_config_filename(name)
        }
    };
    Ok(request.with_storage(place.storage.clone()))
}

fn print(out: &mut impl Write, check: &ConfigCheck) -> Result<()> {
    let file = text::value(&check.file.to_string_lossy());
    let counts = print_problems(out, &file, &check.problems)?;
    if !check.is_accepted() {
        writeln!(out, "{counts}: no instance can be opened with this file")?;
    } else if !counts.is_empty() {
        writeln!(out, "{counts}: an instance can be opened with this file")?;
    } else if check.exists {
        writeln!(out, "{file}: no mistakes")?;
    } else {
        writeln!(out, "{file} does not exist: all settings are defaults")?;
    }
    Ok(())
}

fn print_workspace(out: &mut impl Write, workspace: &WorkspaceDescription) -> Result<()> {
    let file = text::value(&workspace.file);
    let counts = print_problems(out, &file, &workspace.problems)?;
    let locations = counted(workspace.locations.len() as u64, "location");
    if !workspace.is_accepted() {
        writeln!(out, "{counts}: no workspace can be loaded with this file")?;
    } else if !counts.is_empty() {
        writeln!(out, "{counts}: a workspace can be loaded with this file; it names {locations}")?;
    } else {
        writeln!(out, "{file}: no mistakes; it names {locations}")?;
    }
    Ok(())
}

/// Prints a line for each problem, and returns how many there are of each kind.
fn print_problems(out: &mut impl Write, file: &str, problems: &[ConfigProblem]) -> Result<String> {
    for problem in problems {
        writeln!(out, "{}", line(file, problem))?;
    }
    let count = |severity: Severity| {
        problems.iter().filter(|problem| problem.severity == severity).count() as u64
    };
    let counts: Vec<String> = [
        (count(Severity::Error), "error"),
        (count(Severity::ErrorWhenUsed), "error in parts that are not used at once"),
        (count(Severity::Warning), "warning"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| counted(count, word))
    .collect();
    Ok(counts.join(", "))
}

/// A problem in the form in which compilers print them, which editors follow.
fn line(file: &str, problem: &ConfigProblem) -> String {
    let place = problem.position.map(|position| format!(":{position}")).unwrap_or_default();
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::ErrorWhenUsed => "error when used",
        _ => "warning",
    };
    // The place stands before the severity.
    let rest = problem.clone().with_position(None).to_string();
    format!("{file}{place}: {severity}: {}", text::message(&rest))
}
