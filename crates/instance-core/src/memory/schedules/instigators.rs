//! The states of schedules and sensors.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryScheduleStorage;
use crate::error::StorageError;
use crate::scheduling::InstigatorState;
use crate::storage::{InstigatorFilter, InstigatorStore};

/// The states of schedules and sensors.
#[derive(Debug, Default)]
pub(in crate::memory) struct Instigators {
    /// The selector of each origin that has a state.
    selector_of_origin: BTreeMap<String, String>,
    /// The state of each selector, oldest first.
    states: Vec<(String, InstigatorState)>,
}

impl Instigators {
    fn state(&self, selector_id: &str) -> Option<&InstigatorState> {
        self.states.iter().find(|(id, _)| id == selector_id).map(|(_, state)| state)
    }

    fn require(&self, selector_id: &str) -> Result<(), StorageError> {
        if self.state(selector_id).is_some() {
            return Ok(());
        }
        Err(StorageError::NotFound {
            what: "the state of the schedule or sensor with the selector",
            id: selector_id.to_owned(),
        })
    }

    fn put(&mut self, selector_id: String, state: InstigatorState) {
        match self.states.iter_mut().find(|(id, _)| *id == selector_id) {
            Some((_, stored)) => *stored = state,
            None => self.states.push((selector_id, state)),
        }
    }
}

#[async_trait]
impl InstigatorStore for MemoryScheduleStorage {
    async fn all_instigator_state(
        &self,
        filter: &InstigatorFilter,
    ) -> Result<Vec<InstigatorState>, StorageError> {
        let state = self.shared.lock();
        let is_meant = |state: &&InstigatorState| {
            filter
                .repository_selector_id
                .as_ref()
                .is_none_or(|asked| state.origin.repository_origin.selector().id() == *asked)
                && filter.instigator_type.is_none_or(|asked| state.instigator_type == asked)
                && filter.statuses.contains(&state.status)
        };
        let states = state.instigators.states.iter().map(|(_, state)| state);
        Ok(states.filter(is_meant).cloned().collect())
    }

    async fn get_instigator_state(
        &self,
        selector_id: &str,
    ) -> Result<Option<InstigatorState>, StorageError> {
        Ok(self.shared.lock().instigators.state(selector_id).cloned())
    }

    async fn add_instigator_state(
        &self,
        state: &InstigatorState,
        _: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let (origin_id, selector_id) = (state.instigator_origin_id(), state.selector_id());
        let mut stored = self.shared.lock();
        let instigators = &mut stored.instigators;
        if instigators.selector_of_origin.contains_key(&origin_id) {
            return Err(StorageError::AlreadyExists {
                what: "the state of the schedule or sensor with the origin",
                id: origin_id,
            });
        }
        instigators.selector_of_origin.insert(origin_id, selector_id.clone());
        instigators.put(selector_id, state.clone());
        Ok(())
    }

    async fn update_instigator_state(
        &self,
        state: &InstigatorState,
        _: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let selector_id = state.selector_id();
        let mut stored = self.shared.lock();
        stored.instigators.require(&selector_id)?;
        stored.instigators.put(selector_id, state.clone());
        Ok(())
    }

    async fn delete_instigator_state(
        &self,
        origin_id: &str,
        selector_id: &str,
    ) -> Result<(), StorageError> {
        let mut stored = self.shared.lock();
        let instigators = &mut stored.instigators;
        instigators.require(selector_id)?;
        instigators.selector_of_origin.remove(origin_id);
        if !instigators.selector_of_origin.values().any(|id| id == selector_id) {
            instigators.states.retain(|(id, _)| id != selector_id);
        }
        Ok(())
    }
}
