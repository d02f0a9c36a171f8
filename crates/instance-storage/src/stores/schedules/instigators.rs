//! The states of schedules and sensors.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use instance_core::error::StorageError;
use instance_core::scheduling::InstigatorState;
use instance_core::storage::{InstigatorFilter, InstigatorStore};

use super::SqlScheduleStorage;
use crate::db::{Connection, Row};
use crate::sql::capabilities::Mark;
use crate::sql::instigators;
use crate::sql::tables::instigators::{INSTIGATOR_BODY, TABLE};
use crate::sql::tables::jobs;

#[async_trait]
impl InstigatorStore for SqlScheduleStorage {
    async fn all_instigator_state(
        &self,
        filter: &InstigatorFilter,
    ) -> Result<Vec<InstigatorState>, StorageError> {
        const READING: &str = "reading schedules and sensors";
        if self.place().await? == Place::Selectors {
            return self.database.fetch_map(READING, &instigators::select(filter), state).await;
        }
        let select = instigators::select_jobs(filter);
        let mut states = self.database.fetch_map(READING, &select, state_of_origin).await?;
        if let Some(id) = &filter.repository_selector_id {
            states.retain(|state| state.origin.repository_origin.selector().id() == *id);
        }
        Ok(states)
    }

    async fn get_instigator_state(
        &self,
        selector_id: &str,
    ) -> Result<Option<InstigatorState>, StorageError> {
        if self.place().await? == Place::Origins {
            let states = self.all_instigator_state(&InstigatorFilter::default()).await?;
            return Ok(of_selector(states, selector_id));
        }
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
        let (state, place) = (state.clone(), self.place().await?);
        self.database
            .write("changing a schedule or sensor", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    require(&mut connection, &state.selector_id(), place).await?;
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
        let place = self.place().await?;
        self.database
            .write("deleting a schedule or sensor", move |mut connection: Connection<'_>| {
                Box::pin(async move {
                    require(&mut connection, &selector_id, place).await?;
                    connection.execute(&instigators::delete_job(&origin_id)).await?;
                    connection.execute(&instigators::delete_instigator(&selector_id)).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Where states stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// By their selectors, and by their origins.
    Selectors,
    /// All of them by their origins alone: a data migration has not been finished.
    Origins,
}

impl SqlScheduleStorage {
    async fn place(&self) -> Result<Place, StorageError> {
        let is_built = self.database.capabilities().await?.is_built(Mark::ScheduleJobsSelectorId);
        Ok(if is_built { Place::Selectors } else { Place::Origins })
    }
}

/// The state of a selector among those of all origins. If several origins have it, the last one counts, as it does when
/// they are stored by their selectors.
fn of_selector(states: Vec<InstigatorState>, selector_id: &str) -> Option<InstigatorState> {
    states.into_iter().rfind(|state| state.selector_id() == selector_id)
}

async fn require(
    connection: &mut Connection<'_>,
    selector_id: &str,
    place: Place,
) -> Result<(), StorageError> {
    let is_there = match place {
        Place::Selectors => {
            connection.fetch_one(&instigators::select_one(selector_id)).await?.is_some()
        }
        Place::Origins => {
            let select = instigators::select_jobs(&InstigatorFilter::default());
            let rows = connection.fetch(&select).await?;
            let states = rows.iter().map(state_of_origin).collect::<Result<Vec<_>, _>>()?;
            of_selector(states, selector_id).is_some()
        }
    };
    if is_there {
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

fn state_of_origin(row: &Row) -> Result<InstigatorState, StorageError> {
    row.body(jobs::TABLE, jobs::JOB_BODY)
}
