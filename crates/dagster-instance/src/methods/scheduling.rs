//! The methods of `instance-scheduling`, with its documentation.
//!
//! `cargo xtask codegen` writes this file: change the functions of `instance-scheduling` instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use instance_core::error::InstanceError;
use instance_core::scheduling::{
    AutoMaterializeAssetEvaluationRecord, AutomationConditionEvaluationWithRunIds,
    BulkActionsFilter, InstigatorIds, InstigatorState, InstigatorTick, InstigatorTickSummary,
    InstigatorType, PartitionBackfill, RemoteSchedule, RemoteSensor, TickData, TickRetention,
    TickStatus,
};
use instance_core::storage::{BackfillsPage, EvaluationsPage, InstigatorFilter, Only, TicksQuery};
use instance_scheduling::SchedulerDebugInfo;

use crate::instance::DagsterInstance;

impl DagsterInstance {
    /// Stores what one evaluation of automation conditions found, in one transaction.
    ///
    /// It replaces what the same evaluation had found for the same assets, checks and jobs. An empty list changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or for a key that this version does not know. Nothing is stored
    /// then.
    pub async fn add_auto_materialize_asset_evaluations(
        &self,
        evaluation_id: i64,
        evaluations: &[AutomationConditionEvaluationWithRunIds],
    ) -> Result<(), InstanceError> {
        instance_scheduling::add_auto_materialize_asset_evaluations(
            self,
            evaluation_id,
            evaluations,
        )
        .await
    }

    /// Stores a new backfill and its tags, in one transaction. Dagster's daemon goes on with it if its status is
    /// `REQUESTED`.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if a backfill of this id is stored, if no calendar has its time, or if the storage fails;
    /// [`InstanceError::Invalid`] for a backfill that Dagster could not read. Nothing is stored then.
    pub async fn add_backfill(&self, backfill: &PartitionBackfill) -> Result<(), InstanceError> {
        instance_scheduling::add_backfill(self, backfill).await
    }

    /// Stores the state of a schedule or sensor that has none, under both of its ids, in one transaction.
    ///
    /// If another origin has left a state under the same selector, this one takes its place.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the origin has a state, or if the storage fails; [`InstanceError::Invalid`] for a
    /// state that Dagster could not read. Nothing is written then.
    pub async fn add_instigator_state(&self, state: &InstigatorState) -> Result<(), InstanceError> {
        instance_scheduling::add_instigator_state(self, state).await
    }

    /// Returns the states of schedules and sensors that match a filter, oldest first.
    ///
    /// A default [`InstigatorFilter`] matches all of them. It looks at statuses as they are stored. A schedule or sensor
    /// that was never started, stopped or evaluated may have no state and is left out. The list is empty if none matches.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a state cannot be read.
    pub async fn all_instigator_state(
        &self,
        filter: &InstigatorFilter,
    ) -> Result<Vec<InstigatorState>, InstanceError> {
        instance_scheduling::all_instigator_state(self, filter).await
    }

    /// Stores a new tick; returns it with its id.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] for a tick that Dagster could not read; [`InstanceError::Storage`] if the storage fails,
    /// or if no calendar has the time of the tick. Nothing is stored then.
    pub async fn create_tick(&self, tick_data: &TickData) -> Result<InstigatorTick, InstanceError> {
        instance_scheduling::create_tick(self, tick_data).await
    }

    /// Deletes the state of a schedule or sensor, in one transaction.
    ///
    /// What is stored under the selector stays while another origin has a state with the same selector. Ticks stay.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the selector has no state, or if the storage fails. Nothing is deleted then.
    pub async fn delete_instigator_state(&self, ids: &InstigatorIds) -> Result<(), InstanceError> {
        instance_scheduling::delete_instigator_state(self, ids).await
    }

