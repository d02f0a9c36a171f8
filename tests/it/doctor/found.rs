//! What is found beside damages: failed builds, other programs, revisions, rows that lack something, numbers that run out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dagster_instance::storage::{DatabaseRole, SchemaProblem, SchemaSeverity};
use dagster_instance_tests::Home;

use super::{Client, above_note, check, copy_home, instance, line};
use crate::postgres::{TestDatabase, sql};

async fn created(name: &str) -> (TestDatabase, Home) {
    let database = TestDatabase::new(name);
    let storages = database.storages();
    storages.create().await.expect("tables");
    storages.dispose().await;
    let home = database.home();
    (database, home)
}

/// All findings of one home, as lines.
async fn lines(home: &Path) -> Vec<String> {
    let found = check(&instance(home).await).await;
    found.findings().map(|(_, finding)| line(finding)).collect()
}

/// Carries out what the findings say that have statements, in their order.
async fn mend(home: &Path, client: &mut Client) {
    let found = check(&instance(home).await).await;
    for (_, finding) in found.findings() {
        client.send_all(&finding.mend.statements).await.expect("a statement");
    }
}

#[tokio::test]
async fn a_build_that_failed_is_found_and_mended() {
    let (database, home) = created("doctor_build").await;
    let mut client = Client::of_server(&database).await;
    let doubled = "INSERT INTO kvs (key, value) VALUES ('a', '1')";
    client.send("DROP INDEX idx_kvs_keys_unique").await.expect("dropped");
    for _ in 0..2 {
        client.send(doubled).await.expect("a row");
    }
    let build = "CREATE UNIQUE INDEX CONCURRENTLY idx_kvs_keys_unique ON kvs (key)";
    client.send(build).await.expect_err("rows are doubled");
    let found = lines(home.path()).await;
    assert_eq!(
        found,
        ["error: invalid: index idx_kvs_keys_unique on kvs; found its build has failed"]
    );
    client.send("DELETE FROM kvs").await.expect("deleted");
    mend(home.path(), &mut client).await;
    assert_eq!(lines(home.path()).await, [""; 0]);
}

