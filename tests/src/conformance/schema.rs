//! What the three stores have in common: their schema and its data migrations.

use instance_core::storage::SchemaStore;

use super::envelope::{Request, Wire};
use super::errors::WireError;
use super::handles::Handle;

/// The data migrations that Dagster carries out with `dagster instance reindex` alone.
const OPTIONAL_DATA_MIGRATIONS: &[&str] =
    &["run_start_end_overwritten", "schedule_ticks_selector_id"];

/// The data migration of the table of assets; the other one of the store of events is of the events.
const ASSET_DATA_MIGRATION: &str = "asset_key_index_columns";

/// Answers a method that is about the schema; `None` if it is not.
pub(super) async fn call(
    store: &dyn SchemaStore,
    handle: &Handle,
    name: &str,
    request: &Request,
) -> Result<Option<Wire>, WireError> {
    Ok(Some(match name {
        // A store is only opened if its schema is the newest one.
        "alembic_version" if handle.is_persistent() => {
            let revision = store.schema_revision().await?;
            Wire::pair(revision.clone(), revision)
        }
        "has_built_index" => {
            let migration = request.argument("migration_name")?;
            store.has_built_index(migration.text()?).await?.into()
        }
        "mark_index_built" => {
            let migration = request.argument("migration_name")?;
            store.mark_index_built(migration.text()?, request.now).await?.into()
        }
        "has_secondary_index" => {
            let migration = request.argument("name")?;
            // Dagster's store in memory answers so for any name.
            let built = !handle.is_persistent() || store.has_built_index(migration.text()?).await?;
            built.into()
        }
        "enable_secondary_index" => {
            let migration = request.argument("name")?;
            store.mark_index_built(migration.text()?, request.now).await?.into()
        }
        "migrate" | "optimize" => {
            migrate(store, name, request, request.argument("force_rebuild_all")?.bool()?).await?
        }
        "reindex_events" | "reindex_assets" => {
            migrate(store, name, request, request.argument("force")?.bool()?).await?
        }
        // Dagster's stores in memory know no revision. There is nothing to upgrade, and connections are
        // pooled for whoever asks.
        "alembic_version" | "upgrade" | "optimize_for_webserver" => Wire::Null,
        _ => return Ok(None),
    }))
}

/// Marks the data migrations that a method is about, and says what Dagster prints. The work of a
/// migration itself has nothing to do in a store of the newest schema, nor has what it prints.
async fn migrate(
    store: &dyn SchemaStore,
    method: &str,
    request: &Request,
    force: bool,
) -> Result<Wire, WireError> {
    let kind = if request.method.starts_with("schedule.") { "migration" } else { "data migration" };
    let mut printed = Vec::new();
    for name in store.data_migrations().iter().filter(|name| is_part_of(method, name)) {
        if !force && store.has_built_index(name).await? {
            printed.push(format!("Skipping already applied {kind}: {name}"));
            continue;
        }
        printed.push(format!("Starting data migration: {name}"));
        store.mark_index_built(name, request.now).await?;
        printed.push(format!("Finished data migration: {name}"));
    }
    if !request.prints {
        printed.clear();
    }
    Ok(Wire::mapping([("printed", Wire::list(printed))]))
}

/// Whether a method carries out a data migration.
fn is_part_of(method: &str, migration: &str) -> bool {
    match method {
        "optimize" => OPTIONAL_DATA_MIGRATIONS.contains(&migration),
        "reindex_assets" => migration == ASSET_DATA_MIGRATION,
        "reindex_events" => migration != ASSET_DATA_MIGRATION,
        _ => !OPTIONAL_DATA_MIGRATIONS.contains(&migration),
    }
}
