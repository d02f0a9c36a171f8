//! Statements about the schema of a Postgres that others use meanwhile: looking, locking, changing, and watching that.
//!
//! They are sent as texts: none has values of others but numbers and names, which are quoted here. Not here: what is
//! to be changed (`history/server.rs`).

pub(crate) mod widening;

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// One process upgrades a database at a time. The lock ends with the transaction.
pub(crate) const TRY_LOCK_UPGRADE: &str =
    "SELECT pg_try_advisory_xact_lock(4919131752989215)::text";

/// Begins a transaction that keeps no snapshot between its statements, whatever the role or the database has: builds of indexes
/// wait for all snapshots, also for that of the lock of our own.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The processes that hold the lock of upgrades.
pub(crate) const UPGRADERS: &str = "SELECT l.pid::text FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted \
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) \
     AND l.classid::bigint = 4919131752989215 >> 32 AND l.objid::bigint = 4919131752989215 & 4294967295 ORDER BY 1";

/// Makes the server look after a connection that is silent for long, so that nothing in between takes it for dead.
pub(crate) const KEEP_ALIVE: &str = "SELECT set_config('tcp_keepalives_idle', '30', false), \
     set_config('tcp_keepalives_interval', '10', false), set_config('tcp_keepalives_count', '6', false)";

/// Limits of time that a server may have for a role.
const LIMITS: &str = "('statement_timeout', 'lock_timeout', 'transaction_timeout', \
     'idle_in_transaction_session_timeout', 'idle_session_timeout')";

/// Lifts all limits of time, as long as the connection or as long as the transaction. Servers have different ones.
pub(crate) fn lift_limits(is_local: bool) -> String {
    format!("SELECT set_config(name, '0', {is_local}) FROM pg_settings WHERE name IN {LIMITS}")
}

/// How long a statement waits for a lock in this transaction. Whoever comes behind it waits as long.
pub(crate) const LIMIT_LOCK: &str = "SELECT set_config('lock_timeout', '500ms', true)";

/// The same where only an autovacuum is in the way: it gives way to whoever has waited for `deadlock_timeout`.
pub(crate) const LIMIT_LOCK_OF_AUTOVACUUM: &str = "SELECT set_config('lock_timeout', least(setting::int + 500, 5000) || 'ms', true) \
     FROM pg_settings WHERE name = 'deadlock_timeout'";

/// Lifts the limit, when the locks are given: what is written anew takes its time.
pub(crate) const LIFT_LOCK: &str = "SELECT set_config('lock_timeout', '0', true)";

/// How long a statement may take on this connection.
pub(crate) fn limit_statement(milliseconds: u32) -> String {
    format!("SELECT set_config('statement_timeout', '{milliseconds}ms', false)")
}

/// What a statement outside of transactions meets: which schemas, and which limits of time.
pub(crate) const SURROUNDINGS: &str = "SELECT current_setting('search_path'), \
     current_setting('statement_timeout'), current_setting('lock_timeout')";

/// A list of tables, as a connection sees them without naming a schema.
fn seen(tables: &BTreeSet<&str>) -> String {
    let mut list = String::new();
    for table in tables {
        // Writing to a string does not fail.
        let _ = write!(list, "{}to_regclass('{table}')", if list.is_empty() { "" } else { ", " });
    }
    list
}

/// The columns of tables: table, column, whether it is of the primary key, whether it has a default.
pub(crate) fn columns(tables: &BTreeSet<&str>) -> String {
    format!(
        "SELECT c.relname::text, a.attname::text, \
         EXISTS (SELECT 1 FROM pg_index p WHERE p.indrelid = c.oid AND p.indisprimary AND a.attnum = ANY (p.indkey))::text, \
         a.atthasdef::text \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.oid IN ({}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum",
        seen(tables)
    )
}

