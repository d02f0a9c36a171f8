//! `doctor`: says what is wrong with the databases, and what mends it.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use dagster_instance::SchemaCheck;
use dagster_instance::storage::{CheckedDatabase, SchemaFinding, SchemaSeverity};

use crate::args::Doctor;
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{FAILURE, Result, SUCCESS, json, open, text};

/// The exit code if there are errors.
const ERRORS: u8 = 2;

pub(crate) async fn run(place: &InstancePlace, args: &Doctor) -> Result<ExitCode> {
    let instance = open::existing(place).await?;
    let check = if args.schema { instance.check_schema().await? } else { SchemaCheck::default() };
    let mut out = std::io::stdout().lock();
    if args.output.json {
        for (database, finding) in check.findings() {
            writeln!(out, "{}", json::schema_finding(database, finding))?;
        }
    } else {
        print_check(&mut out, instance.root_directory().ok().as_deref(), &check)?;
    }
    Ok(ExitCode::from(match check.severity() {
        Some(SchemaSeverity::Error) => ERRORS,
        Some(SchemaSeverity::Warning) => FAILURE,
        _ => SUCCESS,
    }))
}

fn print_check(out: &mut impl Write, home: Option<&Path>, check: &SchemaCheck) -> Result<()> {
    for database in check.databases.iter().filter(|database| !database.findings.is_empty()) {
        writeln!(out, "{}", named(home, database))?;
        for finding in &database.findings {
            print_finding(out, finding)?;
        }
        writeln!(out)?;
    }
    let databases: u64 = check.databases.iter().map(|database| database.databases).sum();
    let of = |severity: SchemaSeverity| {
        let all = check.findings().filter(|(_, finding)| finding.severity == severity);
        counted(all.count() as u64, severity.as_str())
    };
    let [errors, warnings, notes] =
        [SchemaSeverity::Error, SchemaSeverity::Warning, SchemaSeverity::Note].map(of);
    let databases = counted(databases, "database");
    Ok(writeln!(out, "{databases}: {errors}, {warnings}, {notes}")?)
}

/// A database by its path below the instance's directory, with its revision.
fn named(home: Option<&Path>, database: &CheckedDatabase) -> String {
    let path = Path::new(&database.database);
    let below = home.and_then(|home| path.strip_prefix(home).ok());
    let name = text::value(&below.unwrap_or(path).to_string_lossy());
    let revision = database.revision.as_deref().map(text::value);
    let at = revision.map_or_else(|| "without a revision".to_owned(), |it| format!("at {it}"));
    if database.databases > 1 {
        format!("{} logs of runs {at}, such as {name}", database.databases)
    } else {
        format!("{name} {at}")
    }
}

fn print_finding(out: &mut impl Write, finding: &SchemaFinding) -> std::io::Result<()> {
    let (severity, problem) = (finding.severity.as_str(), finding.problem.as_str());
    write!(out, "  {severity}: {problem}: {}", text::message(&finding.object))?;
    if let Some(expected) = &finding.expected {
        write!(out, "; expected {}", text::message(expected))?;
    }
    if let Some(found) = &finding.found {
        write!(out, "; found {}", text::message(found))?;
    }
    writeln!(out)?;
    if let Some(advice) = &finding.mend.advice {
        writeln!(out, "    -- {}", text::message(advice))?;
    }
    for statement in &finding.mend.statements {
        writeln!(out, "    {};", text::message(statement))?;
    }
    Ok(())
}
