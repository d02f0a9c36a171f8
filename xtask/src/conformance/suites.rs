//! Which suites there are, what each has to reach, and which tests only Dagster itself can pass.
//!
//! Not here: how a suite is run and judged.

/// A class of Dagster's own tests on one storage of ours.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// Its file and class below `tests/conformance/contract`.
    pub(super) tests: &'static str,
    /// How many of its tests pass in a process that is not Python.
    pub(super) target: usize,
    /// Whether it needs a database, which it wipes.
    pub(super) postgres: bool,
}

const fn suite(name: &'static str, tests: &'static str, target: usize) -> Suite {
    Suite { name, tests, target, postgres: false }
}

const fn postgres(name: &'static str, tests: &'static str, target: usize) -> Suite {
    Suite { name, tests, target, postgres: true }
}

/// Those that take longest come first, as two run at a time.
pub(super) const SUITES: &[Suite] = &[
    suite("event-sqlite", "test_event.py::TestShimSqliteEvent", 138),
    postgres("pg-event", "test_postgres.py::TestShimPgEvent", 143),
    suite("event-consolidated", "test_event.py::TestShimConsolidatedEvent", 140),
    postgres("pg-run", "test_postgres.py::TestShimPgRun", 53),
    suite("event-memory", "test_event.py::TestShimMemoryEvent", 126),
    suite("partition-cache", "test_partition_cache.py::TestShimPartitionStatusCache", 15),
    suite("run-sqlite", "test_run.py::TestShimSqliteRun", 53),
    postgres("pg-schedule", "test_postgres.py::TestShimPgSchedule", 37),
    suite("event-sqlite-specific", "test_event.py::TestShimSqliteSpecific", 3),
    suite("run-memory", "test_run.py::TestShimMemoryRun", 42),
    suite("schedule-sqlite", "test_schedule.py::TestShimSqliteSchedule", 37),
    suite("cursor", "test_cursor.py::TestShimCursor", 2),
    postgres("pg-cursor", "test_postgres.py::TestShimPgCursor", 1),
];

/// A test that is about Python's own parts.
struct Known {
    test: &'static str,
    /// The one suite in which it fails; by default, every suite that has it.
    suite: Option<&'static str>,
    reason: &'static str,
}

const NO_DATABASE: &str = "it looks into the tables through SQLAlchemy";

const KNOWN: &[Known] = &[
    Known {
        test: "test_asset_events_error_parsing",
        suite: None,
        reason: "it replaces a function of Dagster's own storage, within the process",
    },
    Known { test: "test_asset_secondary_index", suite: Some("event-memory"), reason: NO_DATABASE },
    Known { test: "test_basic_event_store", suite: Some("event-memory"), reason: NO_DATABASE },
    Known {
        test: "test_secondary_index_asset_keys",
        suite: Some("event-memory"),
        reason: NO_DATABASE,
    },
    Known { test: "test_transaction", suite: Some("event-memory"), reason: NO_DATABASE },
];

impl Suite {
    /// Why a test of this suite, named by its id, may fail.
    pub(super) fn known(&self, id: &str) -> Option<&'static str> {
        let test = id.rsplit("::").next()?;
        let known = KNOWN
            .iter()
            .find(|known| known.test == test && known.suite.is_none_or(|suite| suite == self.name));
        Some(known?.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_test_is_known_in_its_suite_alone() {
        let of = |name| SUITES.iter().find(|suite| suite.name == name).unwrap();
        let id = "test_event.py::TestShimMemoryEvent::test_transaction";
        assert!(of("event-memory").known(id).is_some());
        assert!(of("event-sqlite").known(id).is_none());
        let id = "test_postgres.py::TestShimPgEvent::test_asset_events_error_parsing";
        assert!(of("pg-event").known(id).is_some());
    }
}
