//! The schema, and statements on the rows of a fresh database.

use super::{at, check, check_sqlite};
use crate::sql::schema;
use crate::sql::tables;

#[test]
fn statements() {
    check_sqlite("schema_select_sqlite_columns", &schema::select_sqlite_columns());
    check_sqlite("schema_select_sqlite_tables", &schema::select_sqlite_tables());
    #[cfg(feature = "postgres")]
    super::check_postgres("schema_select_postgres_columns", &schema::select_postgres_columns());
    check("schema_select_completed_migrations", &schema::select_completed_migrations());
    check("schema_select_revision", &schema::select_revision());
    check("schema_insert_revision", &schema::insert_revision(schema::HEAD));
    check_sqlite("schema_update_revision", &schema::update_revision("5e139331e376"));
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
