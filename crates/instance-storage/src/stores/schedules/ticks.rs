//! Ticks.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::error::{Persistence, StorageError};
use instance_core::scheduling::{
    InstigatorTick, InstigatorTickSummary, InstigatorType, TickData, TickStatus,
};
use instance_core::serdes::UnknownFields;
use instance_core::storage::{Only, TickStore, TicksQuery};

use super::SqlScheduleStorage;
use crate::db::{Connection, Row, naming};
use crate::sql::capabilities::Mark;
use crate::sql::tables::job_ticks::{
    ID, JOB_ORIGIN_ID, STATUS, TABLE, TICK_BODY, TICK_TYPE, TIMESTAMP,
};
use crate::sql::ticks;
use crate::stores::column_time;

#[async_trait]
impl TickStore for SqlScheduleStorage {
    async fn supports_batch_queries(&self) -> Result<bool, StorageError> {
        Ok(self.database.capabilities().await?.is_built(Mark::ScheduleTicksSelectorId))
    }

    async fn create_tick(&self, tick_data: &TickData) -> Result<InstigatorTick, StorageError> {
        let at = column_time("the time of a tick", tick_data.timestamp.as_f64())?;
        let insert = ticks::insert(tick_data, at);
        let tick_id = self
            .database
            .write("adding a tick", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    let row = connection.fetch_one(&insert).await?;
                    row.as_ref().map(Row::scalar::<i64>).transpose()
                })
            })
            .await
            .map_err(naming(ticks::bounded(tick_data)))?;
        let tick_id = tick_id.ok_or_else(|| StorageError::Backend {
            database: self.database.name().to_string(),
            operation: "adding a tick",
            persistence: Persistence::Permanent,
            source: "the row was given no id".into(),
        })?;
        let (tick_data, unknown) = (tick_data.clone(), UnknownFields::default());
        Ok(InstigatorTick { tick_data, tick_id, unknown })
    }

    async fn update_tick(&self, tick: &InstigatorTick) -> Result<(), StorageError> {
        let at = column_time("the time of a tick", tick.tick_data.timestamp.as_f64())?;
        let update = ticks::update(tick.tick_id, &tick.tick_data, at);
        let changed = self.database.execute("changing a tick", update).await.map(drop);
        changed.map_err(naming(ticks::bounded(&tick.tick_data)))
    }

    async fn get_tick(&self, tick_id: i64) -> Result<Option<InstigatorTick>, StorageError> {
        Ok(self.get_ticks_by_ids(&[tick_id]).await?.pop())
    }

    async fn get_ticks_by_ids(
        &self,
        tick_ids: &[i64],
    ) -> Result<Vec<InstigatorTick>, StorageError> {
        if tick_ids.is_empty() {
            return Ok(Vec::new());
        }
        self.database.fetch_map("reading ticks", &ticks::select_by_ids(tick_ids), tick).await
    }

    async fn get_ticks(&self, query: &TicksQuery) -> Result<Vec<InstigatorTick>, StorageError> {
        self.database.fetch_map("reading ticks", &ticks::select(query), tick).await
    }

    async fn get_tick_summaries(
        &self,
        query: &TicksQuery,
    ) -> Result<Vec<InstigatorTickSummary>, StorageError> {
        let rows = self.database.fetch("reading ticks", &ticks::select_summaries(query)).await?;
        let summary = |row: &Row| {
            Ok(InstigatorTickSummary::new(
                row.get(TABLE, ID)?,
                row.get::<String>(TABLE, JOB_ORIGIN_ID)?,
                row.parsed(TABLE, TICK_TYPE, "type of an instigator", InstigatorType::from_name)?,
                row.parsed(TABLE, STATUS, "status of a tick", TickStatus::from_name)?,
                row.get(TABLE, TIMESTAMP)?,
            ))
        };
        rows.iter().map(summary).collect()
    }

    async fn get_batch_ticks(
        &self,
        selector_ids: &[String],
        limit: Option<u64>,
        statuses: &Only<TickStatus>,
    ) -> Result<Vec<(String, Vec<InstigatorTick>)>, StorageError> {
        let mut found = Vec::new();
        for selector_id in selector_ids {
            let select = ticks::select_of_selector(selector_id, limit, statuses);
            let rows = self.database.fetch("reading ticks", &select).await?;
            if !rows.is_empty() {
                let newest = rows.iter().map(tick).collect::<Result<_, _>>()?;
                found.push((selector_id.clone(), newest));
            }
        }
        Ok(found)
    }

    async fn purge_ticks(
        &self,
        origin_id: &str,
        selector_id: &str,
        before: DateTime<Utc>,
        statuses: &Only<TickStatus>,
    ) -> Result<u64, StorageError> {
        let delete = ticks::delete(origin_id, selector_id, before, statuses);
        self.database.execute("deleting ticks", delete).await
    }
}

fn tick(row: &Row) -> Result<InstigatorTick, StorageError> {
    Ok(InstigatorTick {
        tick_data: row.body(TABLE, TICK_BODY)?,
        tick_id: row.get(TABLE, ID)?,
        unknown: UnknownFields::default(),
    })
}
