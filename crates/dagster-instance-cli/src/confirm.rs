//! Asking whether something that destroys is to be done.

use std::io::{BufRead, IsTerminal};

use crate::args::Consent;
use crate::{Result, report, text};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is.
    Do,
    /// Nothing: the user only wants to know what would be.
    DryRun,
    /// Nothing: the user has said no.
    Nothing,
}

/// Finds out whether to do it. Whoever is asked sees the plan, which says how much there is, and the question.
///
/// # Errors
///
/// Nobody can be asked, as standard input is no terminal, and the arguments do not say it.
pub(crate) fn decide(consent: &Consent, plan: &[String], question: &str) -> Result<Decision> {
    let stdin = std::io::stdin();
    if consent.dry_run {
        return Ok(Decision::DryRun);
    }
    if consent.yes {
        return Ok(Decision::Do);
    }
    for line in plan {
        report::say(&text::lines(line));
    }
    if !stdin.is_terminal() {
        return Err(format!("{UNASKED}, and --dry-run says what would be done").into());
    }
    ask(&mut stdin.lock(), question)
}

/// Why nothing is done.
const UNASKED: &str = "nothing was changed: nobody can be asked, as standard input is no terminal; --yes does it without asking";

/// Asks whether to do what was said before.
///
/// # Errors
///
/// Nobody can be asked, as standard input is no terminal.
pub(crate) fn confirm(question: &str) -> Result<Decision> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(UNASKED.into());
    }
    ask(&mut stdin.lock(), question)
}

fn ask(answers: &mut impl BufRead, question: &str) -> Result<Decision> {
    report::say(&text::lines(&format!("{question} Type yes or no:")));
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    let is_yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !is_yes {
        report::say("Nothing was changed.");
    }
    Ok(if is_yes { Decision::Do } else { Decision::Nothing })
}

#[cfg(test)]
mod tests {
    use super::{Decision, ask};

    #[test]
    fn only_yes_is_yes() {
        for (answer, expect) in [
            ("yes\n", Decision::Do),
            (" Y \n", Decision::Do),
            ("\n", Decision::Nothing),
            ("", Decision::Nothing),
            ("no\n", Decision::Nothing),
            ("yesterday\n", Decision::Nothing),
        ] {
            assert_eq!(ask(&mut answer.as_bytes(), "Wipe it?").unwrap(), expect, "{answer:?}");
        }
    }
}
