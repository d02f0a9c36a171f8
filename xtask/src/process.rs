//! Starts other programs: one place for the working directory, the environment and the message on failure.
//!
//! Not here: which programs a step starts, and with which arguments.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// A cargo command in the workspace's root.
pub(crate) fn cargo(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&workspace.root).arg(subcommand);
    // `cargo run` describes xtask to us in these variables. Build scripts that watch them (ring's does) would see a
    // change, and would build again whenever the same step is run once through xtask and once by hand.
    for (name, _) in env::vars_os() {
        if describes_the_running_package(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_the_running_package(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(&*name, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
}

/// Shows the command, runs it on our own terminal, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs the command silently and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = shown(command);
    let output = command.output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

/// The command as one would type it, with the variables that we set for it.
fn shown(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables = set.map(|(name, value)| format!("{}={}", name.display(), quoted(value)));
    // Cargo gives us its own full path. The reader types `cargo`.
    let program = std::path::Path::new(command.get_program());
    let program = if program.file_stem() == Some(OsStr::new("cargo")) {
        OsStr::new("cargo")
    } else {
        program.as_os_str()
    };
    let words = std::iter::once(program).chain(command.get_args()).map(quoted);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// The word as a shell reads it.
pub(crate) fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.is_empty()
        || word.contains(|c: char| c.is_whitespace() || "'\"$`\\;&|<>()*?".contains(c))
    {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        word.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/toolchains/some/bin/cargo");
        command
            .args(["doc", "it's one"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .env_remove("CARGO_PKG_NAME");
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s one'");
    }

    #[test]
    fn what_describes_xtask_is_told_from_what_configures_cargo() {
        let ours = ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_BIN_NAME"];
        assert!(ours.iter().all(|name| describes_the_running_package(OsStr::new(name))));
        let others =
            ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "CARGO_NET_OFFLINE"];
        assert!(!others.iter().any(|name| describes_the_running_package(OsStr::new(name))));
    }
}
