//! Reads the arguments, and answers those that cannot be read.
//!
//! Not here: which arguments there are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Error, Parser};
use dagster_instance::tags;

#[cfg(feature = "grpc")]
use crate::args::RunRetry;
use crate::args::{Arguments, BackfillCommand, Command, Exec, RunCommand};
use crate::{OWN_FAILURE, SUCCESS, report, text};

/// The exit code for arguments that cannot be read, for commands whose code is no answer.
pub(crate) const USAGE: u8 = 2;

/// The arguments of this process. If they cannot be read or ask for help, the user is told so, and this returns the
/// exit code.
pub(crate) fn parse(raw: &[OsString]) -> Result<Arguments, ExitCode> {
    Arguments::try_parse_from(raw)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidUtf8 => not_utf8(raw),
            _ => error,
        })
        .and_then(|arguments| check(&arguments).map(|()| arguments))
        .map_err(|error| {
            if error.exit_code() == 0 {
                // Help. Nobody may be reading any more.
                let _ = error.print();
                return ExitCode::from(SUCCESS);
            }
            // It repeats what was given, which may come from a database.
            let shown: Vec<_> = error.render().to_string().lines().map(text::message).collect();
            report::say(&shown.join("\n"));
            ExitCode::from(usage_code(raw))
        })
}

/// Whether the exit code of the command is an answer, as that of `run wait`, or the code of another program, as
/// that of `exec`. It is known even if the arguments cannot be read, since they name a command.
pub(crate) fn answers_by_code(raw: &[OsString]) -> bool {
    let path = path_of(raw);
    matches!(
        path.as_slice(),
        ["exec" | "doctor" | "launch", ..]
            | ["run", "tail" | "wait" | "cancel" | "resume" | "retry", ..]
    )
}

/// How much a command says at least: one that goes on for ever says what it does.
pub(crate) fn least_verbose(raw: &[OsString]) -> u8 {
    u8::from(path_of(raw).as_slice() == ["daemon", "run"])
}

/// The exit code for arguments that cannot be read. Of commands that launch, 125 says that there is no run for another
/// reason.
fn usage_code(raw: &[OsString]) -> u8 {
    let launches = matches!(path_of(raw).as_slice(), ["launch", ..] | ["run", "retry"]);
    if answers_by_code(raw) && !launches { OWN_FAILURE } else { USAGE }
}

/// The words that name the command.
fn path_of(raw: &[OsString]) -> Vec<&str> {
    words(raw).take_while(|word| *word != "--").filter_map(OsStr::to_str).take(2).collect()
}

/// The options that may stand before a command and have a value.
const WITH_VALUE: [&str; 2] = ["--home", "--storage"];

/// The arguments without options, and without the values of those that may stand before a command.
fn words(raw: &[OsString]) -> impl Iterator<Item = &OsStr> {
    let mut arguments = raw.iter().skip(1).map(OsString::as_os_str);
    std::iter::from_fn(move || {
        loop {
            let argument = arguments.next()?;
            if WITH_VALUE.iter().any(|option| argument == *option) {
                arguments.next();
            } else if argument == "--" || !argument.as_encoded_bytes().starts_with(b"-") {
                return Some(argument);
            }
        }
    })
}

/// Names the arguments that are not UTF-8. A directory's name need not be.
fn not_utf8(raw: &[OsString]) -> Error {
    let is_home = |index: usize| index > 0 && raw.get(index - 1).is_some_and(|it| it == "--home");
    let named: Vec<_> = raw
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(index, argument)| argument.to_str().is_none() && !is_home(*index))
        .map(|(_, argument)| text::bytes(argument))
        .collect();
    let reason = format!("not UTF-8: {}; write names and keys in UTF-8", named.join(", "));
    error(&path_of(raw), ErrorKind::InvalidUtf8, reason)
}

/// Refuses arguments that contradict each other.
fn check(arguments: &Arguments) -> Result<(), Error> {
    match &arguments.command {
        Command::Exec(exec) => {
            check_tags(&["exec"], &exec.tags).and_then(|()| check_partition(exec))
        }
        #[cfg(feature = "grpc")]
        Command::Launch(launch) => check_tags(&["launch"], &launch.tags),
        #[cfg(feature = "grpc")]
        Command::Run(RunCommand::Retry(retry)) => {
            check_tags(&["run", "retry"], &retry.tags).and_then(|()| check_server(retry))
        }
        Command::Run(RunCommand::List(list)) => check_tags(&["run", "list"], &list.tags),
        Command::Backfill(BackfillCommand::List(list)) => {
            check_tags(&["backfill", "list"], &list.tags)
        }
        _ => Ok(()),
    }
}

/// A run and a backfill have one value for a key. Of two values, one would be dropped, or nothing would be found.
fn check_tags(path: &[&str], tags: &[(String, String)]) -> Result<(), Error> {
    let mut seen = BTreeMap::new();
    for (key, value) in tags {
        let other = *seen.entry(key).or_insert(value);
        if other != value {
            let reason = format!(
                "--tag has two values for {key:?}, {other:?} and {value:?}: a key has one value"
            );
            return Err(error(path, ErrorKind::ArgumentConflict, reason));
        }
    }
    Ok(())
}

/// The partition is a tag, too.
fn check_partition(exec: &Exec) -> Result<(), Error> {
    let tag = exec.tags.iter().find(|(key, _)| key == tags::PARTITION);
    match (&exec.partition, tag) {
        (Some(partition), Some((key, value))) if partition != value => {
            let reason = format!(
                "--partition {partition:?} contradicts --tag {key}={value}: say the partition once"
            );
            Err(error(&["exec"], ErrorKind::ArgumentConflict, reason))
        }
        _ => Ok(()),
    }
}

/// What is said of a server needs one.
#[cfg(feature = "grpc")]
fn check_server(retry: &RunRetry) -> Result<(), Error> {
    if retry.server.lacks_server() {
        let reason = "--tls and --location-name are of the server that --server or --socket names"
            .to_owned();
        return Err(error(&["run", "retry"], ErrorKind::MissingRequiredArgument, reason));
    }
    Ok(())
}

/// An error with the usage of the command of this path.
fn error(path: &[&str], kind: ErrorKind, reason: String) -> Error {
    let mut command = Arguments::command();
    command.build();
    for name in path {
        let Some(next) = command.find_subcommand(name).cloned() else { break };
        command = next;
    }
    command.error(kind, reason)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::answers_by_code;

    fn check(line: &str, expect: bool) {
        let raw: Vec<_> = line.split(' ').map(OsString::from).collect();
        assert_eq!(answers_by_code(&raw), expect, "{line}");
    }

    #[test]
    fn the_command_is_found_among_options() {
        check("dagster-instance exec", true);
        check("dagster-instance -v --home run exec --bogus", true);
        check("dagster-instance --storage x run tail", true);
        check("dagster-instance run --home=x tail", true);
        check("dagster-instance run wait x --timeout y", true);
        check("dagster-instance run retry", true);
        check("dagster-instance run --home wait list", false);
        check("dagster-instance run list tail", false);
        check("dagster-instance help exec", false);
        check("dagster-instance doctor --schema", true);
        check("dagster-instance info", false);
        check("dagster-instance -- exec", false);
    }
}
