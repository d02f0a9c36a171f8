//! Statements that order the ids of events, in Postgres.

/// Makes every other writer of events wait until the transaction ends, Dagster's, too. Its own wait for another
/// writer has a bound below Postgres's `deadlock_timeout`. At the end of that, Postgres would cancel an autovacuum
/// that is in the way.
pub(crate) const LOCK: &str = "SAVEPOINT ids; \
     SET LOCAL lock_timeout = '200ms'; \
     LOCK TABLE event_logs IN SHARE ROW EXCLUSIVE MODE; \
     SET LOCAL lock_timeout = DEFAULT";

/// Goes back to before a `LOCK` that failed.
pub(crate) const UNDO: &str = "ROLLBACK TO SAVEPOINT ids";

/// Makes writers of ours wait until the transaction ends.
pub(crate) const LOCK_OURS: &str = "SELECT pg_advisory_xact_lock(4919131752989214)";

/// A row if an index of events is being built. That keeps the lock of `LOCK` until the end.
pub(crate) const IS_INDEXING: &str = "SELECT 1 FROM pg_stat_progress_create_index \
     WHERE datname = current_database() AND relid = to_regclass('event_logs')";