    /// Returns the evaluations of one asset, check or job that a page asks for, newest first; none if it has none.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a row cannot be read.
    pub async fn get_auto_materialize_asset_evaluations(
        &self,
        page: &EvaluationsPage,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, InstanceError> {
        instance_scheduling::get_auto_materialize_asset_evaluations(self, page).await
    }

    /// Returns what one evaluation found, in any order; nothing if there was no such evaluation.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a row cannot be read.
    pub async fn get_auto_materialize_evaluations_for_evaluation_id(
        &self,
        evaluation_id: i64,
    ) -> Result<Vec<AutoMaterializeAssetEvaluationRecord>, InstanceError> {
        instance_scheduling::get_auto_materialize_evaluations_for_evaluation_id(self, evaluation_id)
            .await
    }

    /// Returns a backfill by its id; `None` if there is no such backfill.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the backfill cannot be read.
    pub async fn get_backfill(
        &self,
        backfill_id: &str,
    ) -> Result<Option<PartitionBackfill>, InstanceError> {
        instance_scheduling::get_backfill(self, backfill_id).await
    }

    /// Returns the backfills that match a filter, newest first.
    ///
    /// A default [`BulkActionsFilter`] matches all backfills, and a default [`BackfillsPage`] means all that match. The list
    /// is empty if none matches, or if the page begins behind a backfill that is not stored.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a backfill cannot be read.
    pub async fn get_backfills(
        &self,
        filter: &BulkActionsFilter,
        page: &BackfillsPage,
    ) -> Result<Vec<PartitionBackfill>, InstanceError> {
        instance_scheduling::get_backfills(self, filter, page).await
    }

    /// Returns how many backfills match a filter. A default [`BulkActionsFilter`] matches all backfills.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_backfills_count(
        &self,
        filter: &BulkActionsFilter,
    ) -> Result<u64, InstanceError> {
        instance_scheduling::get_backfills_count(self, filter).await
    }

    /// Returns the newest ticks of each of several schedules and sensors, by their selector ids: at most `limit` of each,
    /// newest first. `None` means all.
    ///
    /// What has no such tick is left out. Ticks of old versions, which have no selector, are left out, too.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a tick cannot be read.
    pub async fn get_batch_ticks(
        &self,
        selector_ids: &[String],
        limit: Option<u64>,
        statuses: &Only<TickStatus>,
    ) -> Result<Vec<(String, Vec<InstigatorTick>)>, InstanceError> {
        instance_scheduling::get_batch_ticks(self, selector_ids, limit, statuses).await
    }

    /// Returns the values that daemons remember under these keys; keys without a value are left out.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn get_cursor_values(
        &self,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>, InstanceError> {
        instance_scheduling::get_cursor_values(self, keys).await
    }

    /// Returns the state of the schedule or sensor with a selector id; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the state cannot be read.
    pub async fn get_instigator_state(
        &self,
        selector_id: &str,
    ) -> Result<Option<InstigatorState>, InstanceError> {
        instance_scheduling::get_instigator_state(self, selector_id).await
    }

    /// Returns the next times at which a schedule ticks, beginning with the present one: at most `limit`, ascending.
    ///
    /// They are those at which Dagster's daemon evaluates it, in its time zone, whether or not it runs now. There are fewer
    /// where it is not known when the clocks of the zone will be set, after the year 2099.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Partitions`] if a cron schedule or the time zone cannot be used.
    pub fn get_next_schedule_ticks(
        &self,
        schedule: &RemoteSchedule,
        limit: usize,
    ) -> Result<Vec<DateTime<Utc>>, InstanceError> {
        instance_scheduling::get_next_schedule_ticks(self, schedule, limit)
    }

    /// Returns the last times at which a schedule was to tick, beginning with the present one: at most `limit`, descending.
    ///
    /// They are those of its definition as it is now, whether or not it ran then.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Partitions`] if a cron schedule or the time zone cannot be used.
    pub fn get_previous_schedule_ticks(
        &self,
        schedule: &RemoteSchedule,
        limit: usize,
    ) -> Result<Vec<DateTime<Utc>>, InstanceError> {
        instance_scheduling::get_previous_schedule_ticks(self, schedule, limit)
    }

    /// Returns the newest tick of a schedule or sensor that began within a second of a time; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if the tick cannot be read.
    pub async fn get_tick(
        &self,
        ids: &InstigatorIds,
        at: DateTime<Utc>,
    ) -> Result<Option<InstigatorTick>, InstanceError> {
        instance_scheduling::get_tick(self, ids, at).await
    }

    /// Returns for how many days the ticks of a type are kept, by their status.
    ///
    /// `retention` of `dagster.yaml` says it. What it does not say is Dagster's default: skipped ticks of sensors and of
    /// automation conditions are kept for a week, and all others for ever.
    pub fn get_tick_retention_settings(&self, instigator_type: InstigatorType) -> TickRetention {
        instance_scheduling::get_tick_retention_settings(self, instigator_type)
    }

    /// Returns what can be said of ticks without reading their bodies: id, origin, type, status and time, newest first.
    ///
    /// The query is that of [`get_ticks`](Self::get_ticks).
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a row cannot be read.
    pub async fn get_tick_summaries(
        &self,
        query: &TicksQuery,
    ) -> Result<Vec<InstigatorTickSummary>, InstanceError> {
        instance_scheduling::get_tick_summaries(self, query).await
    }

