//! Commands as runs: how a run's configuration names the command that the run executes.

use serde_json::json;

use crate::error::InstanceError;
use crate::run::DagsterRun;
use crate::serdes::Opaque;

/// The name of the op, and so of the step, that executes the command.
pub const COMMAND_OP: &str = "command";

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    argv: Vec<String>,
}

impl CommandSpec {
    /// A command and its arguments; the first is the program.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if there is no program, or if its name is empty.
    pub fn new(argv: Vec<String>) -> Result<Self, InstanceError> {
        if argv.first().is_none_or(String::is_empty) {
            return Err(InstanceError::Invalid {
                what: "command",
                value: argv.join(" "),
                reason: "it is empty; name a program, such as `-- sh -c 'echo hello'`".to_owned(),
            });
        }
        Ok(Self { argv })
    }

    /// The program.
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    /// The arguments behind the program.
    pub fn arguments(&self) -> &[String] {
        self.argv.get(1..).unwrap_or_default()
    }

    /// The configuration of a run that executes the command, which Dagster shows on the run's page.
    pub fn to_run_config(&self) -> Opaque {
        Opaque::from(&json!({ "ops": { COMMAND_OP: { "config": { "argv": self.argv } } } }))
    }

    /// The command that a run's configuration names.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if the configuration names no command.
    pub fn from_run(run: &DagsterRun) -> Result<Self, InstanceError> {
        let config = run.run_config.to_json().ok();
        let argv = config
            .as_ref()
            .and_then(|config| config.pointer(&format!("/ops/{COMMAND_OP}/config/argv")))
            .and_then(serde_json::Value::as_array)
            .and_then(|argv| {
                argv.iter().map(|part| part.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            });
        match argv {
            Some(argv) => Self::new(argv),
            None => Err(InstanceError::Invalid {
                what: "configuration of run",
                value: run.run_id.to_string(),
                reason: format!(
                    "it names no command: ops.{COMMAND_OP}.config.argv has to be a list of strings"
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CommandSpec;
    use crate::ids::RunId;
    use crate::run::DagsterRun;

    #[test]
    fn a_run_carries_its_command() -> Result<(), crate::error::InstanceError> {
        let command =
            CommandSpec::new(vec!["sh".to_owned(), "-c".to_owned(), "écho \"hi\"".to_owned()])?;
        let mut run = DagsterRun::new(RunId::from("r"), "j");
        assert!(CommandSpec::from_run(&run).is_err());
        run.run_config = command.to_run_config();
        assert_eq!(CommandSpec::from_run(&run)?, command);
        assert!(CommandSpec::new(vec![]).is_err());
        Ok(())
    }
}