/// The indexes of tables: table, index, whether it is valid, and the name that a statement has to say.
pub(crate) fn indexes(tables: &BTreeSet<&str>) -> String {
    format!(
        "SELECT t.relname::text, c.relname::text, (i.indisvalid AND i.indisready AND i.indislive)::text, \
         CASE WHEN pg_table_is_visible(c.oid) THEN quote_ident(c.relname) ELSE format('%I.%I', n.nspname, c.relname) END \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid IN ({}) ORDER BY 1, 2",
        seen(tables)
    )
}

/// Where we are: the server and the database, the schema in which tables are created, the role and whether it is a superuser,
/// whether the server follows another one, and whether transactions may write nothing.
pub(crate) const PLACE: &str = "SELECT extract(epoch FROM pg_postmaster_start_time())::text || '/' || d.oid, \
     coalesce(current_schema(), ''), current_user::text, current_setting('is_superuser'), \
     pg_is_in_recovery()::text, current_setting('transaction_read_only') \
     FROM pg_database d WHERE d.datname = current_database()";

/// The schemas of the search path that have one of these tables, and that the role may not look into: the schema, the role.
pub(crate) fn closed_schemas(tables: &[&str]) -> String {
    let tables: Vec<_> = tables.iter().map(|table| format!("'{table}'")).collect();
    format!(
        "SELECT n.nspname::text, current_user::text FROM pg_namespace n WHERE NOT has_schema_privilege(n.oid, 'USAGE') \
         AND n.nspname::text IN (SELECT CASE p.name WHEN '$user' THEN current_user::text ELSE p.name END FROM \
         (SELECT replace(trim(BOTH '\"' FROM trim(s)), '\"\"', '\"') AS name \
         FROM unnest(string_to_array(current_setting('search_path'), ',')) s) p) \
         AND EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname IN ({})) ORDER BY 1",
        tables.join(", ")
    )
}

/// What tables are and whose: name, number, schema, kind, owner, whether we have the owner's rights, whether we may create what is
/// in the schema, and whether the owner may.
pub(crate) fn owners(tables: &BTreeSet<&str>) -> String {
    format!(
        "SELECT c.relname::text, c.oid::text, n.nspname::text, c.relkind::text, pg_get_userbyid(c.relowner)::text, \
         pg_has_role(c.relowner, 'USAGE')::text, has_schema_privilege(n.oid, 'CREATE')::text, \
         has_schema_privilege(c.relowner, n.oid, 'CREATE')::text \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid IN ({}) ORDER BY 1",
        seen(tables)
    )
}

/// Makes a schema the one in which this transaction creates tables.
pub(crate) fn create_in(schema: &str) -> String {
    format!(
        "SELECT set_config('search_path', quote_ident({}) || ', ' || current_setting('search_path'), true)",
        super::super::session::text(schema)
    )
}

/// A name of a role or of a schema in a statement.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Gives a table to a role.
pub(crate) fn give_to(table: &str, role: &str) -> String {
    format!("ALTER TABLE {table} OWNER TO {}", quoted(role))
}

/// Tries whether tables can be given to a role; it holds as long as the transaction.
pub(crate) fn become_role(role: &str) -> String {
    format!("SET LOCAL ROLE {}", quoted(role))
}

/// How large tables are: table, bytes without indexes, rows.
pub(crate) fn sizes(tables: &BTreeSet<&str>) -> String {
    format!(
        "SELECT c.relname::text, coalesce(pg_table_size(c.oid), 0)::text, greatest(c.reltuples, 0)::bigint::text \
         FROM pg_class c WHERE c.oid IN ({}) ORDER BY 1",
        seen(tables)
    )
}

