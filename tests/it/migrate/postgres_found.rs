//! Upgrades of a Postgres with settings, roles, schemas and objects of other people's.
#![expect(clippy::disallowed_methods, reason = "what another process has done is waited for")]

use std::thread;
use std::time::Duration;

use dagster_instance_tests::{Finished, Home};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::HEAD;
use super::postgres::{migrate, old};
use crate::old_databases::load_into;
use crate::postgres::{Holding, TestDatabase, sql};

/// The tables in a schema, with their owners.
const OWNERS: &str = "SELECT schemaname, tableowner, count(*) FROM pg_tables \
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1, 2 ORDER BY 1, 2";

fn invalid(database: &TestDatabase) -> Value {
    let invalid = "SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                   WHERE NOT i.indisvalid ORDER BY 1";
    sql(&database.url(), &[invalid])
}

fn revision(database: &TestDatabase) -> Value {
    sql(&database.url(), &["SELECT version_num FROM alembic_version"])[0][0].take()
}

/// Roles of one test, which go with it.
struct Roles {
    database: TestDatabase,
    names: Vec<String>,
}

impl Roles {
    fn new(database: TestDatabase, names: &[&str]) -> Self {
        let names: Vec<_> =
            names.iter().map(|name| format!("it_{name}_{}", std::process::id())).collect();
        for name in &names {
            let create = format!("CREATE ROLE {name} LOGIN PASSWORD 'a'");
            sql(&database.url(), &[&create, &format!("GRANT USAGE ON SCHEMA public TO {name}")]);
        }
        Self { database, names }
    }

    fn url(&self, place: usize) -> String {
        self.database.url_as(Some(&format!("{}:a", self.names[place])))
    }

    fn migrate(&self, home: &Home, place: usize) -> Finished {
        home.ours(&["--storage", &self.url(place), "migrate"])
    }

    /// Gives all tables to a role.
    fn give(&self, place: usize) {
        let owner = &self.names[place];
        let give = format!(
            "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE public.%I OWNER TO {owner}', t); END LOOP; END $$"
        );
        let create = format!("GRANT CREATE ON SCHEMA public TO {owner}");
        sql(&self.database.url(), &[&give, &create]);
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        let names = self.names.join(", ");
        let statements = [format!("DROP OWNED BY {names} CASCADE"), format!("DROP ROLE {names}")];
        // A test that has failed is not to be aborted by a second failure.
        let _ = std::panic::catch_unwind(|| {
            sql(&self.database.url(), &statements.each_ref().map(|it| &**it))
        });
    }
}

/// What tells who builds an index is hidden from other roles; what is locked is not.
#[test]
fn a_build_of_another_role_is_waited_for() {
    let (database, home) = old("found_hidden", "1.12");
    migrate(&home);
    let index = "SELECT indexdef FROM pg_indexes WHERE indexname = 'idx_runs_by_job'";
    let index = sql(&database.url(), &[index])[0][0].as_str().expect("an index").to_owned();
    let index = index.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY");
    let roles = Roles::new(database, &["hidden_owner", "hidden_a", "hidden_b"]);
    roles.give(0);
    let grant = format!("GRANT {} TO {}, {}", roles.names[0], roles.names[1], roles.names[2]);
    sql(&roles.database.url(), &["DROP INDEX idx_runs_by_job", &grant]);
    let held = Holding::new(&roles.database.url(), &["LOCK TABLE runs IN ROW EXCLUSIVE MODE"]);
    let theirs = roles.url(1);
    let building = thread::spawn(move || sql(&theirs, &[&index]));
    let is_there =
        "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('idx_runs_by_job')";
    while sql(&roles.database.url(), &[is_there]) != json!([[1]]) {
        assert!(!building.is_finished(), "their build ended");
    }
    let mut running = home.start_ours(&["--storage", &roles.url(2), "migrate"]);
    running.wait_for_said("waiting for a build that goes on");
    drop(held);
    let done = running.finish().succeeded();
    building.join().expect("their build ends well");
    assert!(!done.stderr.contains("DROP INDEX"), "{}", done.stderr);
    assert_eq!(invalid(&roles.database), json!([]));
    assert_eq!(sql(&roles.database.url(), &[is_there]), json!([[1]]));
}

