//! `config show --workspace`: the code locations that a file names, and what each is. It also reads the file for
//! `config check --workspace`.

use std::io::{BufWriter, Write};
use std::path::Path;

use dagster_instance::{
    DescribedLocation, LoadWorkspace, ProcessEnvironment, WorkspaceDescription, WorkspaceOptions,
    describe_workspace,
};

use crate::print::{Table, counted};
use crate::{Result, json, report, text};

/// What the file says, or the one that is found in the current directory.
pub(crate) fn described(file: Option<&Path>) -> Result<WorkspaceDescription> {
    let mut options = WorkspaceOptions::default();
    if let Some(file) = file {
        let path = file.to_str();
        let path = path.ok_or_else(|| format!("the name of {} is not UTF-8", file.display()))?;
        options = options.with_workspace(vec![path.to_owned()]);
    }
    let request = LoadWorkspace::new(std::env::current_dir()?).with_options(options);
    let mut files = describe_workspace(&request, &ProcessEnvironment)?;
    files.pop().ok_or_else(|| "there is no file of a workspace".into())
}

pub(crate) fn show(file: Option<&Path>, as_json: bool) -> Result<()> {
    let workspace = described(file)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if as_json {
        writeln!(out, "{}", json::workspace(&workspace))?;
    } else {
        let file = Path::new(&workspace.file).file_name().unwrap_or_default().to_string_lossy();
        let rows: Vec<_> =
            workspace.locations.iter().map(|location| row(&file, location)).collect();
        Table::new(&["LOCATION", "FROM", "KIND", "VALUES"]).rows(&mut out, &rows)?;
    }
    out.flush()?;
    if !workspace.problems.is_empty() {
        let count = counted(workspace.problems.len() as u64, "problem");
        report::say(&format!(
            "dagster-instance: {count} in the file; see them with: config check --workspace"
        ));
    }
    Ok(())
}

fn row(file: &str, location: &DescribedLocation) -> Vec<String> {
    let values: Vec<String> = location
        .values
        .iter()
        .map(|(key, value)| match value.as_str() {
            Some(value) => format!("{key}={}", text::value(value)),
            None => format!("{key}={}", text::message(&value.to_string())),
        })
        .collect();
    let place = format!("{}:{}", text::value(file), location.position);
    vec![text::value(&location.name), place, location.kind.to_owned(), values.join(" ")]
}
