//! `config check`: every mistake in `dagster.yaml`, and whether an instance can be opened with it.

use std::ffi::OsStr;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use dagster_instance::config_problems::{ConfigProblem, Severity};
use dagster_instance::{
    ConfigCheck, LoadSettings, ProcessEnvironment, check_config, dagster_yaml_schema, find_home,
};

use crate::args::ConfigCheckOf;
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, json, text};

pub(crate) fn run(place: &InstancePlace, args: &ConfigCheckOf) -> Result<ExitCode> {
    let check = check_config(&request(place, args.file.as_deref())?, &ProcessEnvironment)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        writeln!(out, "{}", json::config_check(&check))?;
    } else {
        print(&mut out, &check)?;
    }
    out.flush()?;
    let code = if check.is_accepted() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) };
    Ok(code)
}

/// Prints the JSON Schema of the file.
pub(crate) fn schema() -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(dagster_yaml_schema().as_bytes())?;
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
    for problem in &check.problems {
        writeln!(out, "{}", line(&file, problem))?;
    }
    let count = |severity: Severity| {
        check.problems.iter().filter(|problem| problem.severity == severity).count() as u64
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
    let counts = counts.join(", ");
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