    /// Returns how often whoever evaluates a tick should ask whether somebody has ended it. `None` means never, as nobody
    /// can end a tick.
    pub fn get_tick_termination_check_interval(&self) -> Option<Duration> {
        instance_scheduling::get_tick_termination_check_interval()
    }

    /// Returns the ticks of a schedule or sensor that a query asks for, newest first; none if it has none.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a tick cannot be read.
    pub async fn get_ticks(
        &self,
        query: &TicksQuery,
    ) -> Result<Vec<InstigatorTick>, InstanceError> {
        instance_scheduling::get_ticks(self, query).await
    }

    /// Returns the ticks of these ids, in any order; those that are not stored are left out.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a tick cannot be read.
    pub async fn get_ticks_by_ids(
        &self,
        tick_ids: &[i64],
    ) -> Result<Vec<InstigatorTick>, InstanceError> {
        instance_scheduling::get_ticks_by_ids(self, tick_ids).await
    }

    /// Returns the file that a schedule logs into, by its origin id. Its directory is created if it is missing; the file
    /// need not exist.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] for an id that is no name of a directory; [`InstanceError::Config`] if only a class of
    /// somebody else's knows where the directory is; [`InstanceError::Storage`] if the directory cannot be created.
    pub fn logs_path_for_schedule(
        &self,
        schedule_origin_id: &str,
    ) -> Result<PathBuf, InstanceError> {
        instance_scheduling::logs_path_for_schedule(self, schedule_origin_id)
    }

    /// Deletes the evaluations that were stored before a time. Returns how many rows were deleted.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails; nothing is deleted then.
    pub async fn purge_asset_evaluations(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, InstanceError> {
        instance_scheduling::purge_asset_evaluations(self, before).await
    }

    /// Deletes the ticks of a schedule or sensor that have one of these statuses and began before a time. Returns how many
    /// were deleted.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails; nothing is deleted then.
    pub async fn purge_ticks(
        &self,
        ids: &InstigatorIds,
        before: DateTime<Utc>,
        statuses: &Only<TickStatus>,
    ) -> Result<u64, InstanceError> {
        instance_scheduling::purge_ticks(self, ids, before, statuses).await
    }

    /// Deletes the ticks of a schedule or sensor that are older than [`get_tick_retention_settings`](Self::get_tick_retention_settings) has them kept. Returns
    /// how many were deleted.
    ///
    /// Dagster's daemon does this after each tick. Ticks of each status are deleted in a transaction of their own.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails. Ticks of other statuses may be deleted by then; the call can be
    /// repeated.
    pub async fn purge_ticks_by_retention(
        &self,
        ids: &InstigatorIds,
        instigator_type: InstigatorType,
    ) -> Result<u64, InstanceError> {
        instance_scheduling::purge_ticks_by_retention(self, ids, instigator_type).await
    }

    /// Has the definition of a schedule say again whether it runs; returns the state that is stored.
    ///
    /// When the schedule last ticked stays stored. A stored state of a sensor of the same name is deleted first, in a
    /// transaction of its own.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
    pub async fn reset_schedule(
        &self,
        schedule: &RemoteSchedule,
    ) -> Result<InstigatorState, InstanceError> {
        instance_scheduling::reset_schedule(self, schedule).await
    }

    /// Has the definition of a sensor say again whether it runs; returns the state that is stored.
    ///
    /// What it remembers, such as its cursor, stays. A stored state of a schedule of the same name is deleted first, in a
    /// transaction of its own.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
    pub async fn reset_sensor(
        &self,
        sensor: &RemoteSensor,
    ) -> Result<InstigatorState, InstanceError> {
        instance_scheduling::reset_sensor(self, sensor).await
    }

    /// Returns the class that starts the runs of schedules: Dagster's daemon, unless `scheduler` of `dagster.yaml` names
    /// another.
    pub fn scheduler_class(&self) -> &str {
        instance_scheduling::scheduler_class(self)
    }

    /// Returns what there is to say of all schedules and sensors that have a state.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if a state cannot be read.
    pub async fn scheduler_debug_info(&self) -> Result<SchedulerDebugInfo, InstanceError> {
        instance_scheduling::scheduler_debug_info(self).await
    }

    /// Stores values under keys, in the place of those that are stored: all of them or none. An empty map changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn set_cursor_values(
        &self,
        pairs: &BTreeMap<String, String>,
    ) -> Result<(), InstanceError> {
        instance_scheduling::set_cursor_values(self, pairs).await
    }

    /// Has a schedule run from now on; returns the state that it is in.
    ///
    /// A schedule that runs already, by somebody's start or by its definition, is left as it is. A stored state of a
    /// sensor of the same name is deleted first, in a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
    pub async fn start_schedule(
        &self,
        schedule: &RemoteSchedule,
    ) -> Result<InstigatorState, InstanceError> {
        instance_scheduling::start_schedule(self, schedule).await
    }

