//! Ids of 32 bits in a Postgres of an old release, which get the 64 that a new database has.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;
use std::sync::LazyLock;

use dagster_instance::DagsterInstance;
use dagster_instance::event::AssetMaterialization;
use dagster_instance::run::RunsFilter;
use dagster_instance::storage::RunsPage;
use dagster_instance_tests::{Home, dagster, dagster_script};
use instance_core::AssetKey;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::HEAD;
use super::postgres::{dump, migrate, old};
use crate::old_databases::{load, releases};
use crate::postgres::{Holding, TestDatabase, sql};

/// Above what 32 bits hold.
const LARGE: i64 = 3_000_000_000;

/// The releases whose databases have ids of 32 bits.
const NARROW: [&str; 3] = ["1.0", "1.1", "1.3"];

/// A tag of an asset's event that both of us index.
const TAG: &str = "dagster/data_version";

const COUNT_NARROW: &str = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' \
                            AND column_name IN ('id', 'event_id') AND data_type = 'integer'";

fn widen(home: &Home) -> String {
    home.ours(&["migrate", "--bigint", "--yes"]).succeeded().stderr
}

/// The types of columns, and the sequences but for the place of their column, which is another one in a database that was
/// upgraded.
fn types(catalog: &Value) -> (BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let name = |row: &Value, of: usize| row[of].as_str().expect("a name").to_owned();
    let columns = catalog["columns"].as_array().expect("columns").iter();
    let columns = columns.map(|row| (format!("{}.{}", name(row, 0), name(row, 2)), row[3].clone()));
    let sequences = catalog["sequences"].as_array().expect("sequences").iter().map(|row| {
        let rest = row.as_array().expect("a row");
        (name(row, 0), rest[1..rest.len() - 1].to_vec().into())
    });
    (columns.collect(), sequences.collect())
}

/// What Dagster gives a new database.
fn fresh() -> &'static Value {
    static FRESH: LazyLock<Value> = LazyLock::new(|| {
        let database = TestDatabase::new("bigint_fresh");
        let mut created = dagster("postgres_schema.py", &[&database.url(), "--create"]);
        created["schema"].take()
    });
    &FRESH
}

/// Gives a table a next id that 32 bits do not hold.
fn count_on(database: &TestDatabase) {
    let set = |table: &str| format!("SELECT setval('{table}_id_seq', {LARGE})");
    let statements = ["event_logs", "runs", "run_tags", "asset_keys", "job_ticks"].map(set);
    sql(&database.url(), &statements.each_ref().map(String::as_str));
}