/// The builds of indexes that go on: the process, the table, what it does, how much is done, and of how much.
pub(crate) fn builds(tables: &BTreeSet<&str>) -> String {
    format!(
        "SELECT p.pid::text, c.relname::text, p.phase, \
         CASE WHEN p.blocks_total > 0 THEN p.blocks_done WHEN p.tuples_total > 0 THEN p.tuples_done ELSE p.lockers_done END::text, \
         CASE WHEN p.blocks_total > 0 THEN p.blocks_total WHEN p.tuples_total > 0 THEN p.tuples_total ELSE p.lockers_total END::text, \
         CASE WHEN p.phase LIKE 'waiting%' THEN p.current_locker_pid ELSE 0 END::text \
         FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.relid \
         WHERE p.datname = current_database() AND p.relid IN ({}) ORDER BY p.pid",
        seen(tables)
    )
}

/// Those who build an index of a table or look after it, as [`builds`] has them. It takes them from the locks: what is told of the
/// progress is hidden if it is another role's. An autovacuum is none of them, as it gives way.
pub(crate) fn keepers(table: &str) -> String {
    format!(
        "SELECT l.pid::text, c.relname::text, 'holding its lock', '0', '0', '0' \
         FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE {} ORDER BY l.pid",
        is_kept(&format!("to_regclass('{table}')"))
    )
}

/// Whether a row `l` of the locks is of somebody who builds an index of a table.
fn is_kept(table: &str) -> String {
    format!(
        "l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) \
         AND l.relation = {table} AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid() \
         AND EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.pid = l.pid AND a.usesysid IS NOT NULL)"
    )
}

/// Who is in the way of a process: the process, its program, since when its transaction lasts, its last statement, and
/// whether it is an autovacuum that gives way. An autovacuum has no role, also for those who may see no more of it.
pub(crate) fn blockers(process: &str) -> String {
    format!(
        "SELECT a.pid::text, coalesce(a.application_name, ''), coalesce(a.state, a.backend_type), \
         coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::text, '0'), \
         coalesce(left(a.query, 500), ''), \
         (a.usesysid IS NULL AND coalesce(a.query, '') NOT LIKE '%(to prevent wraparound)%')::text \
         FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids({process})) ORDER BY a.xact_start LIMIT 5"
    )
}

/// One process, as [`blockers`] has it.
pub(crate) fn activity(process: &str) -> String {
    format!(
        "SELECT a.pid::text, coalesce(a.application_name, ''), coalesce(a.state, a.backend_type), \
         coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::text, '0'), \
         coalesce(left(a.query, 500), '') FROM pg_stat_activity a WHERE a.pid = {process}"
    )
}

/// The process that carries out a statement.
pub(crate) fn process_of(statement: &str) -> String {
    format!(
        "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
         AND query = {}",
        super::super::session::text(statement)
    )
}

/// A row if a process carries out a statement, or nobody may see whether it does.
pub(crate) fn is_at_work(process: &str) -> String {
    format!(
        "SELECT '1' FROM pg_stat_activity WHERE pid = {process} AND coalesce(state, 'active') = 'active'"
    )
}

/// Ends the statement of a process.
pub(crate) fn cancel(process: &str) -> String {
    format!("SELECT pg_cancel_backend({process})::text")
}

/// Locks a table before it is changed, so that it is known how long that took, and another one with it.
pub(crate) fn lock(table: &str, beside: Option<&str>, mode: &str) -> String {
    let beside = beside.map(|beside| format!(", {beside}")).unwrap_or_default();
    format!("LOCK TABLE {table}{beside} IN {mode} MODE")
}

/// Drops an index while others use its table.
pub(crate) fn drop_index(said: &str) -> String {
    format!("DROP INDEX CONCURRENTLY {said}")
}

/// The indexes of a table that are invalid, if nobody builds one: how a statement has to say each, and its name.
pub(crate) fn left(table: &str) -> String {
    format!(
        "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN quote_ident(c.relname) ELSE format('%I.%I', n.nspname, c.relname) END, \
         c.relname::text \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE i.indrelid = to_regclass('{table}') AND NOT (i.indisvalid AND i.indisready) \
         AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.relid = i.indrelid) \
         AND NOT EXISTS (SELECT 1 FROM pg_locks l WHERE {})",
        is_kept("i.indrelid")
    )
}