/// A transaction that keeps its snapshot is waited for by each build of an index: also that of our lock.
#[test]
fn an_upgrade_does_not_wait_for_itself() {
    for isolation in ["repeatable read", "serializable"] {
        let (database, home) = old("found_isolation", "1.8");
        let set = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''{isolation}''', \
             current_database()); END $$"
        );
        sql(&database.url(), &[&set]);
        let done = home.ours(&["migrate"]).succeeded();
        assert!(!done.stderr.contains("waiting for old snapshots"), "{}", done.stderr);
        assert_eq!(revision(&database), HEAD);
    }
}

/// A home whose stores of runs and of the others have URLs of their own.
fn home_of_two(runs: &str, others: &str) -> Home {
    let home = Home::new();
    let storage = |key: &str, module: &str, class: &str, url: &str| {
        format!(
            "{key}:\n  module: dagster_postgres.{module}\n  class: {class}\n  config:\n    postgres_url: \"{url}\"\n"
        )
    };
    let settings = [
        storage("run_storage", "run_storage", "PostgresRunStorage", runs),
        storage("event_log_storage", "event_log", "PostgresEventLogStorage", others),
        storage("schedule_storage", "schedule_storage", "PostgresScheduleStorage", others),
    ];
    std::fs::write(home.path().join("dagster.yaml"), settings.concat()).expect("dagster.yaml");
    home
}

#[test]
fn each_schema_of_a_database_is_upgraded() {
    let database = TestDatabase::new("found_schemas");
    for schema in ["a", "b"] {
        load_into(&database.url(), "1.8");
        let rename = format!("ALTER SCHEMA public RENAME TO {schema}");
        sql(&database.url(), &[&rename, "CREATE SCHEMA public"]);
    }
    let url = |schema: &str| format!("{}?options=-csearch_path%3D{schema}", database.url());
    let home = home_of_two(&url("a"), &url("b"));
    assert_eq!(home.ours(&["migrate", "--check"]).code, Some(1));
    migrate(&home);
    for schema in ["a", "b"] {
        let revision = format!("SELECT version_num FROM {schema}.alembic_version");
        assert_eq!(sql(&database.url(), &[&revision]), json!([[HEAD]]), "{schema}");
    }
}

#[test]
fn a_database_of_two_names_is_upgraded_once() {
    let (database, _) = old("found_names", "1.8");
    let url = database.url();
    let other = if url.contains("127.0.0.1") {
        url.replace("127.0.0.1", "localhost")
    } else {
        url.replace("localhost", "127.0.0.1")
    };
    assert_ne!(url, other);
    let home = home_of_two(&url, &other);
    let plan = home.ours(&["migrate", "--plan", "--json"]).succeeded();
    let lines = plan.json_lines();
    let databases = lines.iter().filter(|line| !line["changes"].is_null()).count();
    assert_eq!(databases, 1, "{}", plan.stdout);
    migrate(&home);
    assert_eq!(revision(&database), HEAD);
}

#[test]
fn a_broken_index_of_other_people_is_left_alone() {
    let (database, home) = old("found_foreign", "1.8");
    let url = database.url();
    let failed = "CREATE INDEX my_uq ON runs (pipeline_name)";
    sql(
        &url,
        &[failed, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'my_uq'::regclass"],
    );
    let done = migrate(&home);
    assert!(!done.stderr.contains("my_uq"), "{}", done.stderr);
    assert_eq!(invalid(&database), json!([["my_uq"]]));
    assert_eq!(revision(&database), HEAD);
    home.ours(&["migrate", "--check"]).succeeded();
}

#[test]
fn a_role_without_rights_is_refused_before_anything_is_changed() {
    let (database, home) = old("found_rights", "1.0");
    let roles = Roles::new(database, &["rights_owner", "rights_other"]);
    roles.give(0);
    let grant = format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", roles.names[1]);
    sql(&roles.database.url(), &[&grant]);
    let refused = roles.migrate(&home, 1);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let remedy = format!("GRANT \"{}\" TO \"{}\"", roles.names[0], roles.names[1]);
    for text in ["only their owner may change", "runs (of ", &remedy, "Nothing was changed"] {
        assert!(refused.stderr.contains(text), "{text}: {}", refused.stderr);
    }
    assert_eq!(revision(&roles.database), "958a9495162d");
    // Whoever may not create what is in the schema is told that, too.
    let revoke = format!("REVOKE CREATE ON SCHEMA public FROM {}, PUBLIC", roles.names[0]);
    sql(&roles.database.url(), &[&revoke]);
    let refused = roles.migrate(&home, 0);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("GRANT CREATE ON SCHEMA"), "{}", refused.stderr);
    roles.give(0);
    // A superuser makes tables for the owner of the others.
    migrate(&home);
    let owners = sql(&roles.database.url(), &[OWNERS]);
    assert_eq!(owners.as_array().map(Vec::len), Some(1), "{owners}");
    assert_eq!(owners[0][1], json!(roles.names[0]));
    roles.migrate(&home, 0).succeeded();
}

#[test]
fn new_tables_go_to_the_schema_of_the_others() {
    let (database, home) = old("found_path", "1.0");
    let name = "SELECT current_user::text";
    let role = sql(&database.url(), &[name])[0][0].as_str().expect("a role").to_owned();
    sql(&database.url(), &[&format!("CREATE SCHEMA \"{role}\"")]);
    migrate(&home);
    let owners = sql(&database.url(), &[OWNERS]);
    assert_eq!(owners.as_array().map(Vec::len), Some(1), "{owners}");
    assert_eq!(owners[0][0], "public");
}

#[test]
fn a_database_that_takes_no_writes_is_refused() {
    let (database, home) = old("found_read_only", "1.8");
    let storage = format!("{}?options=-cdefault_transaction_read_only%3Don", database.url());
    let refused = home.ours(&["--storage", &storage, "migrate"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("default_transaction_read_only"), "{}", refused.stderr);
    assert_eq!(revision(&database), "284a732df317");
}

#[test]
fn a_partitioned_table_is_refused_with_what_is_to_be_done() {
    let (database, home) = old("found_partitioned", "1.12");
    migrate(&home);
    sql(
        &database.url(),
        &[
            "DROP INDEX idx_events_by_asset",
            "ALTER TABLE event_logs RENAME TO whole",
            "CREATE TABLE event_logs (LIKE whole INCLUDING DEFAULTS) PARTITION BY RANGE (id)",
            "CREATE TABLE event_logs_all PARTITION OF event_logs DEFAULT",
        ],
    );
    let refused = home.ours(&["migrate"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    for text in ["event_logs is partitioned", "CREATE INDEX ", "Nothing was changed"] {
        assert!(refused.stderr.contains(text), "{text}: {}", refused.stderr);
    }
    assert!(!refused.stderr.contains("CREATE INDEX CONCURRENTLY"), "{}", refused.stderr);
}

#[test]
fn a_database_of_one_store_is_whole_without_the_others() {
    let (database, home) = old("found_store", "1.12");
    migrate(&home);
    sql(
        &database.url(),
        &[
            "DROP TABLE event_logs, asset_event_tags, asset_keys, asset_check_executions, dynamic_partitions, \
           concurrency_limits, concurrency_slots, pending_steps, asset_daemon_asset_evaluations, job_ticks, jobs, \
           instigators CASCADE",
        ],
    );
    home.ours(&["migrate", "--check"]).succeeded();
}

#[test]
fn an_interrupted_rebuild_leaves_no_copy() {
    let (database, home) = old("found_rebuild", "1.12");
    migrate(&home);
    sql(
        &database.url(),
        &["UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_run_status'::regclass"],
    );
    let held = Holding::new(&database.url(), &["LOCK TABLE runs IN ROW EXCLUSIVE MODE"]);
    let mut running = home.start_ours(&["migrate"]);
    running.wait_for_said("index of runs: waiting");
    assert_eq!(invalid(&database), json!([["idx_run_status"], ["idx_run_status_ccnew"]]));
    running.signal(Signal::SIGINT);
    running.wait_for_said("leaving nothing half done");
    // The server has ended it by then.
    thread::sleep(Duration::from_secs(1));
    drop(held);
    assert_eq!(running.finish().code, Some(1));
    assert_eq!(invalid(&database), json!([["idx_run_status"]]));
    migrate(&home);
    assert_eq!(invalid(&database), json!([]));
}

#[test]
fn an_upgrade_ends_if_its_lock_is_lost() {
    let (database, home) = old("found_unlocked", "1.8");
    let held = Holding::new(&database.url(), &["LOCK TABLE run_tags IN ROW EXCLUSIVE MODE"]);
    let mut running = home.start_ours(&["migrate"]);
    running.wait_for_said("index of run_tags: waiting");
    // A second one is kept out while a build runs.
    let rival = home.ours(&["migrate"]);
    assert_eq!(rival.code, Some(2), "{}", rival.stderr);
    let end = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
               WHERE l.locktype = 'advisory' AND d.datname = current_database()";
    assert_eq!(sql(&database.url(), &[end]), json!([[true]]));
    drop(held);
    let ended = running.finish();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("keeps other upgrades out was ended"), "{}", ended.stderr);
    migrate(&home);
    assert_eq!(revision(&database), HEAD);
}

/// To a role that may not look into the schema, the database would look as if it had no tables.
#[test]
fn a_schema_that_may_not_be_looked_into_is_named() {
    let (database, home) = old("found_closed", "1.8");
    let roles = Roles::new(database, &["closed"]);
    let role = &roles.names[0];
    let close = [
        "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned(),
        format!("REVOKE ALL ON SCHEMA public FROM {role}"),
    ];
    sql(&roles.database.url(), &close.each_ref().map(|it| &**it));
    let grant = format!("GRANT USAGE ON SCHEMA \"public\" TO \"{role}\"");
    let url = roles.url(0);
    for (arguments, code) in [
        (&["migrate"][..], 2),
        (&["migrate", "--check"], 2),
        (&["migrate", "--plan"], 2),
        (&["doctor", "--schema"], 2),
        (&["run", "list"], 1),
    ] {
        let refused = home.ours(&[&["--storage", &url], arguments].concat());
        assert_eq!(refused.code, Some(code), "{arguments:?}: {}", refused.stderr);
        let said = refused.stdout + &refused.stderr;
        assert!(said.contains(&grant), "{arguments:?}: {said}");
    }
    sql(&roles.database.url(), &[&grant]);
    let left = home.ours(&["--storage", &url, "migrate", "--check"]);
    assert!(!left.stderr.contains("GRANT USAGE"), "{}", left.stderr);
}
