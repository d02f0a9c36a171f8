//! The names of Jobs, and the labels that say whose they are.

use instance_core::error::BoxError;
use instance_core::ids::RunId;
use serde_json::{Map, Value};

/// The release of Dagster whose Jobs these are.
const DAGSTER_VERSION: &str = "1.13.27";

/// The most characters of the name of a Job and of the value of a label.
const LONGEST: usize = 63;

/// The name of the Job that executes a run: of its first worker, or of that of an attempt to resume it, which count from 1.
///
/// # Errors
///
/// The run's id makes no name of a Job.
pub(super) fn job_name(run_id: &RunId, attempt: usize) -> Result<String, BoxError> {
    let mut name = format!("dagster-run-{run_id}");
    if attempt > 0 {
        name = format!("{name}-{attempt}");
    }
    if name.len() > LONGEST {
        return Err(format!(
            "the Job of run {run_id} would have a name of {} characters, and Kubernetes takes {LONGEST}; give the run \
             an id that is a UUID",
            name.len()
        )
        .into());
    }
    is_name(&name).then_some(name).ok_or_else(|| {
        format!(
            "run {run_id}: its id has characters that the name of a Job cannot have; give it a UUID"
        )
        .into()
    })
}

/// Whether the API server takes a text for the name of a Job or of a namespace. Nothing else may come into its URLs.
pub(super) fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (first, last) = (text.bytes().next(), text.bytes().last());
    first.is_some_and(is_inner)
        && last.is_some_and(is_inner)
        && text.bytes().all(|byte| is_inner(byte) || matches!(byte, b'-' | b'.'))
}

/// The value of a label that says a text as far as a label can: at most 63 characters of ASCII, whose first and last are
/// letters or digits.
///
/// Dagster takes `-`, `_` and `.` off the ends once each, in this order, and so may leave one that the API server refuses.
pub(super) fn label_value(text: &str) -> String {
    let fitting = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let value: String = text.chars().take(LONGEST).map(fitting).collect();
    value.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

/// The labels of a Job and its pods that Dagster gives them.
pub(super) fn labels(of_run: &[(&str, &str)]) -> Map<String, Value> {
    let common = [
        ("app.kubernetes.io/name", "dagster"),
        ("app.kubernetes.io/instance", "dagster"),
        ("app.kubernetes.io/version", DAGSTER_VERSION),
        ("app.kubernetes.io/part-of", "dagster"),
        ("app.kubernetes.io/component", "run_worker"),
    ];
    let of_run = of_run.iter().map(|(key, value)| ((*key).to_owned(), label_value(value).into()));
    common.map(|(key, value)| (key.to_owned(), value.into())).into_iter().chain(of_run).collect()
}

#[cfg(test)]
mod tests {
    use instance_core::ids::RunId;

    use super::{is_name, job_name, label_value};

    #[test]
    fn the_name_of_a_job_says_the_run_and_the_attempt() {
        let run_id = RunId::from("0a1b2c3d-4e5f-6789-abcd-ef0123456789");
        let name = |attempt| job_name(&run_id, attempt).expect("a name");
        assert_eq!(name(0), "dagster-run-0a1b2c3d-4e5f-6789-abcd-ef0123456789");
        assert_eq!(name(12), "dagster-run-0a1b2c3d-4e5f-6789-abcd-ef0123456789-12");
    }

    #[test]
    fn an_id_that_makes_no_name_is_refused() {
        for (run_id, said) in [
            (&*"r".repeat(60), "a name of 72 characters"),
            ("a/../b", "characters"),
            ("Upper", "characters"),
            ("ends-", "characters"),
        ] {
            let error = job_name(&RunId::from(run_id), 0).expect_err(run_id).to_string();
            assert!(error.contains(said), "{error}");
        }
        // With the suffix it would be too long.
        assert!(job_name(&RunId::from(&*"r".repeat(51)), 0).is_ok());
        assert!(job_name(&RunId::from(&*"r".repeat(51)), 1).is_err());
    }

    #[test]
    fn names_are_what_may_be_in_a_url() {
        for name in ["a", "ns-2", "a.b", "0"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "A", "a b", "a/b", "a?b", "ä", "a_b"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_label_begins_and_ends_with_a_letter_or_a_digit() {
        for (text, expect) in [
            ("jobn", "jobn"),
            ("my loc!", "my-loc"),
            ("__a b/c.é-_", "a-b-c"),
            ("-_.-", ""),
            ("", ""),
            ("ü", ""),
            ("1.13.27", "1.13.27"),
        ] {
            assert_eq!(label_value(text), expect, "{text}");
        }
        assert_eq!(label_value(&"j".repeat(70)).len(), 63);
        assert_eq!(label_value(&format!("-_.{}", "l".repeat(70))).len(), 60);
    }
}
