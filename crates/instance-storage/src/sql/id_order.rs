//! Statements that order the ids of events, in Postgres.
//!
//! A writer of ours takes the turn among ours first, then the lock of the table. So at most one of ours stands in the queue
//! of the table, and a writer of another program waits for one transaction of ours, however many of ours there are.

/// Makes writers of ours wait until the transaction ends.
pub(crate) const TURN: &str = "SELECT pg_advisory_xact_lock(4919131752989214)";

/// Makes every other writer of events wait until the transaction ends, Dagster's, too. Its own wait for another
/// writer has a bound below Postgres's `deadlock_timeout`. At the end of that, Postgres would cancel an autovacuum
/// that is in the way.
pub(crate) const LOCK: [&str; 3] = [
    "SET LOCAL lock_timeout = '200ms'",
    "LOCK TABLE event_logs IN SHARE ROW EXCLUSIVE MODE",
    "SET LOCAL lock_timeout = DEFAULT",
];

/// Which statement of `LOCK` waits.
pub(crate) const WAITS: usize = 1;

/// A place before `LOCK` to go back to.
pub(crate) const BEFORE: &str = "SAVEPOINT ids";

/// Goes back to before a `LOCK` that failed.
pub(crate) const UNDO: &str = "ROLLBACK TO SAVEPOINT ids";

/// A row if an index of events is being built. That keeps the lock of `LOCK` until the end.
pub(crate) const IS_INDEXING: &str = "SELECT 1 FROM pg_stat_progress_create_index \
     WHERE datname = current_database() AND relid = to_regclass('event_logs')";