#[tokio::test]
async fn what_is_of_others_is_told_apart() {
    let (database, home) = created("doctor_others").await;
    let mut client = Client::of_server(&database).await;
    for statement in [
        "CREATE TABLE accounts (id int)",
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER audit AFTER INSERT ON runs EXECUTE FUNCTION nothing()",
        "ALTER TABLE runs ADD COLUMN team text",
        "ALTER TABLE jobs ADD COLUMN owner text NOT NULL",
        "CREATE UNIQUE INDEX one_status ON runs (status, mode)",
        "CREATE INDEX helpful ON runs (mode)",
    ] {
        client.send(statement).await.expect(statement);
    }
    insta::assert_snapshot!(lines(home.path()).await.join("\n"));
    mend(home.path(), &mut client).await;
    let left = above_note(&check(&instance(home.path()).await).await);
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_table_that_hides_ours_is_found() {
    let (database, home) = created("doctor_hidden").await;
    sql(
        &database.url(),
        &[
            "CREATE SCHEMA first",
            "CREATE TABLE first.jobs (id int)",
            "CREATE VIEW first.kvs AS SELECT 1 AS key",
        ],
    );
    assert_eq!(lines(home.path()).await, [""; 0]);
    let path = |path: &str| {
        let settings = format!(
            "storage:\n  postgres:\n    postgres_url: {}?options=-csearch_path%3D{path}\n",
            database.url()
        );
        fs::write(home.path().join("dagster.yaml"), settings).expect("dagster.yaml");
    };
    path("first,public");
    let found = check(&instance(home.path()).await).await;
    let found: Vec<_> = found.findings().map(|(_, finding)| finding).collect();
    let objects: Vec<_> = found.iter().map(|finding| finding.object.as_str()).collect();
    assert_eq!(objects, ["table first.jobs", "table first.kvs"]);
    for finding in &found {
        assert_eq!(finding.problem, SchemaProblem::Foreign);
        assert_eq!(finding.severity, SchemaSeverity::Error);
        let advice = finding.mend.advice.as_deref().expect("advice");
        assert!(advice.contains("options=-csearch_path=public"), "{advice}");
    }
    // As the advice says.
    path("public");
    assert_eq!(lines(home.path()).await, [""; 0]);
    // What is missing is made beside the others, and not in the first schema.
    path("other,public");
    let mut client = Client::of_server(&database).await;
    sql(&database.url(), &["CREATE SCHEMA other", "DROP TABLE pending_steps"]);
    client.send("SET search_path = other, public").await.expect("a path");
    mend(home.path(), &mut client).await;
    assert_eq!(lines(home.path()).await, [""; 0]);
    let there = "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public' AND tablename = 'pending_steps'";
    assert_eq!(client.rows(there).await, [["1"]]);
}

#[tokio::test]
async fn another_programs_database_is_named() {
    let database = TestDatabase::new("doctor_foreign");
    let home = database.home();
    assert_eq!(
        lines(home.path()).await,
        ["error: missing: tables of Dagster's; found none of them"]
    );
    sql(&database.url(), &["CREATE TABLE jobs (id int)"]);
    let found = lines(home.path()).await;
    assert!(
        found.iter().any(|line| line.starts_with("error: foreign: table public.jobs")),
        "{found:?}"
    );
    assert_eq!(
        sql(&database.url(), &["SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"])[0][0],
        1
    );
}

#[tokio::test]
async fn each_state_of_the_revision_is_said() {
    let (database, home) = created("doctor_revision").await;
    let mut client = Client::of_server(&database).await;
    let mut found = Vec::new();
    for statement in [
        "DELETE FROM alembic_version",
        "INSERT INTO alembic_version VALUES ('284a732df317')",
        "DROP TABLE alembic_version",
        "UPDATE alembic_version SET version_num = 'cafecafecafe'",
        "UPDATE alembic_version SET version_num = '567bc23fd1ac'",
        "UPDATE alembic_version SET version_num = '284a732df317'",
    ] {
        client.send(statement).await.expect(statement);
        let errors = above_note(&check(&instance(home.path()).await).await);
        let errors = errors.iter().map(|line| {
            line.split_once(": ").expect("a line").1.rsplit_once("error: ").expect("an error").1
        });
        found.push(format!("{statement}\n  {}", errors.collect::<Vec<_>>().join("\n  ")));
        mend(home.path(), &mut client).await;
        if statement.starts_with("UPDATE") {
            client
                .send("UPDATE alembic_version SET version_num = '29b539ebc72a'")
                .await
                .expect("it");
        }
        let left = above_note(&check(&instance(home.path()).await).await);
        assert!(left.is_empty(), "{statement}: {left:?}");
    }
    insta::assert_snapshot!(found.join("\n"));
}

#[tokio::test]
async fn rows_that_lack_something_and_numbers_that_run_out_are_found() {
    let (database, home) = created("doctor_rows").await;
    let mut client = Client::of_server(&database).await;
    for statement in [
        "INSERT INTO runs (run_id) VALUES ('r1'), ('r2')",
        "INSERT INTO run_tags (run_id, key, value) VALUES ('r1', 'dagster/backfill', 'b')",
        "INSERT INTO jobs (job_origin_id, selector_id) VALUES ('o', 's')",
        "INSERT INTO job_ticks (job_origin_id) VALUES ('o'), ('gone')",
        "ALTER TABLE event_logs ALTER COLUMN id TYPE integer",
        "ALTER SEQUENCE event_logs_id_seq AS integer",
        "INSERT INTO event_logs (id, event) VALUES (1200000000, '')",
        "ALTER SEQUENCE job_ticks_id_seq AS integer",
        "INSERT INTO job_ticks (id) VALUES (2000000000)",
        "DELETE FROM secondary_indexes WHERE name IN ('run_partitions', 'asset_key_table')",
    ] {
        client.send(statement).await.expect(statement);
    }
    insta::assert_snapshot!(lines(home.path()).await.join("\n"));
    mend(home.path(), &mut client).await;
    let left = above_note(&check(&instance(home.path()).await).await);
    assert!(left.iter().all(|line| line.contains("unfinished")) && left.len() == 2, "{left:?}");
    let filled = "SELECT backfill_id FROM runs WHERE run_id = 'r1'";
    assert_eq!(client.rows(filled).await, [["b"]]);
    client
        .send("ALTER TABLE asset_event_tags ALTER COLUMN event_id TYPE integer")
        .await
        .expect("it");
    let narrow = lines(home.path()).await.join("\n");
    assert!(narrow.contains("narrow: column asset_event_tags.event_id"), "{narrow}");
}

/// Every file below a directory, with its size and time.
fn files(directory: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            found.extend(files(&entry.path()));
        } else {
            let about = entry.metadata().expect("its size");
            let name = entry.path().display().to_string();
            found.insert(name, (about.len(), about.modified().expect("its time")));
        }
    }
    found
}

