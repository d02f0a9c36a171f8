//! The databases of old releases of Dagster: made by running these releases, committed in `tests/fixtures/old/`,
//! unpacked for tests, and given back to these releases after we have stored a run.
//!
//! Not here: what is in them and how they are written (`tests/python/old_releases/`). The databases in Dagster's source
//! distribution are others (`corpus --old`).

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::process::run as run_command;
use crate::scratch::Scratch;
use crate::workspace::Workspace;
use crate::{cached, compat, postgres, python_env};

/// The scripts.
const SCRIPTS: &str = "tests/python/old_releases";
/// What makes a database.
const MAKERS: [&str; 3] = ["make.py", "write.py", "definitions.py"];
/// Where the databases are committed: a directory for each release.
const FIXTURES: &str = "tests/fixtures/old";
/// What is committed of each release.
const FILES: [&str; 3] = ["contents.json", "home.tar.xz", "postgres.sql.xz"];

/// Which databases, and what is done with them.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct OldDatabases {
    /// Which release, such as 1.5; all unless said
    release: Option<String>,
    /// Make them by running the releases, and compare what they have with what is committed
    #[arg(long)]
    make: bool,
    /// Make them, and commit these
    #[arg(long)]
    bless: bool,
    /// Store a run of ours in each, and have the release that made it read the run
    #[arg(long, conflicts_with_all = ["make", "bless"])]
    read_back: bool,
    /// Launch runs of the code server of each release by our program
    #[arg(long, conflicts_with_all = ["make", "bless", "read_back"])]
    launch: bool,
}

