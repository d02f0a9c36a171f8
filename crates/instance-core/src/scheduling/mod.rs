//! Schedules, sensors and their ticks; backfills; automation conditions.

mod automation;
mod backfill;
mod instigator;
mod remote;
mod retention;
mod run_request;
mod tick;

pub use automation::{
    AssetDaemonCursor, AssetJobKey, AssetSubsetWithMetadata, AutoMaterializeAssetEvaluationRecord,
    AutomationConditionCursor, AutomationConditionEvaluation, AutomationConditionEvaluationState,
    AutomationConditionEvaluationWithRunIds, AutomationConditionNodeCursor,
    AutomationConditionNodeSnapshot, AutomationConditionSnapshot, CandidateSubset, EntityKey,
    EntitySubsetValue, ExtraState, HistoricalAllPartitionsSubsetSentinel, SerializableEntitySubset,
};
pub use backfill::{
    AssetBackfillData, AssetGraphSubset, BulkActionStatus, BulkActionsFilter, PartitionBackfill,
    RemotePartitionSetOrigin,
};
pub use instigator::{
    InstigatorData, InstigatorState, InstigatorStatus, InstigatorType, RemoteInstigatorOrigin,
    RunStatusSensorCursor, ScheduleInstigatorData, SensorInstigatorData, SensorType,
};
pub use remote::{CronSchedule, DefaultStatus, InstigatorIds, RemoteSchedule, RemoteSensor};
pub use retention::{TickRetention, TickRetentionSettings};
pub use run_request::RunRequest;
pub use tick::{
    DynamicPartitionsRequestResult, InstigatorTick, InstigatorTickSummary, TickData, TickStatus,
};
