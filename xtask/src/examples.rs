//! The step `examples`: the example programs of the published crates run to their end without a fault. Of our
//! crates, each example uses only the one that it belongs to.
//!
//! Whoever adds `crates/CRATE/examples/NAME.rs` need not add it anywhere else.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{Package, TargetKind};

use crate::process::{cargo, run as run_command};
use crate::roles::{self, Role};
use crate::workspace::{SELECTION, Workspace};

/// People read an example and try it out. Nobody waits longer for one.
const LONGEST: Duration = Duration::from_secs(30);
/// How often it is looked whether an example has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// Builds and runs the example of this name, or all.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>) -> Result<()> {
    let packages = workspace.shipped_packages();
    let mut examples = Vec::new();
    for package in &packages {
        for target in &package.targets {
            if target.kind.contains(&TargetKind::Example)
                && name.is_none_or(|name| name == target.name)
            {
                let text = fs::read_to_string(&target.src_path)?;
                let strangers = strangers(&text, &allowed(&packages, package)?, &ours(&packages));
                ensure!(
                    strangers.is_empty(),
                    "the example {} uses {} beside `{}`, of which it is an example",
                    target.name,
                    strangers.join(", "),
                    package.name
                );
                examples.push((*package, target.name.as_str()));
            }
        }
    }
    ensure!(!examples.is_empty(), "there is no such example below crates/*/examples/");

    run_command(cargo(workspace, "build").args(SELECTION).arg("--examples"))?;
    for (package, example) in examples {
        let program =
            workspace.target.join("debug/examples").join(format!("{example}{EXE_SUFFIX}"));
        println!("{}: {example}", package.name);
        // Whatever it writes goes to a directory that is removed.
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command.current_dir(directory.path()).env("DAGSTER_HOME", directory.path());
        ended(&mut command)
            .with_context(|| format!("the example {example} of {}", package.name))?;
    }
    Ok(())
}

/// Waits for the end of a program. If the program fails, shows what it wrote.
fn ended(command: &mut Command) -> Result<()> {
    let log = tempfile::NamedTempFile::new()?;
    let file = log.reopen()?;
    let mut child = command.stdin(Stdio::null()).stderr(file.try_clone()?).stdout(file).spawn()?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if start.elapsed() > LONGEST => break None,
            None => std::thread::sleep(PAUSE),
        }
    };
    let written = fs::read_to_string(log.path()).unwrap_or_default();
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("it failed ({status}) and wrote:\n{written}"),
        None => {
            child.kill()?;
            child.wait()?;
            bail!("it has not ended after {} s and wrote:\n{written}", LONGEST.as_secs())
        }
    }
}

/// The libraries that examples of a package may name: the package's own; for a binary, the facade's.
fn allowed(packages: &[&Package], package: &Package) -> Result<BTreeSet<String>> {
    let mut allowed = BTreeSet::from([underscored(package)]);
    if roles::role(package)? == Role::Binary {
        for other in packages {
            if roles::role(other)? == Role::Facade {
                allowed.insert(underscored(other));
            }
        }
    }
    // A domain is of no use without the types and stores of the core, so its examples take them from there.
    if roles::role(package)? == Role::Domain {
        for other in packages {
            if roles::role(other)? == Role::Core {
                allowed.insert(underscored(other));
            }
        }
    }
    if let Role::BeneathCore { uses } = roles::role(package)? {
        allowed.extend(uses.iter().map(|name| name.replace('-', "_")));
    }
    Ok(allowed)
}

fn ours(packages: &[&Package]) -> BTreeSet<String> {
    packages.iter().map(|package| underscored(package)).collect()
}

fn underscored(package: &Package) -> String {
    package.name.replace('-', "_")
}

/// Crates of ours that a text names and that are not among the allowed ones.
fn strangers(text: &str, allowed: &BTreeSet<String>, ours: &BTreeSet<String>) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let named: BTreeSet<&str> = words.filter(|word| ours.contains(*word)).collect();
    named.into_iter().filter(|word| !allowed.contains(*word)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_names_only_its_own_crate() {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let ours = set(&["dagster_instance", "instance_core", "instance_runs"]);
        let text = "use instance_runs::create_run;\nlet my_instance_core_of = tokio::spawn();";
        assert_eq!(strangers(text, &set(&["instance_runs"]), &ours), Vec::<String>::new());
        assert_eq!(strangers(text, &set(&["dagster_instance"]), &ours), ["instance_runs"]);
    }
}