    /// Has a sensor run from now on; returns the state that it is in.
    ///
    /// What it remembers, such as its cursor, stays. A sensor that runs already, by somebody's start or by its definition,
    /// is left as it is. A stored state of a schedule of the same name is deleted first, in a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails, or if somebody else stores a first state at the same time.
    pub async fn start_sensor(
        &self,
        sensor: &RemoteSensor,
    ) -> Result<InstigatorState, InstanceError> {
        instance_scheduling::start_sensor(self, sensor).await
    }

    /// Has a schedule run no more; returns the state that it is in.
    ///
    /// A schedule that is stopped already is left as it is. The definition says whether a schedule without a state runs,
    /// and when it ticks. Without it, the stored state has to say that. A stored state of a sensor of the same name is
    /// deleted if there is a definition, in a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if there is no definition, and the selector has no state or that of a sensor, or if the
    /// stored state does not say when the schedule ticks; nothing is changed then. [`InstanceError::Storage`] if the storage
    /// fails.
    pub async fn stop_schedule(
        &self,
        ids: &InstigatorIds,
        schedule: Option<&RemoteSchedule>,
    ) -> Result<InstigatorState, InstanceError> {
        instance_scheduling::stop_schedule(self, ids, schedule).await
    }

    /// Has a sensor run no more; returns the state that it is in.
    ///
    /// What it remembers, such as its cursor, stays. A sensor that is stopped already is left as it is. The definition says
    /// whether a sensor without a state runs. Without it, the stored state has to say that. A stored state of a schedule of
    /// the same name is deleted if there is a definition, in a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Invalid`] if there is no definition, and the selector has no state or that of a schedule; nothing
    /// is changed then. [`InstanceError::Storage`] if the storage fails.
    pub async fn stop_sensor(
        &self,
        ids: &InstigatorIds,
        sensor: Option<&RemoteSensor>,
    ) -> Result<InstigatorState, InstanceError> {
        instance_scheduling::stop_sensor(self, ids, sensor).await
    }

    /// Returns whether evaluations of automation conditions can be stored. They cannot in a database of a release before
    /// 1.3.5 that was never upgraded.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn supports_auto_materialize_asset_evaluations(&self) -> Result<bool, InstanceError> {
        instance_scheduling::supports_auto_materialize_asset_evaluations(self).await
    }

    /// Returns whether [`get_batch_ticks`](Self::get_batch_ticks) finds all ticks. It does not in a database where the ticks of releases before 1.0
    /// do not yet name what they belong to.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails.
    pub async fn supports_batch_tick_queries(&self) -> Result<bool, InstanceError> {
        instance_scheduling::supports_batch_tick_queries(self).await
    }

    /// Replaces a stored backfill.
    ///
    /// It goes on to be found by the tags, the job and the time that it was added with.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if no backfill of this id is stored, or if the storage fails; [`InstanceError::Invalid`]
    /// for a backfill that Dagster could not read. Nothing is changed then.
    pub async fn update_backfill(&self, backfill: &PartitionBackfill) -> Result<(), InstanceError> {
        instance_scheduling::update_backfill(self, backfill).await
    }

    /// Replaces the state of a schedule or sensor, under both of its ids, in one transaction.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the selector has no state, or if the storage fails; [`InstanceError::Invalid`] for a
    /// state that Dagster could not read. Nothing is written then.
    pub async fn update_instigator_state(
        &self,
        state: &InstigatorState,
    ) -> Result<(), InstanceError> {
        instance_scheduling::update_instigator_state(self, state).await
    }

    /// Replaces a stored tick.
    ///
    /// A tick of an old version, which has no selector, may get one.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if no tick of this id is stored, if no calendar has the time of the tick, or if the
    /// storage fails; [`InstanceError::Invalid`] if the stored tick is of another schedule or sensor, or if Dagster could
    /// not read the tick. Nothing is changed then.
    pub async fn update_tick(&self, tick: &InstigatorTick) -> Result<(), InstanceError> {
        instance_scheduling::update_tick(self, tick).await
    }

    /// Deletes the states of all schedules and sensors, all ticks, and all evaluations of automation conditions, in one
    /// transaction.
    ///
    /// Backfills and the cursors of daemons stay.
    ///
    /// # Errors
    ///
    /// [`InstanceError::Storage`] if the storage fails; nothing is deleted then.
    pub async fn wipe_all_schedules(&self) -> Result<(), InstanceError> {
        instance_scheduling::wipe_all_schedules(self).await
    }
}
