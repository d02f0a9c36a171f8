//! Reporting what happened to assets outside of any run.

use instance_core::assets::AssetCheckEvaluation;
use instance_core::error::InstanceError;
use instance_core::event::{
    AssetMaterialization, AssetObservation, AssetObservationData, DagsterEvent, DagsterEventType,
    EventSpecificData, FreshnessStateChange, FreshnessStateEvaluation, ReportEvent,
    StepMaterializationData,
};
use instance_core::ops::{AssetOps, EventReporterExt};

/// What happened to an asset outside of any run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunlessAssetEvent {
    /// It was materialised.
    Materialization(AssetMaterialization),
    /// It was observed.
    Observation(AssetObservation),
    /// A check of it was evaluated.
    CheckEvaluation(AssetCheckEvaluation),
    /// Its freshness was evaluated.
    FreshnessEvaluation(FreshnessStateEvaluation),
    /// Its freshness changed.
    FreshnessChange(FreshnessStateChange),
}

macro_rules! from {
    ($($class:ident => $variant:ident),* $(,)?) => {
        $(
            impl From<$class> for RunlessAssetEvent {
                fn from(event: $class) -> Self {
                    Self::$variant(event)
                }
            }
        )*
    };
}

from! {
    AssetMaterialization => Materialization,
    AssetObservation => Observation,
    AssetCheckEvaluation => CheckEvaluation,
    FreshnessStateEvaluation => FreshnessEvaluation,
    FreshnessStateChange => FreshnessChange,
}

impl RunlessAssetEvent {
    fn into_event(self) -> DagsterEvent {
        let (event_type, data): (_, EventSpecificData) = match self {
            Self::Materialization(event) => (
                DagsterEventType::AssetMaterialization,
                StepMaterializationData::from(event).into(),
            ),
            Self::Observation(event) => {
                (DagsterEventType::AssetObservation, AssetObservationData::from(event).into())
            }
            Self::CheckEvaluation(event) => (DagsterEventType::AssetCheckEvaluation, event.into()),
            Self::FreshnessEvaluation(event) => {
                (DagsterEventType::FreshnessStateEvaluation, event.into())
            }
            Self::FreshnessChange(event) => (DagsterEventType::FreshnessStateChange, event.into()),
        };
        // It belongs to no job either, which Dagster writes so.
        DagsterEvent::new(event_type, "").with_data(data)
    }
}

/// Stores what happened to an asset outside of any run, with the time of the clock, and does what follows from it.
pub async fn report_runless_asset_event(
    ops: &dyn AssetOps,
    event: impl Into<RunlessAssetEvent> + Send,
) -> Result<(), InstanceError> {
    ops.report_dagster_event(ReportEvent::runless(event.into().into_event())).await
}