/// Unpacks the databases, or makes them.
pub(crate) fn run(workspace: &Workspace, databases: &OldDatabases) -> Result<()> {
    let OldDatabases { make, bless, read_back: reads_back, launch: launches, .. } = databases;
    if !(*make || *bless || *reads_back || *launches) {
        println!("{}", unpacked(workspace)?.display());
        return Ok(());
    }
    let known = releases(workspace)?;
    let is_chosen =
        |name: &&String| databases.release.as_ref().is_none_or(|chosen| chosen == *name);
    let chosen: Vec<&String> = known.iter().filter(is_chosen).collect();
    ensure!(!chosen.is_empty(), "there is no such release; there are: {}", known.join(", "));
    for release in chosen {
        let start = Instant::now();
        if *reads_back || *launches {
            if *reads_back {
                read_back(workspace, release)?;
            } else {
                launch(workspace, release)?;
            }
            println!("{release}: {:.0} s", start.elapsed().as_secs_f64());
            continue;
        }
        let made = made(workspace, release)?;
        let committed = workspace.root.join(FIXTURES).join(release);
        if *bless {
            fs::create_dir_all(&committed)
                .with_context(|| format!("cannot create {}", committed.display()))?;
            for name in FILES {
                fs::copy(made.join(name), committed.join(name))
                    .with_context(|| format!("cannot copy {name} of {release}"))?;
            }
        } else {
            let mut compare = script(workspace, "compare.py")?;
            let files = [&committed, &made].map(|directory| directory.join("contents.json"));
            run_command(compare.args(files)).with_context(|| {
                format!("Dagster {release} leaves other databases than those in {FIXTURES}")
            })?;
        }
        println!("{release}: {:.0} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Has a release read a run that we have stored in copies of its databases.
fn read_back(workspace: &Workspace, release: &str) -> Result<()> {
    let environment = python_env::old_release(workspace, release)?;
    let binary = compat::binary(workspace, compat::RELEASE)?;
    let postgres = postgres::ensure(workspace, postgres::Place::Memory)?;
    let scratch = Scratch::new()?;
    let mut read = script(workspace, "read_back.py")?;
    read.arg("--environment").arg(environment).arg("--binary").arg(binary);
    read.args(["--postgres", postgres.url()]).arg(unpacked(workspace)?.join(release));
    scratch.of(&mut read);
    run_command(&mut read).with_context(|| format!("Dagster {release} cannot read our run"))
}

/// Launches runs of the code server of a release, into a copy of its databases.
fn launch(workspace: &Workspace, release: &str) -> Result<()> {
    let environment = python_env::old_release(workspace, release)?;
    let binary = compat::binary(workspace, compat::RELEASE)?;
    let scratch = Scratch::new()?;
    let mut launch = script(workspace, "launch.py")?;
    launch.arg("--environment").arg(environment).arg("--binary").arg(binary);
    launch.arg(unpacked(workspace)?.join(release));
    scratch.of(&mut launch);
    run_command(&mut launch).with_context(|| format!("no runs of Dagster {release} are launched"))
}

/// Has the oldest release read our run. It knows the fewest classes of what is stored.
pub(crate) fn read_back_by_oldest(workspace: &Workspace) -> Result<()> {
    let oldest = releases(workspace)?.into_iter().next().context("there are old releases")?;
    read_back(workspace, &oldest)
}

/// Returns the directory in which each release has its directory, with `home/`, `postgres.sql` and `contents.json`.
/// Nobody writes into it.
pub(crate) fn unpacked(workspace: &Workspace) -> Result<PathBuf> {
    let fixtures = workspace.root.join(FIXTURES);
    let mut hash = DefaultHasher::new();
    for release in releases(workspace)? {
        for name in FILES {
            let path = fixtures.join(&release).join(name);
            let bytes = fs::read(&path).with_context(|| {
                format!(
                    "cannot read {}; `cargo xtask old-databases --bless {release}` makes it",
                    path.display()
                )
            })?;
            bytes.hash(&mut hash);
        }
    }
    cached::directory(workspace, "old-databases", &hash.finish().to_string(), |directory| {
        let mut unpack = script(workspace, "unpack.py")?;
        run_command(unpack.arg(&fixtures).arg(directory))
    })
}

/// Returns the directory of what a release left. It is made once, and again when the scripts or what is installed for
/// the release change.
fn made(workspace: &Workspace, release: &str) -> Result<PathBuf> {
    let mut stamp = read(workspace, Path::new(&python_env::old_requirements(release)))?;
    for name in MAKERS {
        stamp += &read(workspace, &Path::new(SCRIPTS).join(name))?;
    }
    cached::directory(workspace, &format!("old/{release}"), &stamp, |directory| {
        let environment = python_env::old_release(workspace, release)?;
        let postgres = postgres::ensure(workspace, postgres::Place::Memory)?;
        let scratch = Scratch::new()?;
        let mut make = script(workspace, "make.py")?;
        make.arg("--environment").arg(environment).args(["--postgres", postgres.url()]);
        make.arg("--pg-dump").arg(postgres::pg_dump(workspace)?).arg(directory);
        scratch.of(&mut make);
        run_command(&mut make)
    })
}

/// The old releases, the oldest first: those for which there are requirements.
fn releases(workspace: &Workspace) -> Result<Vec<String>> {
    let directory = workspace.root.join(SCRIPTS);
    let entries = fs::read_dir(&directory)
        .with_context(|| format!("cannot read {}", directory.display()))?
        .filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<String> = names.filter_map(|name| release_of(&name)).collect();
    found.sort_by_key(|release| numbers(release));
    Ok(found)
}

/// The release of a file of requirements.
fn release_of(name: &str) -> Option<String> {
    let release = name.strip_prefix("requirements-")?.strip_suffix(".txt")?;
    Some(release.to_owned())
}

fn numbers(release: &str) -> Vec<u32> {
    release.split('.').filter_map(|number| number.parse().ok()).collect()
}

fn script(workspace: &Workspace, name: &str) -> Result<Command> {
    crate::scripts::script(workspace, &format!("old_releases/{name}"))
}

fn read(workspace: &Workspace, path: &Path) -> Result<String> {
    fs::read_to_string(workspace.root.join(path))
        .with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_comes_before_one_with_a_higher_number() {
        let names = ["requirements-1.10.txt", "requirements-1.9.txt", "make.py"];
        let mut found: Vec<_> = names.into_iter().filter_map(release_of).collect();
        found.sort_by_key(|release| numbers(release));
        assert_eq!(found, ["1.9", "1.10"]);
    }
}
