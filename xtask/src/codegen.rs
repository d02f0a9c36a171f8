//! The step `codegen`: files that follow from others, so that each thing is said once.
//!
//! * The facade's methods, from the public functions of the domains, with their documentation.
//! * The READMEs of the facade and of the binary, from that of the project.
//! * The JSON Schemas of `dagster.yaml` and `workspace.yaml`, from the types that the configuration domain checks them by.
//! * The gRPC client of a code server, from its `.proto` file.
//! * The list of our own crates whose log lines are never stored, from the roles of the crates.
//!
//! Here: which files there are, and whether they are up to date. Not here: what a method looks like.

mod grpc;
mod links;
mod methods;
mod readme;
mod source;

use std::collections::BTreeMap;
use std::env::consts::EXE_SUFFIX;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{self, cargo};
use crate::roles::{self, Role};
use crate::workspace::{SELECTION, Workspace};
use methods::Domain;
use source::Crate;

const METHODS: &str = "crates/dagster-instance/src/methods";
const OWN_CRATES: &str = "crates/instance-events/src/run_log_layer/own_crates.rs";
/// READMEs that are the project's without some sections.
const READMES: [(&str, &[&str]); 2] = [
    (
        "crates/dagster-instance/README.md",
        &["Two commands", "The binary", "In the place of Dagster's daemon"],
    ),
    ("crates/dagster-instance-cli/README.md", &["Two commands", "The library"]),
];
/// The schemas, and the examples that print them.
const SCHEMAS: [(&str, &str); 2] = [
    ("docs/dagster.schema.json", "dagster_schema"),
    ("docs/workspace.schema.json", "workspace_schema"),
];
/// All crates whose names begin with it are taken as ours.
const FAMILY: &str = "dagster-instance";

/// Writes every generated file. With `check`, fails if one of them would change, and writes nothing.
pub(crate) fn run(workspace: &Workspace, check: bool) -> Result<()> {
    let mut outdated = Vec::new();
    let mut update = |path: &str, text: String| -> Result<()> {
        let file = workspace.root.join(path);
        if fs::read_to_string(&file).is_ok_and(|found| found == text) {
            return Ok(());
        }
        outdated.push(path.to_owned());
        if check {
            return Ok(());
        }
        fs::write(&file, text).with_context(|| format!("cannot write {path}"))
    };
    // First, as it is part of a crate that is read for the methods.
    update(OWN_CRATES, formatted(workspace, &own_crates(workspace))?)?;
    update(grpc::API, formatted(workspace, &grpc::api(workspace)?)?)?;
    let methods = methods(workspace)?;
    for (path, text) in &methods {
        let text = formatted(workspace, text).with_context(|| format!("cannot format {path}"))?;
        update(path, text)?;
    }
    let readme = fs::read_to_string(workspace.root.join("README.md"))?;
    for (path, sections) in READMES {
        update(path, readme::without(&readme, sections)?)?;
    }
    for (path, example) in SCHEMAS {
        update(path, printed_by_example(workspace, example)?)?;
    }
    for path in left_over(workspace, &methods)? {
        if !check {
            fs::remove_file(workspace.root.join(&path))?;
        }
        outdated.push(path);
    }
    for path in &outdated {
        println!("{} {path}", if check { "outdated:" } else { "written:" });
    }
    ensure!(!check || outdated.is_empty(), "write them with: cargo xtask codegen");
    Ok(())
}

/// What an example prints. It is built as the step `examples` builds all.
fn printed_by_example(workspace: &Workspace, name: &str) -> Result<String> {
    let mut build = cargo(workspace, "build");
    process::output(build.args(SELECTION).args(["--quiet", "--example", name]))?;
    let program = workspace.target.join("debug/examples").join(format!("{name}{EXE_SUFFIX}"));
    Ok(String::from_utf8(process::output(&mut Command::new(program))?)?)
}

/// The files of the facade's methods, by path.
fn methods(workspace: &Workspace) -> Result<BTreeMap<String, String>> {
    let mut sources = BTreeMap::new();
    for package in workspace.shipped_packages() {
        if roles::role(package)? == Role::Domain {
            let directory = package.manifest_path.with_file_name("src");
            let load = |file: &str| fs::read_to_string(directory.join(file)).ok();
            let source = Crate::read(&package.name.replace('-', "_"), &load)
                .with_context(|| format!("cannot read the source of `{}`", package.name))?;
            sources.insert(package.name.to_string(), source);
        }
    }
    let mut domains = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (package, source) in &sources {
        let domain = Domain::new(source)?;
        for (path, name) in domain.names() {
            if let Some((other, _)) = names.iter().find(|(_, other)| **other == name) {
                let other: &source::Words = other;
                bail!("`{}` and `{}` would be one method", other.join("::"), path.join("::"));
            }
            names.insert(path, name);
        }
        domains.insert(package, domain);
    }
    let mut files = BTreeMap::new();
    let mut modules = String::new();
    for (package, domain) in &domains {
        if let Some(text) = domain.file(package, &names)? {
            let module = package.strip_prefix("instance-").unwrap_or(package).replace('-', "_");
            let _ = writeln!(modules, "mod {module};");
            files.insert(format!("{METHODS}/{module}.rs"), text);
        }
    }
    let text = format!(
        "//! The methods of the instance that its domains have, one file for each; each delegates to a function.\n//!\n\
         //! `cargo xtask codegen` writes these files.\n\n{modules}"
    );
    files.insert(format!("{METHODS}/mod.rs"), text);
    Ok(files)
}

fn own_crates(workspace: &Workspace) -> String {
    let mut names = String::new();
    for package in workspace.shipped_packages() {
        if !package.name.starts_with(FAMILY) {
            let _ = write!(names, "\"{}\",", package.name.replace('-', "_"));
        }
    }
    format!(
        "//! The crates of this project, but for the family that one beginning names.\n//!\n\
         //! `cargo xtask codegen` writes this file, from the crates that there are.\n\n\
         /// By the names that their log lines have as targets.\n\
         pub(super) const OWN_CRATES: &[&str] = &[{names}];\n"
    )
}

/// Files beside the generated methods that nothing generates any more.
fn left_over(workspace: &Workspace, files: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut left_over = Vec::new();
    let directory = workspace.root.join(METHODS);
    for entry in fs::read_dir(&directory).with_context(|| format!("cannot read {METHODS}"))? {
        let path = format!("{METHODS}/{}", entry?.file_name().to_string_lossy());
        if !files.contains_key(&path) {
            left_over.push(path);
        }
    }
    Ok(left_over)
}

/// The text as `rustfmt` writes it, with the workspace's configuration.
fn formatted(workspace: &Workspace, text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.current_dir(&workspace.root).args(["--edition", "2024", "--emit", "stdout"]);
    rustfmt.arg("--config-path").arg(Path::new(&workspace.root));
    let mut child = rustfmt
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start `rustfmt`")?;
    // It reads all before it writes anything.
    child.stdin.take().context("no pipe to `rustfmt`")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "`rustfmt` failed on:\n{text}");
    Ok(String::from_utf8(output.stdout)?)
}
