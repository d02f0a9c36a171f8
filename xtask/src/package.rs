//! The step `package`: every published crate can be packaged, and its package has what a user of it needs.
//!
//! Cargo makes the packages, and so checks that each dependency has a version. This step checks the rest: the
//! fields and files that the page of a registry shows, and that no source file reads a file outside of its package.
//!
//! Not here: building the packages, since the other steps build what they hold.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;

use crate::process::{cargo, run as run_command};
use crate::workspace::Workspace;

/// Files that every package has.
const FILES: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// Macros that read a file while the crate is built.
const INCLUDES: [&str; 3] = ["include_str!(\"", "include_bytes!(\"", "include!(\""];

/// Checks every package below `crates/`, and that no other would be published.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut faults = Vec::new();
    for package in workspace.packages() {
        let shipped = workspace.relative_manifest(package).starts_with("crates/");
        let published = package.publish.as_ref().is_none_or(|registries| !registries.is_empty());
        if published != shipped {
            let mend = if shipped { "would not" } else { "would, and needs `publish = false`" };
            faults.push(format!("`{}`: cargo {mend} publish it", package.name));
        }
        if shipped {
            faults.extend(faults_of(package)?);
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    ensure!(faults.is_empty(), "{} fault(s) in packages", faults.len());

    let mut command = cargo(workspace, "package");
    // What is not committed is packaged, too: the gate runs before the commit.
    command.args(["--workspace", "--no-verify", "--allow-dirty", "--quiet"]);
    for package in workspace.packages() {
        if !workspace.relative_manifest(package).starts_with("crates/") {
            command.args(["--exclude", package.name.as_str()]);
        }
    }
    run_command(&mut command)
}

fn faults_of(package: &Package) -> Result<Vec<String>> {
    let name = &package.name;
    let directory = package.manifest_path.parent().context("a manifest is in a directory")?;
    let mut faults = Vec::new();
    for (field, said) in [
        ("description", package.description.is_some()),
        ("license", package.license.is_some()),
        ("keywords", !package.keywords.is_empty()),
        ("categories", !package.categories.is_empty()),
    ] {
        if !said {
            faults.push(format!("`{name}`: its Cargo.toml has no `{field}`"));
        }
    }
    for file in FILES {
        // Through links, too: cargo packages what they lead to.
        if !directory.join(file).is_file() {
            faults.push(format!("`{name}`: there is no {file} in its directory"));
        }
    }
    for folder in ["src", "tests", "examples"] {
        for file in rust_files(directory.join(folder).as_std_path())? {
            let text = fs::read_to_string(&file)?;
            let inside = file.strip_prefix(directory).unwrap_or(&file);
            for path in outside(inside, &text) {
                faults.push(format!(
                    "`{name}`: {} includes {path}, which its package does not have",
                    inside.display()
                ));
            }
        }
    }
    Ok(faults)
}

fn rust_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !directory.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The included files that are outside of the package; `file` is the path of the text inside of it.
fn outside<'a>(file: &Path, text: &'a str) -> Vec<&'a str> {
    let paths = INCLUDES.iter().flat_map(|include| {
        text.split(include).skip(1).filter_map(|after| Some(after.split_once('"')?.0))
    });
    paths.filter(|path| leaves(file, Path::new(path))).collect()
}

/// Whether a path leads out of the directory in which the path of its file begins.
fn leaves(file: &Path, path: &Path) -> bool {
    let mut depth = file.components().count() - 1;
    for component in path.components() {
        match component {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, path: &str, expect: bool) {
        let text = format!("#![doc = include_str!(\"{path}\")]");
        let found = outside(Path::new(file), &text);
        assert_eq!(found, if expect { vec![path] } else { vec![] }, "{path} in {file}");
    }

    #[test]
    fn what_is_included_is_in_the_package() {
        check("src/lib.rs", "../README.md", false);
        check("src/lib.rs", "../../../README.md", true);
        check("src/a/b.rs", "../../README.md", false);
        check("src/a/b.rs", "../../../README.md", true);
        check("src/lib.rs", "a/../../x.sql", false);
        check("src/lib.rs", "/etc/hosts", true);
        check("src/lib.rs", "x.sql", false);
    }
}
