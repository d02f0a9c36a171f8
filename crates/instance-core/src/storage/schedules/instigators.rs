//! The states of schedules and sensors.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::StorageError;
use crate::scheduling::{InstigatorState, InstigatorStatus, InstigatorType};
use crate::storage::Only;

/// Which schedules and sensors are meant. Fields that are `None` or [`Only::Any`] do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstigatorFilter {
    /// Of the repository with this selector id.
    pub repository_selector_id: Option<String>,
    /// Of this type.
    pub instigator_type: Option<InstigatorType>,
    /// In one of these statuses, as stored.
    pub statuses: Only<InstigatorStatus>,
}

impl InstigatorFilter {
    /// A filter that lets all schedules and sensors through.
    pub fn new() -> Self {
        Self::default()
    }
}

crate::setters! {
    impl InstigatorFilter {
        /// Those of the repository with this selector id.
        with_repository_selector_id(repository_selector_id: impl Into<Option<String>>);
        /// Those of this type.
        with_instigator_type(instigator_type: impl Into<Option<InstigatorType>>);
        /// Those in one of these statuses, as stored.
        with_statuses(statuses: Only<InstigatorStatus>);
    }
}

/// The states of schedules and sensors.
///
/// Two ids name a schedule or sensor. The origin id is the hash of all that led to it. The selector id is the hash
/// of location, repository and name, and survives a move of the code.
#[async_trait]
pub trait InstigatorStore: std::fmt::Debug + Send + Sync + 'static {
    /// The states that match, oldest first.
    async fn all_instigator_state(
        &self,
        filter: &InstigatorFilter,
    ) -> Result<Vec<InstigatorState>, StorageError>;

    /// The state of the schedule or sensor with this selector id.
    async fn get_instigator_state(
        &self,
        selector_id: &str,
    ) -> Result<Option<InstigatorState>, StorageError>;

    /// Stores a state, under both of its ids, in one transaction. `at` is the time of the change. It counts if
    /// another origin has left a state under the same selector.
    ///
    /// # Errors
    ///
    /// [`StorageError::AlreadyExists`] if the origin has a state.
    async fn add_instigator_state(
        &self,
        state: &InstigatorState,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// Replaces a state, under both of its ids, in one transaction.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if the selector has none.
    async fn update_instigator_state(
        &self,
        state: &InstigatorState,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// Deletes the state of an origin, and that of its selector unless another origin still has it.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`] if the selector has none.
    async fn delete_instigator_state(
        &self,
        origin_id: &str,
        selector_id: &str,
    ) -> Result<(), StorageError>;
}
