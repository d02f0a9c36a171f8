//! Which suites there are, what each has to reach, and which tests only Dagster itself can pass.
//!
//! Not here: how a suite is run and judged.

/// Tests of Dagster's on storages of ours.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(super) tests: Tests,
    /// How many of its tests pass in a process that is not Python.
    pub(super) target: usize,
    /// Whether it needs a database, which it wipes.
    pub(super) postgres: bool,
    /// Whether it runs only if it is named.
    pub(super) long: bool,
}

/// Which tests a suite has.
#[derive(Debug)]
pub(super) enum Tests {
    /// A class that hands storages of ours to Dagster's tests of storages: its file and name below
    /// `tests/conformance/contract`.
    Contract(&'static str),
    /// Files of Dagster's tests as they are, below `dagster_tests`. Ours are the storages that Dagster takes by default.
    Default(&'static [&'static str]),
}

const fn suite(name: &'static str, tests: &'static str, target: usize) -> Suite {
    Suite { name, tests: Tests::Contract(tests), target, postgres: false, long: false }
}

const fn postgres(name: &'static str, tests: &'static str, target: usize) -> Suite {
    Suite { postgres: true, ..suite(name, tests, target) }
}

const fn by_default(
    name: &'static str,
    tests: &'static [&'static str],
    target: usize,
    long: bool,
) -> Suite {
    Suite { name, tests: Tests::Default(tests), target, postgres: false, long }
}

/// Those that take longest come first, as two run at a time.
pub(super) const SUITES: &[Suite] = &[
    suite("event-sqlite", "test_event.py::TestShimSqliteEvent", 138),
    postgres("pg-event", "test_postgres.py::TestShimPgEvent", 143),
    suite("event-consolidated", "test_event.py::TestShimConsolidatedEvent", 140),
    postgres("pg-run", "test_postgres.py::TestShimPgRun", 53),
    suite("event-memory", "test_event.py::TestShimMemoryEvent", 126),
    by_default("default-short", SHORT, 21, false),
    suite("partition-cache", "test_partition_cache.py::TestShimPartitionStatusCache", 15),
    suite("run-sqlite", "test_run.py::TestShimSqliteRun", 53),
    postgres("pg-schedule", "test_postgres.py::TestShimPgSchedule", 37),
    suite("event-sqlite-specific", "test_event.py::TestShimSqliteSpecific", 3),
    suite("run-memory", "test_run.py::TestShimMemoryRun", 42),
    suite("schedule-sqlite", "test_schedule.py::TestShimSqliteSchedule", 37),
    suite("cursor", "test_cursor.py::TestShimCursor", 2),
    postgres("pg-cursor", "test_postgres.py::TestShimPgCursor", 1),
    by_default("default-instance", &["core_tests/instance_tests"], 72, true),
    by_default("default-storage", STORAGE_TESTS, 281, true),
];

/// Those that ask the most of a storage.
const SHORT: &[&str] = &[
    "storage_tests/test_asset_checks.py",
    "storage_tests/test_asset_events.py",
    "storage_tests/test_assets.py",
    "storage_tests/test_local_instance.py",
];

/// All of Dagster's but those that make storages by hand, which the other suites have.
const STORAGE_TESTS: &[&str] = &[
    "storage_tests",
    "--ignore=storage_tests/test_daemon_cursor_storage.py",
    "--ignore=storage_tests/test_event_log.py",
    "--ignore=storage_tests/test_partition_status_cache.py",
    "--ignore=storage_tests/test_run_storage.py",
    "--ignore=storage_tests/test_schedule_storage.py",
];

/// A test that is about Python's own parts.
struct Known {
    test: &'static str,
    /// The one suite in which it fails; by default, every suite that has it.
    suite: Option<&'static str>,
    reason: &'static str,
}

const OLD: &str = "it opens a database of Dagster 0.11, and ours are those since 1.0";
const STOCK_FAILS: &str = "with the pinned packages, it fails on Dagster's own storages, too";

const fn known(test: &'static str, reason: &'static str) -> Known {
    Known { test, suite: None, reason }
}

const NO_DATABASE: &str = "it looks into the tables through SQLAlchemy";

const KNOWN: &[Known] = &[
    known(
        "test_asset_events_error_parsing",
        "it replaces a function of Dagster's own storage, within the process",
    ),
    Known { test: "test_asset_secondary_index", suite: Some("event-memory"), reason: NO_DATABASE },
    Known { test: "test_basic_event_store", suite: Some("event-memory"), reason: NO_DATABASE },
    Known {
        test: "test_secondary_index_asset_keys",
        suite: Some("event-memory"),
        reason: NO_DATABASE,
    },
    Known { test: "test_transaction", suite: Some("event-memory"), reason: NO_DATABASE },
    known("test_key_only_asset_queries_narrow_projection_and_preserve_wipes", OLD),
    known("test_backcompat_asset_read", OLD),
    known("test_backcompat_asset_materializations[snapshot_0_11_0_asset_materialization]", OLD),
    known("test_backcompat_get_asset_records[snapshot_0_11_0_asset_materialization]", OLD),
    known("test_asset_lazy_migration", OLD),
    known("test_upath_io_manager_async_multiple_time_partitions", STOCK_FAILS),
    known("test_upath_io_manager_async_allow_missing_partitions", STOCK_FAILS),
    known("test_instance_with_manual_async_context_switching", STOCK_FAILS),
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
