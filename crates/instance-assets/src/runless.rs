//! Runless events: what happened to an asset outside of any run.

use instance_core::assets::AssetCheckEvaluation;
use instance_core::error::InstanceError;
use instance_core::event::{
    AssetMaterialization, AssetObservation, AssetObservationData, DagsterEvent, DagsterEventType,
    EventSpecificData, FreshnessStateChange, FreshnessStateEvaluation, ReportEvent,
    StepMaterializationData,
};
use instance_core::ops::{AssetOps, EventReporterExt};
use tracing::Instrument;

/// Something that happened to an asset outside of any run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunlessAssetEvent {
    /// The asset was materialised.
    Materialization(AssetMaterialization),
    /// The asset was observed.
    Observation(AssetObservation),
    /// A check of the asset was evaluated.
    CheckEvaluation(AssetCheckEvaluation),
    /// The freshness of the asset was evaluated.
    FreshnessEvaluation(FreshnessStateEvaluation),
    /// The freshness of the asset changed.
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
        // The event belongs to no job. Dagster writes that as an empty name.
        DagsterEvent::new(event_type, "").with_data(data)
    }
}

/// Reports something that happened to an asset outside of any run. The event gets the time of the clock.
///
/// The event is stored without a run, and changes what is known of the asset.
///
/// # Errors
///
/// [`InstanceError::Storage`] if the event is not stored. After [`InstanceError::EventsIncomplete`] and
/// [`InstanceError::EventsWaiting`] it must not be reported again: it is stored, or waits for the next attempt.
pub async fn report_runless_asset_event(
    ops: &dyn AssetOps,
    event: impl Into<RunlessAssetEvent> + Send,
) -> Result<(), InstanceError> {
    let event = event.into().into_event();
    let asset_key = event.asset_key().map(tracing::field::display);
    let span = tracing::debug_span!("report_runless_asset_event", asset_key);
    ops.report_dagster_event(ReportEvent::runless(event)).instrument(span).await
}
