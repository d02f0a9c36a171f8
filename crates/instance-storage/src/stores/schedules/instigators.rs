//! The states of schedules and sensors.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::scheduling::InstigatorState;
use instance_core::storage::{InstigatorFilter, InstigatorStore};

use super::SqlScheduleStorage;
use crate::db::{Connection, Row};
use crate::sql::instigators;
use crate::sql::tables::instigators::{INSTIGATOR_BODY, TABLE};

#[async_trait]
impl InstigatorStore for SqlScheduleStorage {
    async fn all_instigator_state(
        &self,
        filter: &InstigatorFilter,
    ) -> Result<Vec<InstigatorState>, StorageError> {
        let select = instigators::select(filter);
        self.database.fetch_map("reading schedules and sensors", &select, state).await
    }

    async fn get_instigator_state(
        &self,
        selector_id: &str,
    ) -> Result<Option<InstigatorState>, StorageError> {
        let select = instigators::select_one(selector_id);
        let row = self.database.fetch_one("reading a schedule or sensor", &select).await?;
        row.as_ref().map(state).transpose()
    }

    async fn add_instigator_state(
        &self,
        state: &InstigatorState,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let state = state.clone();
        self.database
            .write("adding a schedule or sensor", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    if connection.execute(&instigators::insert_job(&state)).await? == 0 {
                        return Err(StorageError::AlreadyExists {
                            what: "the state of the schedule or sensor with the origin",
                            id: state.instigator_origin_id(),
                        });
                    }
                    put_by_selector(&mut connection, &state, at).await
                })
            })
            .await
    }

    async fn update_instigator_state(
        &self,
        state: &InstigatorState,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let state = state.clone();
        self.database
            .write("changing a schedule or sensor", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    require(&mut connection, &state.selector_id()).await?;
                    connection.execute(&instigators::update_job(&state, at)).await?;
                    put_by_selector(&mut connection, &state, at).await
                })
            })
            .await
    }

    async fn delete_instigator_state(
        &self,
        origin_id: &str,
        selector_id: &str,
    ) -> Result<(), StorageError> {
        let (origin_id, selector_id) = (origin_id.to_owned(), selector_id.to_owned());
        self.database
            .write("deleting a schedule or sensor", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    require(&mut connection, &selector_id).await?;
                    connection.execute(&instigators::delete_job(&origin_id)).await?;
                    connection.execute(&instigators::delete_instigator(&selector_id)).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn require(connection: &mut Connection<'_>, selector_id: &str) -> Result<(), StorageError> {
    if connection.fetch_one(&instigators::select_one(selector_id)).await?.is_some() {
        return Ok(());
    }
    Err(StorageError::NotFound {
        what: "the state of the schedule or sensor with the selector",
        id: selector_id.to_owned(),
    })
}

async fn put_by_selector(
    connection: &mut Connection<'_>,
    state: &InstigatorState,
    at: DateTime<Utc>,
) -> Result<(), StorageError> {
    if connection.execute(&instigators::insert_instigator(state)).await? == 0 {
        connection.execute(&instigators::update_instigator(state, at)).await?;
    }
    Ok(())
}

fn state(row: &Row) -> Result<InstigatorState, StorageError> {
    row.body(TABLE, INSTIGATOR_BODY)
}
