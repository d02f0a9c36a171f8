//! The data migrations of the store of schedules: states stand by their selectors, and ticks name them.

use std::collections::BTreeMap;

use instance_core::error::StorageError;
use instance_core::scheduling::InstigatorState;
use instance_core::storage::{DataMigrationStep, InstigatorFilter, InstigatorStore};

use super::SqlScheduleStorage;
use crate::db::{Connection, Row};
use crate::sql::tables::job_ticks::{ID, JOB_ORIGIN_ID, TABLE};
use crate::sql::tables::jobs;
use crate::sql::{Dialect, reindex};
use crate::stores::schema::{self, Range};

/// How many states one step is about.
const STATES_PER_STEP: u64 = 500;
/// How many ticks one step is about.
const TICKS_PER_STEP: u64 = 1_000;

impl SqlScheduleStorage {
    /// One step of a data migration.
    pub(super) async fn data_migration_step(
        &self,
        migration_name: &str,
        cursor: Option<&str>,
    ) -> Result<DataMigrationStep, StorageError> {
        let after = schema::id_cursor(migration_name, cursor)?;
        match migration_name {
            "schedule_jobs_selector_id" => self.put_states_by_selector(after).await,
            "schedule_ticks_selector_id" => self.name_selectors_of_ticks(after).await,
            _ => Err(schema::no_such_migration(self.database.name(), migration_name)),
        }
    }

    /// How many rows a data migration has to look at.
    pub(super) async fn rows_left(&self, migration_name: &str) -> Result<u64, StorageError> {
        let table = match migration_name {
            "schedule_jobs_selector_id" => jobs::TABLE,
            "schedule_ticks_selector_id" => TABLE,
            _ => return Err(schema::no_such_migration(self.database.name(), migration_name)),
        };
        schema::at_most(&self.database, table).await
    }

    /// Stores the states that stand by their origins by their selectors, too. Of several origins with one selector, the
    /// last one counts.
    async fn put_states_by_selector(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        self.database
            .write("storing states by their selectors", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let mut select = reindex::select_jobs(after, STATES_PER_STEP);
                    if connection.dialect() == Dialect::Postgres {
                        // Whoever changes one of them waits, and then changes both of its rows.
                        select.lock_exclusive();
                    }
                    let rows = connection.fetch(&select).await?;
                    let mut last = None;
                    for row in &rows {
                        let id: i64 = row.get(jobs::TABLE, jobs::ID)?;
                        let state: InstigatorState = row.body(jobs::TABLE, jobs::JOB_BODY)?;
                        connection.execute(&reindex::put_instigator_of_job(id, &state)).await?;
                        let update = reindex::update_selector_of_job(id, &state.selector_id());
                        connection.execute(&update).await?;
                        last = Some(id);
                    }
                    let cursor = last.map(|last| last.to_string());
                    Ok(DataMigrationStep::new(rows.len() as u64, cursor))
                })
            })
            .await
    }

    async fn name_selectors_of_ticks(&self, after: i64) -> Result<DataMigrationStep, StorageError> {
        let Some(range) = Range::of(&self.database, TABLE, after, TICKS_PER_STEP).await? else {
            return Ok(DataMigrationStep::default());
        };
        let select = reindex::select_ticks_without_selector(after, range.last);
        let tick = |row: &Row| {
            Ok((row.get::<i64>(TABLE, ID)?, row.get::<Option<String>>(TABLE, JOB_ORIGIN_ID)?))
        };
        let ticks = self.database.fetch_map("reading ticks", &select, tick).await?;
        if ticks.is_empty() {
            return Ok(range.step());
        }
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
        Ok(range.step())
    }
}
