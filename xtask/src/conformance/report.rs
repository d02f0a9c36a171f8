//! What became of the suites: the table, the tests that failed, and the verdict.
//!
//! Not here: how they are run.

use std::time::Duration;

use super::suites::Suite;

/// What became of one suite.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) passed: usize,
    pub(super) skipped: usize,
    /// The ids of the tests that failed.
    pub(super) failed: Vec<String>,
    pub(super) took: Duration,
    /// Why it did not run to its end.
    pub(super) broken: Option<String>,
}

impl Outcome {
    /// Reads what the suites' `conftest.py` writes.
    pub(super) fn parse(text: &str) -> Self {
        let mut outcome = Self::default();
        for (result, id) in text.lines().filter_map(|line| line.split_once('\t')) {
            match result {
                "passed" => outcome.passed += 1,
                "skipped" => outcome.skipped += 1,
                _ => outcome.failed.push(id.to_owned()),
            }
        }
        outcome
    }

    /// In one line.
    pub(super) fn summary(&self) -> String {
        match &self.broken {
            Some(reason) => reason.clone(),
            None => format!(
                "{} passed, {} failed, {} skipped in {:.0} s",
                self.passed,
                self.failed.len(),
                self.skipped,
                self.took.as_secs_f64()
            ),
        }
    }
}

/// One line for each suite.
pub(super) fn table(outcomes: &[(&Suite, Outcome)]) -> String {
    let mut lines = vec![format!(
        "{:<22} {:>6} {:>6} {:>7} {:>6} {:>8}",
        "suite", "passed", "failed", "skipped", "target", "took"
    )];
    lines.extend(outcomes.iter().map(|(suite, outcome)| {
        format!(
            "{:<22} {:>6} {:>6} {:>7} {:>6} {:>6.0} s",
            suite.name,
            outcome.passed,
            outcome.failed.len(),
            outcome.skipped,
            suite.target,
            outcome.took.as_secs_f64()
        )
    }));
    lines.join("\n")
}

/// The tests that failed, and for those that only Dagster can pass, why.
pub(super) fn failures(outcomes: &[(&Suite, Outcome)]) -> String {
    let failed = outcomes
        .iter()
        .flat_map(|(suite, outcome)| outcome.failed.iter().map(move |id| (suite, id)));
    let lines = failed.map(|(suite, id)| match suite.known(id) {
        Some(reason) => format!("known   {id}: {reason}\n"),
        None => format!("FAILED  {id}\n"),
    });
    lines.collect()
}

/// What is wrong, in one sentence for each suite. The target counts only if a suite was run as a whole.
pub(super) fn complaints(outcomes: &[(&Suite, Outcome)], whole: bool) -> Vec<String> {
    let complaints = outcomes.iter().filter_map(|(suite, outcome)| {
        let unknown = outcome.failed.iter().filter(|id| suite.known(id).is_none()).count();
        if let Some(reason) = &outcome.broken {
            Some(format!("{}: {reason}", suite.name))
        } else if unknown > 0 {
            Some(format!("{}: {unknown} test(s) failed", suite.name))
        } else if whole && outcome.passed < suite.target {
            Some(format!("{}: {} passed of {}", suite.name, outcome.passed, suite.target))
        } else {
            None
        }
    });
    complaints.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::suites::SUITES;

    fn check(name: &str, text: &str, whole: bool, expect: &[&str]) {
        let suite = SUITES.iter().find(|suite| suite.name == name).unwrap();
        let outcomes = [(suite, Outcome::parse(text))];
        assert_eq!(complaints(&outcomes, whole), expect, "{text:?}");
    }

    #[test]
    fn a_suite_reaches_its_target_and_fails_no_test_but_the_known() {
        check("pg-cursor", "passed\tf.py::C::test_a\n", true, &[]);
        check("pg-cursor", "skipped\tf.py::C::test_a\n", true, &["pg-cursor: 0 passed of 1"]);
        check("pg-cursor", "skipped\tf.py::C::test_a\n", false, &[]);
        check("pg-cursor", "", true, &["pg-cursor: 0 passed of 1"]);
        let failed = "passed\tf.py::C::test_a\nfailed\tf.py::C::test_b[1-x::y]\n";
        check("pg-cursor", failed, true, &["pg-cursor: 1 test(s) failed"]);
        check("pg-event", "failed\tf.py::C::test_asset_events_error_parsing\n", false, &[]);
    }

    #[test]
    fn a_failure_is_named_and_a_known_one_explained() {
        let suite = SUITES.iter().find(|suite| suite.name == "pg-event").unwrap();
        let text =
            "failed\tC::test_b\nskipped\tC::test_c\nfailed\tC::test_asset_events_error_parsing\n";
        let failures = failures(&[(suite, Outcome::parse(text))]);
        let lines: Vec<&str> = failures.lines().collect();
        assert_eq!(lines[0], "FAILED  C::test_b");
        assert!(lines[1].starts_with("known   C::test_asset_events_error_parsing: it replaces"));
        assert_eq!(lines.len(), 2);
    }
}
