//! The step `public-api`: a snapshot holds what each published library offers, so that a change of it is seen and
//! meant.
//!
//! rustdoc writes the interface as JSON. The format is not stable, so we ask the pinned toolchain for it as its own
//! nightly would. The crate `public-api` reads the format of exactly this toolchain. Whoever changes
//! `rust-toolchain.toml` may have to change the version of `public-api`, too.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Package;

use crate::process::{cargo, run as run_command};
use crate::workspace::{SELECTION, Workspace};

/// Where the snapshots are.
const DIRECTORY: &str = "docs/public-api";
/// Set when cargo starts us in the place of rustdoc. Its value is the rustdoc to start.
const AS_RUSTDOC: &str = "DAGSTER_INSTANCE_XTASK_AS_RUSTDOC";
/// Lines of a difference that are shown.
const SHOWN: usize = 40;

/// Compares the interface of each published library with its snapshot. With `bless`, writes the snapshots.
pub(crate) fn run(workspace: &Workspace, bless: bool) -> Result<()> {
    let libraries: Vec<(&Package, String)> = workspace
        .shipped_packages()
        .into_iter()
        .filter_map(|package| Some((package, library(package)?)))
        .collect();
    document(workspace)?;

    let directory = workspace.root.join(DIRECTORY);
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {DIRECTORY}"))?;
    let mut expected = Vec::new();
    let mut changed = Vec::new();
    for (package, library) in &libraries {
        let json = workspace.target.join("doc").join(format!("{library}.json"));
        let now = interface(json)
            .with_context(|| format!("cannot read the interface of `{}`", package.name))?;
        let name = format!("{}.txt", package.name);
        let path = directory.join(&name);
        expected.push(OsString::from(&name));
        let before = fs::read_to_string(&path).unwrap_or_default();
        if before == now {
            continue;
        }
        for line in difference(&before, &now).iter().take(SHOWN) {
            println!("{DIRECTORY}/{name}: {line}");
        }
        if bless {
            fs::write(&path, now).with_context(|| format!("cannot write {DIRECTORY}/{name}"))?;
        }
        changed.push(name);
    }
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        if !expected.contains(&entry.file_name()) {
            if bless {
                fs::remove_file(entry.path())?;
            }
            changed.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    ensure!(
        bless || changed.is_empty(),
        "the public interface is another than in {DIRECTORY}: {}\nif that is meant: cargo xtask public-api --bless",
        changed.join(", ")
    );
    Ok(())
}

/// The name of the library of a package, with underscores.
fn library(package: &Package) -> Option<String> {
    let library = package.targets.iter().find(|target| target.is_lib())?;
    Some(library.name.replace('-', "_"))
}

/// Has rustdoc write the JSON of the libraries, from the same artefacts of dependencies as their HTML.
fn document(workspace: &Workspace) -> Result<()> {
    let mut command = cargo(workspace, "doc");
    command.args(SELECTION).args(["--no-deps", "--lib", "--examples"]);
    // Only rustdoc may see that it is taken for a nightly. Build scripts look at this, too, and everything would be
    // built again.
    let rustdoc = env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    command.env(AS_RUSTDOC, rustdoc).env("RUSTDOC", env::current_exe()?);
    command.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    run_command(&mut command)
}

/// If cargo has started us in the place of rustdoc, starts rustdoc and returns how it ended.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    let rustdoc = env::var_os(AS_RUSTDOC)?;
    let mut command = Command::new(rustdoc);
    command.args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").env_remove(AS_RUSTDOC);
    let succeeded = match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot start {}: {error}", command.get_program().display());
            false
        }
    };
    Some(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line for each public item. What every type has (blanket and automatic implementations) is left out.
fn interface(json: PathBuf) -> Result<String> {
    let interface = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()?;
    let items: Vec<String> = interface.items().map(ToString::to_string).collect();
    let mut text = String::new();
    for item in without_methods_of_traits(&items) {
        text.push_str(item);
        text.push('\n');
    }
    Ok(text)
}

/// If a type implements a trait, it has the trait's methods.
fn without_methods_of_traits(items: &[String]) -> impl Iterator<Item = &String> {
    let mut of_trait: Option<&str> = None;
    items.iter().filter(move |item| {
        if item.starts_with("impl") {
            of_trait = item.split_once(" for ").map(|(_, implementor)| implementor);
            return true;
        }
        let Some((_, path)) = item.split_once("fn ") else { return true };
        let method = |implementor: &str| {
            path.strip_prefix(implementor).is_some_and(|rest| rest.starts_with("::"))
        };
        !of_trait.is_some_and(method)
    })
}

/// The lines that went, and those that came.
fn difference(before: &str, now: &str) -> Vec<String> {
    let went = before.lines().filter(|line| !now.lines().any(|other| other == *line));
    let came = now.lines().filter(|line| !before.lines().any(|other| other == *line));
    went.map(|line| format!("- {line}")).chain(came.map(|line| format!("+ {line}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_traits_go_without_saying() {
        let items = [
            "pub struct a::B<T>",
            "impl<T> a::B<T>",
            "pub fn a::B<T>::new() -> Self",
            "impl<T> core::clone::Clone for a::B<T>",
            "pub fn a::B<T>::clone(&self) -> a::B<T>",
            "impl core::iter::Iterator for a::B<u8>",
            "pub type a::B<u8>::Item = u8",
            "pub fn a::free()",
        ]
        .map(str::to_owned);
        let kept: Vec<_> = without_methods_of_traits(&items).collect();
        assert_eq!(kept.len(), items.len() - 1);
        assert!(!kept.contains(&&items[4]));
    }

    #[test]
    fn the_difference_is_what_went_and_what_came() {
        let found =
            difference("pub fn a::b()\npub fn a::c()\n", "pub fn a::c()\npub fn a::d(u8)\n");
        assert_eq!(found, ["- pub fn a::b()", "+ pub fn a::d(u8)"]);
        assert!(difference("a\n", "a\n").is_empty());
    }
}
