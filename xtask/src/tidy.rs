//! The step `tidy`: the project's own rules, which neither the compiler nor clippy knows.
//!
//! Here: what a finding is, the list of files, and the order of the rules. Each rule is a module. Rules collect all
//! that they find, so that one run shows everything that has to be mended.

mod doc_paths;
mod edges;
mod licences;
mod paths;
mod sources;
mod spans;
mod spdx;
mod sql;

use std::fmt;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// Runs every rule, prints what they found in the order of the files, and fails when there is any.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = files(workspace)?;
    let mut findings = edges::check(workspace)?;
    findings.extend(licences::check(workspace)?);
    let names = files.iter().map(|file| file.path.as_str()).collect();
    for file in &files {
        findings.extend(sources::check(file));
        findings.extend(spans::check(file));
        findings.extend(sql::check(file));
        findings.extend(paths::check(file));
        findings.extend(doc_paths::check(file, &names));
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy has {} finding(s)", findings.len());
    }
    Ok(())
}

/// One place that breaks a rule, printed as `path:line: message`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A file of the repository: its path from the root with forward slashes, and its text.
#[derive(Debug)]
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs")
    }

    /// The crate below `crates/` and the path inside its `src/`, if that is where the file is.
    fn in_crate_src(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("crates/")?.split_once("/src/")
    }
}

/// The files that are committed and those that would be. New files count before `git add`, ignored ones never do.
fn files(workspace: &Workspace) -> Result<Vec<SourceFile>> {
    let mut git = Command::new("git");
    git.current_dir(&workspace.root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed =
        process::output(&mut git).context("tidy asks git which files belong to the project")?;
    let mut files = Vec::new();
    for path in String::from_utf8_lossy(&listed).split_terminator('\0') {
        let absolute = workspace.root.join(path);
        // Git still lists a file that was deleted and not yet committed. The target of a link is listed by itself.
        if !fs::symlink_metadata(&absolute).is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        let bytes = fs::read(&absolute).with_context(|| format!("cannot read {path}"))?;
        files.push(SourceFile {
            path: path.to_owned(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_crate() {
        let file = |path: &str| SourceFile { path: path.to_owned(), text: String::new() };
        assert_eq!(file("crates/a/src/x/y.rs").in_crate_src(), Some(("a", "x/y.rs")));
        assert_eq!(file("crates/a/tests/it/main.rs").in_crate_src(), None);
        assert_eq!(file("xtask/src/main.rs").in_crate_src(), None);
        assert!(file("a/b.rs").is_rust());
        assert!(!file("a/b.rs.snap").is_rust());
    }
}
