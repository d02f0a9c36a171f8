//! Whose lines are captured: the loggers that `python_logs` names, as targets of `tracing`.
//!
//! Not here: from which level on.

/// The target of Dagster's own logger, whose lines are always captured.
const DAGSTER: &str = "dagster";

/// The name of the logger above all others.
const ROOT: &str = "root";

/// Whose lines are captured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Loggers {
    /// Everybody's.
    #[default]
    All,
    /// Those of these loggers and of the loggers below them.
    These(Vec<String>),
}

impl Loggers {
    /// The loggers of these names; without a name, all. `root` is all, too.
    pub(super) fn named(names: &[String]) -> Self {
        if names.is_empty() || names.iter().any(|name| name == ROOT) {
            return Self::All;
        }
        Self::These(names.to_vec())
    }

    /// Whether lines with this target are captured.
    pub(super) fn take(&self, target: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names
                .iter()
                .map(String::as_str)
                .chain([DAGSTER])
                .any(|name| is_within(target, name)),
        }
    }
}

/// Whether a target is that of a logger, or of one below it.
fn is_within(target: &str, logger: &str) -> bool {
    let mut parts = parts(target);
    self::parts(logger).all(|part| parts.next() == Some(part))
}

/// The parts of a name: Python separates them by dots, and Rust by two colons.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split("::").flat_map(|part| part.split('.'))
}

#[cfg(test)]
mod tests {
    use super::Loggers;

    fn check(names: &[&str], taken: &[&str], left: &[&str]) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let loggers = Loggers::named(&names);
        for target in taken {
            assert!(loggers.take(target), "{names:?} {target}");
        }
        for target in left {
            assert!(!loggers.take(target), "{names:?} {target}");
        }
    }

    #[test]
    fn a_logger_has_its_lines_and_those_of_loggers_below() {
        check(&[], &["a", "b::c", ""], &[]);
        check(&["x", "root"], &["a", "b::c"], &[]);
        check(&["etl"], &["etl", "etl::load", "etl.load"], &["etl2", "et", "a::etl", ""]);
        check(
            &["etl.load", "io::net"],
            &["etl::load", "etl.load::rows", "io.net"],
            &["etl", "etl::loader", "io", "io::files"],
        );
        check(&["etl"], &["dagster", "dagster::builtin", "dagster.builtin"], &["dagsters"]);
    }
}
