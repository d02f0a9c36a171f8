//! The schema, and statements on the rows of a fresh database.

use super::{at, check, check_sqlite};
use crate::sql::schema::{self, Schema};
use crate::sql::tables;

#[test]
fn statements() {
    check_sqlite("schema_select_sqlite_table_names", &schema::select_sqlite_table_names());
    #[cfg(feature = "postgres")]
    super::check_postgres(
        "schema_select_postgres_table_names",
        &schema::select_postgres_table_names(),
    );
    check("schema_select_revision", &schema::select_revision());
    check("schema_insert_revision", &schema::insert_revision());
    check(
        "schema_insert_completed_migration",
        &schema::insert_completed_migration("run_partitions", at()),
    );
    check(
        "schema_select_completed_migration",
        &schema::select_completed_migration("run_partitions"),
    );
    check("schema_insert_run_storage_id", &schema::insert_run_storage_id("an id"));
    check("schema_select_run_storage_id", &schema::select_run_storage_id());
    check("schema_delete_all", &schema::delete_all(tables::run_tags::TABLE));
}

#[test]
fn schemas_split_into_their_statements() {
    for (schema, script) in [
        (Schema::Runs, include_str!("../schema/sqlite_runs.sql")),
        (Schema::EventIndex, include_str!("../schema/sqlite_index.sql")),
        (Schema::EventShard, include_str!("../schema/sqlite_index.sql")),
        (Schema::Schedules, include_str!("../schema/sqlite_schedules.sql")),
    ] {
        check_split(schema, script, &schema.sqlite_statements().collect::<Vec<_>>());
    }
    #[cfg(feature = "postgres")]
    for (schema, script) in [
        (Schema::Runs, include_str!("../schema/postgres_runs.sql")),
        (Schema::EventIndex, include_str!("../schema/postgres_events.sql")),
        (Schema::EventShard, include_str!("../schema/postgres_events.sql")),
        (Schema::Schedules, include_str!("../schema/postgres_schedules.sql")),
    ] {
        check_split(schema, script, &schema.postgres_statements().collect::<Vec<_>>());
    }
}

#[track_caller]
fn check_split(schema: Schema, script: &str, statements: &[&str]) {
    let creates = script.lines().filter(|line| line.starts_with("CREATE ")).count();
    assert_eq!(statements.len(), creates, "{schema:?}");
    assert!(creates > 5, "{schema:?} has only {creates} statements");
    for statement in statements {
        assert!(statement.starts_with("CREATE "), "{schema:?}: {statement}");
        assert!(!statement.contains(';'), "{schema:?}: {statement}");
    }
}
