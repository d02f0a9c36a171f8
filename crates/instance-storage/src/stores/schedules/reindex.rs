//! The data migration of the store of schedules: ticks name the selectors of their schedules and sensors.

use std::collections::BTreeMap;

use instance_core::error::StorageError;
use instance_core::storage::{DataMigrationStep, InstigatorFilter, InstigatorStore};

use super::SqlScheduleStorage;
use crate::db::{Connection, Row};
use crate::sql::reindex;
use crate::sql::tables::job_ticks::{ID, JOB_ORIGIN_ID, TABLE};
use crate::stores::schema;

/// How many ticks one step is about.
const TICKS_PER_STEP: u64 = 1_000;

impl SqlScheduleStorage {
    /// One step of a data migration.
    pub(super) async fn data_migration_step(
        &self,
        migration_name: &str,
        cursor: Option<&str>,
    ) -> Result<DataMigrationStep, StorageError> {
        if migration_name != "schedule_ticks_selector_id" {
            return Err(schema::no_such_migration(self.database.name(), migration_name));
        }
        let after = schema::id_cursor(migration_name, cursor)?;
        let select = reindex::select_ticks_without_selector(after, TICKS_PER_STEP);
        let tick = |row: &Row| {
            Ok((row.get::<i64>(TABLE, ID)?, row.get::<Option<String>>(TABLE, JOB_ORIGIN_ID)?))
        };
        let ticks = self.database.fetch_map("reading ticks", &select, tick).await?;
        let Some((last, _)) = ticks.last() else {
            return Ok(DataMigrationStep::default());
        };
        let step = DataMigrationStep::new(ticks.len() as u64, last.to_string());
        let states = self.all_instigator_state(&InstigatorFilter::default()).await?;
        let selectors: BTreeMap<String, String> =
            states.iter().map(|state| (state.origin.id(), state.selector_id())).collect();
        let mut by_selector: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (id, origin_id) in ticks {
            // A tick of a schedule or sensor that has no state keeps its origin alone, as in Dagster.
            if let Some(selector) = origin_id.and_then(|origin_id| selectors.get(&origin_id)) {
                by_selector.entry(selector.clone()).or_default().push(id);
            }
        }
        if !by_selector.is_empty() {
            self.database
                .write("naming selectors of ticks", move |mut connection: Connection<'_>| {
                    Box::pin(async move {
                        for (selector, ids) in &by_selector {
                            let update = reindex::update_selector_of_ticks(selector, ids);
                            connection.execute(&update).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
        }
        Ok(step)
    }
}
