//! Events: what a run, a step or an asset reports, and the entries of the event log around them.

mod buffer;
mod cursor;
mod dagster_event;
mod data;
mod entry;
mod event_type;
mod handles;
mod level;
mod listeners;
mod materialization;
pub mod metadata;
mod report;

pub use buffer::{EventBatch, EventBatchMetadata, EventBuffer};
pub use cursor::{EventLogCursor, EventLogCursorError};
pub use dagster_event::DagsterEvent;
pub use data::*;
pub use entry::{EventLogConnection, EventLogEntry, EventLogRecord};
pub use event_type::DagsterEventType;
pub use handles::{
    AnyStepHandle, NodeHandle, ResolvedFromDynamicStepHandle, StepHandle, StepOutputHandle,
    UnresolvedStepHandle,
};
pub use level::LogLevel;
pub use listeners::{EventListener, EventListeners};
pub use materialization::{
    AssetLineageInfo, AssetMaterialization, AssetObservation, AssetObservationData,
    StepMaterializationData,
};
pub use metadata::{MetadataEntry, MetadataValue};
pub use report::{NewEvent, ReportEngineEvent, ReportEvent};