/// An event of each, with tags, and with an id that 32 bits do not hold.
async fn assert_large_ids_are_stored(database: &TestDatabase, home: &Home, release: &str) {
    count_on(database);
    let path = home.path().to_string_lossy();
    let by_dagster = dagster("upgrade_postgres.py", &[&path, "--use", "--materialize"]);
    assert_eq!(by_dagster["used"]["status"], "STARTED", "{release}");
    let instance = DagsterInstance::builder().home(home.path()).must_exist().open().await;
    let instance = instance.expect("an instance");
    let key = AssetKey::new(["wide_ours"]);
    let mut made = AssetMaterialization::new(key.clone(), None);
    made.tags = Some([(TAG.to_owned(), "red".to_owned())].into());
    instance.report_runless_asset_event(made).await.expect("stored");
    for key in [key, AssetKey::new(["wide_theirs"])] {
        let found = instance.get_latest_materialization_event(&key).await.expect("an answer");
        assert!(found.is_some(), "{release}: {key:?}");
    }
    instance.dispose().await.expect("to close it");
    let ran = home.ours(&["exec", "--job", "wide", "--tag", "a=b", "--", "true"]);
    assert_eq!(ran.code, Some(0), "{release}: {}", ran.stderr);
    // Of each of us, each with a tag.
    let tags = format!(
        "SELECT t.asset_key, count(*) FROM asset_event_tags t JOIN event_logs e ON e.id = t.event_id \
         WHERE e.id > {LARGE} AND t.key = '{TAG}' GROUP BY t.asset_key ORDER BY 1"
    );
    let of_each = json!([["[\"wide_ours\"]", 1], ["[\"wide_theirs\"]", 1]]);
    assert_eq!(sql(&database.url(), &[&tags]), of_each, "{release}");
    let runs = format!("SELECT count(*) FROM runs WHERE id > {LARGE}");
    assert_eq!(sql(&database.url(), &[&runs]), json!([[2]]), "{release}");
    let read = dagster("upgrade_postgres.py", &[&path, "--materialize"]);
    assert!(read["materialized"]["wide_ours"].as_i64().is_some_and(|id| id > LARGE), "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn narrow_ids_of_old_databases_become_those_of_a_new_one() {
    let expected = types(fresh());
    let (database, home) = old("bigint_old", "1.0");
    let mut narrow = Vec::new();
    for release in releases() {
        load(&database, &release);
        if sql(&database.url(), &[COUNT_NARROW]) == json!([[0]]) {
            continue;
        }
        narrow.push(release.clone());
        migrate(&home);
        let before = dump(&home, &[]);
        home.ours(&["migrate", "--check"]).succeeded();
        assert_eq!(home.ours(&["migrate", "--check", "--bigint"]).code, Some(1), "{release}");
        let said = widen(&home);
        assert!(said.contains("these tables get ids of 64 bits"), "{release}: {said}");
        let after = dump(&home, &[]);
        assert_eq!(after["rows"], before["rows"], "{release}");
        assert_eq!(types(&after["catalog"]), expected, "{release}");
        // Without the key, as in a new database. All else is as it was.
        let keys = |dump: &Value| dump["catalog"]["constraints"].to_string().contains("event_id");
        assert_eq!([keys(&before), keys(&after)], [true, false], "{release}");
        assert_eq!(after["catalog"]["indexes"], before["catalog"]["indexes"], "{release}");
        home.ours(&["migrate", "--check", "--bigint"]).succeeded();
        assert_large_ids_are_stored(&database, &home, &release).await;
    }
    assert_eq!(narrow, NARROW);
}

/// An upgrade and wide ids in one go.
#[test]
fn an_old_database_gets_its_revision_and_wide_ids_at_once() {
    let expected = types(fresh());
    let (database, home) = old("bigint_at_once", "1.0");
    // As the first releases had it.
    sql(
        &database.url(),
        &["DROP TABLE asset_event_tags", "UPDATE alembic_version SET version_num = 'a00dd8d936a1'"],
    );
    let plan = home.ours(&["migrate", "--plan", "--bigint"]).succeeded();
    for text in [
        "-- ids of 64 bits, as new databases have them since Dagster 1.4",
        "ALTER TABLE runs ALTER COLUMN id TYPE BIGINT;\nALTER SEQUENCE runs_id_seq AS bigint NO MAXVALUE;",
        "ALTER TABLE asset_event_tags DROP CONSTRAINT asset_event_tags_event_id_fkey;\n\
         ALTER TABLE asset_event_tags ALTER COLUMN event_id TYPE BIGINT;\n\
         ALTER TABLE event_logs ALTER COLUMN id TYPE BIGINT;",
        "everybody who reads or writes the table; at most 0.5 s for the lock",
        "MB a second",
    ] {
        assert!(plan.stdout.contains(text), "{text}: {}", plan.stdout);
    }
    widen(&home);
    let found = dump(&home, &[]);
    assert_eq!(types(&found["catalog"]), expected);
    assert_eq!(found["catalog"]["alembic_version"], json!([[HEAD]]));
}

#[test]
fn what_dagster_left_half_done_is_finished() {
    let expected = types(fresh());
    let (database, home) = old("bigint_half", "1.3");
    migrate(&home);
    let mut theirs = dagster_script("migrate_ids.py");
    let mut theirs = theirs.arg(home.path()).stdin(Stdio::piped()).spawn().expect("a process");
    theirs.stdin.take().expect("its input").write_all(b"MIGRATE\n").expect("an answer");
    assert!(theirs.wait().is_ok_and(|status| status.success()));
    let left = dump(&home, &[]);
    let (columns, sequences) = types(&left["catalog"]);
    assert_eq!(columns["event_logs.id"], "bigint");
    assert_eq!(columns["asset_event_tags.event_id"], "integer");
    assert_eq!(sequences["event_logs_id_seq"][0], "integer");
    let doctor = home.ours(&["doctor", "--schema"]);
    assert_eq!(doctor.code, Some(1), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("dagster-instance migrate --bigint"), "{}", doctor.stdout);
    let lines = home.ours(&["migrate", "--plan", "--bigint", "--json"]).succeeded().json_lines();
    let tables = lines[0]["narrow_tables"].as_array().expect("tables");
    let of = |name: &str| tables.iter().find(|table| table["table"] == name).expect("a table");
    assert_eq!(of("asset_event_tags")["columns"], json!(["event_id"]));
    assert_eq!(of("event_logs")["columns"], json!([]));
    assert_eq!(of("event_logs")["sequence_type"], "integer");
    widen(&home);
    assert_eq!(types(&dump(&home, &[])["catalog"]), expected);
    // Whose sequence alone was lifted by hand.
    sql(&database.url(), &["ALTER SEQUENCE runs_id_seq AS integer"]);
    assert_eq!(home.ours(&["migrate", "--check", "--bigint"]).code, Some(1));
    widen(&home);
    assert_eq!(types(&dump(&home, &[])["catalog"]), expected);
}

#[test]
fn it_is_said_and_asked_before() {
    let (database, home) = old("bigint_asked", "1.3");
    migrate(&home);
    sql(&database.url(), &["SELECT setval('event_logs_id_seq', 2000000000)"]);
    let before = dump(&home, &[]);
    let unasked = home.ours(&["migrate", "--bigint"]);
    assert_eq!(unasked.code, Some(2), "{}", unasked.stderr);
    for text in [
        "GREATEST ID",
        "event_logs",
        "2000000000",
        "93.13 %",
        "nobody can be asked, as standard input is no terminal; --yes does it without asking",
        "How much is free cannot be seen from here",
    ] {
        assert!(unasked.stderr.contains(text), "{text}: {}", unasked.stderr);
    }
    assert_eq!(dump(&home, &[]), before);
    assert_eq!(home.ours(&["migrate", "--yes"]).code, Some(2));
    let done = home.ours(&["migrate", "--bigint", "--yes", "--json"]).succeeded().json_lines();
    assert_eq!(done[0]["change"], "upgraded");
    let locks = done[0]["locks"].as_array().expect("locks");
    let last = locks.last().expect("a lock");
    assert_eq!([&last["table"], &last["lock"]], ["event_logs", "ACCESS EXCLUSIVE"]);
    let again = home.ours(&["migrate", "--bigint"]).succeeded();
    assert!(again.stderr.contains("All ids have 64 bits already"), "{}", again.stderr);
    let sqlite = Home::new();
    sqlite.ours(&["exec", "--job", "j", "--create", "--", "true"]).succeeded();
    let nothing = sqlite.ours(&["migrate", "--bigint"]).succeeded();
    assert!(nothing.stderr.contains("All ids have 64 bits already"), "{}", nothing.stderr);
}

#[test]
fn a_view_on_ids_is_named_before_anything_is_changed() {
    let (database, home) = old("bigint_view", "1.3");
    sql(&database.url(), &["CREATE VIEW of_others AS SELECT id, run_id FROM event_logs"]);
    let before = dump(&home, &[]);
    let refused = home.ours(&["migrate", "--bigint", "--yes"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("of_others (of event_logs.id)"), "{}", refused.stderr);
    assert_eq!(dump(&home, &[]), before);
    // It is in nobody's way otherwise.
    migrate(&home);
}

#[test]
fn whoever_holds_a_table_is_named_and_the_next_call_goes_on() {
    let (database, home) = old("bigint_held", "1.3");
    migrate(&home);
    let held = Holding::new(&database.url(), &["LOCK TABLE asset_event_tags IN ACCESS SHARE MODE"]);
    let given_up = home.ours(&["migrate", "--bigint", "--yes", "--lock-wait", "2"]);
    assert_eq!(given_up.code, Some(1), "{}", given_up.stderr);
    for text in [
        "the lock ACCESS EXCLUSIVE on event_logs was not given within 2 seconds",
        "LOCK TABLE asset_event_tags IN ACCESS SHARE MODE",
        "What was done before stays",
    ] {
        assert!(given_up.stderr.contains(text), "{text}: {}", given_up.stderr);
    }
    drop(held);
    let plan = home.ours(&["migrate", "--plan", "--bigint"]).succeeded();
    assert!(!plan.stdout.contains("ALTER TABLE runs"), "{}", plan.stdout);
    widen(&home);
    assert_eq!(sql(&database.url(), &[COUNT_NARROW]), json!([[0]]));
}

/// Enough events that writing them anew takes a while.
const MORE: &str = "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp) \
                    SELECT 'r' || n % 1000, repeat('x', 200), 'STEP_START', now() FROM generate_series(1, 300000) n";

#[test]
fn it_goes_on_after_a_kill_in_the_middle() {
    let expected = types(fresh());
    let (template, home) = old("bigint_killed", "1.3");
    migrate(&home);
    sql(&template.url(), &[MORE]);
    let count = "SELECT count(*), sum(id)::text, count(DISTINCT run_id) FROM event_logs";
    let rows = sql(&template.url(), &[count]);
    for (said, signal) in [
        ("ALTER TABLE runs", Signal::SIGKILL),
        ("ALTER TABLE asset_event_tags", Signal::SIGKILL),
        ("ALTER TABLE asset_event_tags", Signal::SIGINT),
    ] {
        let database = template.copy("bigint_copy");
        let home = database.home();
        let mut running = home.start_ours(&["migrate", "--bigint", "--yes"]);
        running.wait_for_said(said);
        running.signal(signal);
        let ended = running.finish();
        assert_ne!(ended.code, Some(0), "{said}: it had ended before: {}", ended.stderr);
        let narrow = sql(&database.url(), &[COUNT_NARROW])[0][0].as_i64();
        assert!(narrow.is_some_and(|narrow| narrow > 0), "{said}");
        widen(&home);
        assert_eq!(types(&dump(&home, &[])["catalog"]), expected, "{said}");
        assert_eq!(sql(&database.url(), &[count]), rows, "{said}");
    }
}

/// Statements that our connections have prepared do not fit any more.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_open_go_on() {
    let (_database, home) = old("bigint_open", "1.3");
    migrate(&home);
    let instance = DagsterInstance::builder().home(home.path()).must_exist().open().await;
    let instance = instance.expect("an instance");
    let key = AssetKey::new(["open"]);
    let report = async || {
        let made = AssetMaterialization::new(key.clone(), None);
        instance.report_runless_asset_event(made).await
    };
    let (all, page) = (RunsFilter::default(), RunsPage::default());
    let records = async || instance.get_run_records(&all, &page).await.map(|found| found.len());
    for _ in 0..3 {
        report().await.expect("stored");
        records().await.expect("read");
    }
    let before = records().await.expect("read");
    widen(&home);
    // A read is asked again by a connection that has prepared nothing.
    assert_eq!(records().await.expect("read"), before);
    // A write may have begun: it fails as what may be tried again, once.
    let mut failures = 0;
    while let Err(error) = report().await {
        assert!(error.is_temporary(), "{error:?}");
        failures += 1;
        assert!(failures < 2, "{error:?}");
    }
    for _ in 0..3 {
        report().await.expect("stored");
        records().await.expect("read");
    }
    instance.dispose().await.expect("to close it");
}