#[tokio::test]
async fn nothing_is_changed_and_nothing_is_created() {
    let home = Home::new();
    home.ours(&["exec", "--", "true"]).succeeded();
    let before = files(home.path());
    assert_eq!(home.ours(&["doctor", "--schema"]).code, Some(0));
    assert_eq!(files(home.path()), before);
    // Also while somebody has the files open.
    let mut client = Client::of_file(&home.path().join("history/runs.db")).await;
    client.send("CREATE TABLE beside (id int)").await.expect("a table");
    let before = files(home.path());
    let ended = home.ours(&["doctor", "--schema"]);
    assert_eq!(ended.code, Some(0));
    // What is in the log alone is seen.
    assert!(ended.stdout.contains("beside Dagster's: beside"), "{}", ended.stdout);
    assert_eq!(files(home.path()).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_table_that_is_made_anew_keeps_its_rows() {
    let home = Home::new();
    home.ours(&["exec", "--tag", "a=b", "--", "true"]).succeeded();
    let mut client = Client::of_file(&home.path().join("history/runs.db")).await;
    for statement in [
        "ALTER TABLE runs ADD COLUMN team TEXT",
        "UPDATE runs SET team = 'x'",
        "CREATE TRIGGER noting AFTER DELETE ON runs BEGIN SELECT 1; END",
        "ALTER TABLE runs DROP COLUMN create_timestamp",
    ] {
        let sent = client.send(statement).await;
        if statement.contains("DROP COLUMN") && sent.is_err() {
            // An index is on it.
            client.send("DROP INDEX idx_run_range").await.expect("dropped");
            client.send(statement).await.expect(statement);
        } else {
            sent.expect(statement);
        }
    }
    let before = client.rows("SELECT run_id, status, team FROM runs").await;
    assert_eq!(before.len(), 1);
    mend(home.path(), &mut client).await;
    assert_eq!(client.rows("SELECT run_id, status, team FROM runs").await, before);
    assert!(
        above_note(&check(&instance(home.path()).await).await)
            .iter()
            .all(|line| line.contains("idx_run_range"))
    );
    let triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'";
    let gone = client.rows(triggers).await;
    assert!(gone.is_empty(), "the note about the trigger says to drop it: {gone:?}");
}

#[tokio::test]
async fn rows_whose_column_is_lost_are_not_made_up() {
    let home = Home::new();
    home.ours(&["exec", "--", "true"]).succeeded();
    let mut client = Client::of_file(&home.path().join("history/runs.db")).await;
    client.send("ALTER TABLE snapshots DROP COLUMN snapshot_body").await.expect("dropped");
    let found = check(&instance(home.path()).await).await;
    let finding = found.findings().map(|(_, finding)| finding).next().expect("a finding");
    assert_eq!(finding.object, "column snapshots.snapshot_body");
    assert_eq!(finding.mend.statements, [""; 0]);
    assert!(finding.mend.advice.as_deref().is_some_and(|advice| advice.contains("restore")));
}

#[tokio::test]
async fn logs_of_runs_that_are_alike_are_told_once() {
    const MANY: usize = 3_000;
    let directory = Home::new();
    let home = directory.path().join("home");
    copy_home("1.12", &home);
    let logs = home.join("history/runs");
    let found = check(&instance(&home).await).await;
    let own: u64 = found
        .databases
        .iter()
        .filter(|it| it.role == DatabaseRole::EventsOfOneRun)
        .map(|it| it.databases)
        .sum();
    let mut logs_of_runs =
        fs::read_dir(&logs).expect("logs").map(|entry| entry.expect("a log").path());
    let is_log = |path: &PathBuf| {
        path.extension().is_some_and(|it| it == "db") && !path.ends_with("index.db")
    };
    let one = logs_of_runs.find(is_log).expect("a log");
    for number in 0..MANY {
        fs::copy(&one, logs.join(format!("many-{number}.db"))).expect("a copy");
    }
    let mut client = Client::of_file(&logs.join("many-7.db")).await;
    client.send("UPDATE alembic_version SET version_num = '284a732df317'").await.expect("it");
    client.close().await;
    let mut client = Client::of_file(&logs.join("many-8.db")).await;
    client.send("DROP INDEX idx_events_by_run_id").await.expect("dropped");
    client.close().await;
    fs::write(logs.join("many-9.db"), vec![b'x'; 8_192]).expect("damage");
    let begun = std::time::Instant::now();
    let found = check(&instance(&home).await).await;
    println!("{MANY} logs of runs took {:?}", begun.elapsed());
    let of_runs: Vec<_> =
        found.databases.iter().filter(|it| it.role == DatabaseRole::EventsOfOneRun).collect();
    assert_eq!(of_runs.iter().map(|it| it.databases).sum::<u64>(), own + MANY as u64);
    assert!(of_runs.len() < 10, "{}", of_runs.len());
    let named = |name: &str| {
        let database = of_runs.iter().find(|it| it.database.ends_with(name)).expect(name);
        database.findings.iter().map(line).collect::<Vec<_>>()
    };
    assert!(
        named("many-7.db").iter().any(|line| line.starts_with("note: revision")),
        "{:?}",
        named("many-7.db")
    );
    assert_eq!(
        named("many-8.db"),
        ["warning: missing index: index idx_events_by_run_id on event_logs; expected (run_id, id)"]
    );
    assert!(named("many-9.db")[0].starts_with("error: unreadable"), "{:?}", named("many-9.db"));
}

#[tokio::test]
async fn findings_are_printed_with_what_mends_them() {
    let home = Home::new();
    home.ours(&["exec", "--", "true"]).succeeded();
    let mut client = Client::of_file(&home.path().join("history/runs.db")).await;
    for statement in [
        "ALTER TABLE bulk_actions DROP COLUMN job_name",
        "DROP INDEX idx_run_range",
        "ALTER TABLE daemon_heartbeats DROP COLUMN timestamp",
        "CREATE TABLE \"a\u{1b}b\" (id)",
    ] {
        client.send(statement).await.expect(statement);
    }
    client.close().await;
    let ended = home.ours(&["doctor", "--schema"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    insta::assert_snapshot!("printed", ended.stdout);
    let ended = home.ours(&["doctor", "--schema", "--json"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let place = home.path().display().to_string();
    insta::assert_snapshot!("printed_json", ended.stdout.replace(&place, "HOME"));
    // What is left is a warning.
    let found = check(&instance(home.path()).await).await;
    let mut client = Client::of_file(&home.path().join("history/runs.db")).await;
    for (_, finding) in found.findings().filter(|(_, it)| it.severity == SchemaSeverity::Error) {
        client.send_all(&finding.mend.statements).await.expect("a statement");
    }
    client.close().await;
    assert_eq!(home.ours(&["doctor", "--schema"]).code, Some(1));
}

#[tokio::test]
async fn a_store_that_is_kept_elsewhere_is_no_error() {
    let (database, home) = created("doctor_some").await;
    let drop = ["jobs", "job_ticks", "instigators", "asset_daemon_asset_evaluations"];
    sql(&database.url(), &[&format!("DROP TABLE {}", drop.join(", "))]);
    let found = lines(home.path()).await;
    assert_eq!(found, ["note: missing: tables of the store of schedules; found none of them"]);
}

#[tokio::test]
async fn tables_that_are_out_of_sight_are_not_made_again() {
    let (database, home) = created("doctor_unseen").await;
    sql(&database.url(), &["CREATE SCHEMA dagster", "ALTER TABLE kvs SET SCHEMA dagster"]);
    let found = check(&instance(home.path()).await).await;
    let (_, finding) = found.findings().next().expect("a finding");
    assert_eq!(line(finding), "error: missing: table kvs; found one in the schema dagster");
    assert_eq!(finding.mend.statements, [""; 0]);
    sql(
        &database.url(),
        &[
            "ALTER TABLE dagster.kvs SET SCHEMA public",
            "ALTER SCHEMA public RENAME TO hidden",
            "CREATE SCHEMA public",
        ],
    );
    let found = lines(home.path()).await;
    assert_eq!(
        found,
        ["error: missing: tables of Dagster's; found none of them; some in the schema hidden"]
    );
}

#[tokio::test]
async fn a_key_whose_build_has_failed_is_built_again() {
    let (database, home) = created("doctor_key").await;
    let mut client = Client::of_server(&database).await;
    let row =
        "INSERT INTO snapshots (snapshot_id, snapshot_body, snapshot_type) VALUES ('s', '', 'JOB')";
    client
        .send("ALTER TABLE snapshots DROP CONSTRAINT snapshots_snapshot_id_key CASCADE")
        .await
        .expect("it");
    for _ in 0..2 {
        client.send(row).await.expect("a row");
    }
    let statements = {
        let found = check(&instance(home.path()).await).await;
        let (_, finding) = found.findings().next().expect("a finding");
        finding.mend.statements.clone()
    };
    client.send_all(&statements).await.expect_err("rows are doubled");
    let found = lines(home.path()).await;
    assert!(
        found[0].starts_with("error: invalid: unique key of snapshots (snapshot_id)"),
        "{found:?}"
    );
    client.send("DELETE FROM snapshots").await.expect("deleted");
    for _ in 0..2 {
        mend(home.path(), &mut client).await;
    }
    assert_eq!(lines(home.path()).await, [""; 0]);
}

#[tokio::test]
async fn numbers_that_were_given_count_though_their_rows_are_gone() {
    let (database, home) = created("doctor_numbers").await;
    let mut client = Client::of_server(&database).await;
    for statement in [
        "ALTER TABLE job_ticks ALTER COLUMN id TYPE integer",
        "ALTER SEQUENCE job_ticks_id_seq AS integer",
        "SELECT setval('job_ticks_id_seq', 2147483600)",
        "ALTER SEQUENCE runs_id_seq MAXVALUE 10",
        "SELECT setval('runs_id_seq', 10)",
        // As after a copy of the rows alone.
        "INSERT INTO kvs (id, key, value) VALUES (7, 'a', '1')",
        "INSERT INTO jobs (id, job_origin_id) VALUES (1, 'o')",
        // Two servers share out these.
        "ALTER SEQUENCE snapshots_id_seq INCREMENT BY 2",
        "INSERT INTO snapshots (id, snapshot_id, snapshot_body, snapshot_type) VALUES (8, 's', '', 'JOB')",
    ] {
        client.send(statement).await.expect(statement);
    }
    insta::assert_snapshot!(lines(home.path()).await.join("\n"));
    mend(home.path(), &mut client).await;
    assert_eq!(lines(home.path()).await, [""; 0]);
    let insert = "INSERT INTO kvs (key, value) VALUES ('b', '2') RETURNING id::text";
    assert_eq!(client.rows(insert).await, [["8"]]);
}

#[tokio::test]
async fn a_table_that_is_made_anew_keeps_the_rows_that_name_its_rows() {
    let home = Home::new();
    home.ours(&["exec", "--tag", "a=b", "--", "true"]).succeeded();
    let path = home.path().join("history/runs.db");
    let mut client = Client::of_file(&path).await;
    for statement in ["DROP INDEX idx_run_range", "ALTER TABLE runs DROP COLUMN create_timestamp"] {
        client.send(statement).await.expect(statement);
    }
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    let tables = client.rows(tables).await;
    let mut counts = Vec::new();
    for table in &tables {
        counts.push(client.rows(&format!("SELECT count(*) || '' FROM {}", table[0])).await);
    }
    let at = tables.iter().position(|table| table[0] == "run_tags").expect("tags");
    assert_ne!(counts[at], [["0"]]);
    // As a shell that is set up so.
    client.send("PRAGMA foreign_keys = ON").await.expect("a setting");
    let found = check(&instance(home.path()).await).await;
    let is_anew = |statement: &String| statement == "DROP TABLE runs";
    assert!(found.findings().any(|(_, finding)| finding.mend.statements.iter().any(is_anew)));
    mend(home.path(), &mut client).await;
    for (table, before) in tables.iter().zip(&counts) {
        let now = client.rows(&format!("SELECT count(*) || '' FROM {}", table[0])).await;
        assert_eq!(&now, before, "{}", table[0]);
    }
}

/// `ON CONFLICT` looks at all unique keys of its columns, and takes none that is deferrable.
#[tokio::test]
async fn a_deferrable_key_beside_a_good_one_is_found() {
    let (database, home) = created("doctor_deferrable").await;
    let mut client = Client::of_server(&database).await;
    let put = "INSERT INTO kvs (key, value) VALUES ('a', 'b') ON CONFLICT (key) DO UPDATE SET value = 'c'";
    let add = "ALTER TABLE kvs ADD CONSTRAINT again UNIQUE (key) DEFERRABLE";
    client.send(add).await.expect("a key");
    client.send(put).await.expect_err("the server refuses it");
    let found = lines(home.path()).await;
    assert_eq!(
        found,
        [
            "error: different: index again on kvs; found it is DEFERRABLE, and then ON CONFLICT fails, though another unique key of \
          these columns is not"
        ]
    );
    mend(home.path(), &mut client).await;
    assert_eq!(lines(home.path()).await, [""; 0]);
    client.send(put).await.expect("a row");
}

#[tokio::test]
async fn tables_that_ours_hide_are_named() {
    let (database, home) = created("doctor_hiding").await;
    sql(
        &database.url(),
        &[
            "CREATE SCHEMA later",
            "CREATE TABLE later.runs (LIKE runs)",
            "CREATE TABLE later.kvs (LIKE kvs)",
        ],
    );
    assert_eq!(lines(home.path()).await, [""; 0]);
    let url = format!("{}?options=-csearch_path%3Dpublic,later", database.url());
    let settings = format!("storage:\n  postgres:\n    postgres_url: {url}\n");
    fs::write(home.path().join("dagster.yaml"), settings).expect("dagster.yaml");
    let found = lines(home.path()).await;
    assert_eq!(
        found,
        [
            "note: foreign: schema later; found it has tables of these names, too, and those of the schema public hide them: kvs, runs"
        ]
    );
}