/// Builds an index anew while others use its table.
pub(crate) fn rebuild_index(said: &str) -> String {
    format!("REINDEX INDEX CONCURRENTLY {said}")
}

/// The statement that creates an index while others use its table.
pub(crate) fn concurrently(creating: &str) -> String {
    creating.replacen(" INDEX ", " INDEX CONCURRENTLY ", 1)
}

/// The table of tags of events, where the table of events is missing that it refers to.
pub(crate) fn without_foreign_key(creating: &str) -> String {
    creating
        .lines()
        .filter(|line| !line.contains("FOREIGN KEY"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("PRIMARY KEY (id), ", "PRIMARY KEY (id)")
}

/// Gives a column of booleans its default.
pub(crate) fn give_default(table: &str, column: &str) -> String {
    format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT false")
}

/// Writes the first revision.
pub(crate) fn insert_revision(revision: &str) -> String {
    format!("INSERT INTO alembic_version (version_num) VALUES ('{revision}')")
}

/// Writes a revision in the place of another one. It changes one row, unless somebody was faster.
pub(crate) fn update_revision(from: &str, to: &str) -> String {
    format!("UPDATE alembic_version SET version_num = '{to}' WHERE version_num = '{from}'")
}

/// The revision in whose place [`update_revision`] writes another.
pub(crate) fn old_revision(update: &str) -> Option<&str> {
    update.strip_prefix("UPDATE alembic_version ")?.rsplit('\'').nth(1)
}

/// How many tags of runs are there more often than once.
pub(crate) const COUNT_DOUBLED_TAGS: &str = "SELECT count(*)::text FROM (SELECT 1 FROM run_tags \
     WHERE key IS NOT NULL AND value IS NOT NULL AND run_id IS NOT NULL \
     GROUP BY key, value, run_id HAVING count(*) > 1) d";

/// Rows of tags of runs that are there once more, but for the first of each.
pub(crate) const DOUBLED_TAGS: &str = "SELECT d.id::text FROM (SELECT id, row_number() OVER \
     (PARTITION BY key, value, run_id ORDER BY id) AS place FROM run_tags \
     WHERE key IS NOT NULL AND value IS NOT NULL AND run_id IS NOT NULL) d WHERE d.place > 1 ORDER BY d.id";

/// Deletes tags of runs.
pub(crate) fn delete_tags(ids: &[String]) -> String {
    format!("DELETE FROM run_tags WHERE id IN ({})", ids.join(", "))
}

/// Tags that may be too long for the index of single tags. The server compresses what it can, so that most fit all the same.
pub(crate) const LONG_TAGS: &str = "SELECT id::text, run_id, left(key, 100) FROM run_tags \
     WHERE octet_length(key) + octet_length(value) + octet_length(run_id) > 2600 ORDER BY id LIMIT 1000";

/// A table that is gone with the transaction, with the index of single tags, to try tags out.
pub(crate) const TRY_TAGS: &str = "CREATE TEMPORARY TABLE dagster_instance_tags \
     (key text, value text, run_id varchar(255)) ON COMMIT DROP; \
     CREATE UNIQUE INDEX dagster_instance_tags_index ON dagster_instance_tags (key, value, run_id)";

/// Tries tags out; it fails if one is too long.
pub(crate) fn try_tags(ids: &[&str]) -> String {
    format!(
        "SAVEPOINT tags; INSERT INTO pg_temp.dagster_instance_tags SELECT key, value, run_id FROM run_tags WHERE id IN ({}) \
         ON CONFLICT DO NOTHING; ROLLBACK TO SAVEPOINT tags",
        ids.join(", ")
    )
}

/// Goes back to before tags were tried out.
pub(crate) const UNDO_TAGS: &str = "ROLLBACK TO SAVEPOINT tags";
