//! Runless events: what happened to an asset outside of any run.

use instance_core::assets::AssetCheckEvaluation;
use instance_core::error::InstanceError;
use instance_core::event::{
    AssetMaterialization, AssetObservation, AssetObservationData, DagsterEvent, DagsterEventType,
    EventSpecificData, FreshnessStateChange, FreshnessStateEvaluation, ReportEvent,
    StepMaterializationData,
};
use instance_core::ops::{AssetOps, EventReporterExt};
use instance_core::tags;
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

/// What the keys of tags begin with whose form Dagster itself defines.
const OWN_TAG_PREFIXES: [&str; 4] = [
    tags::MULTIDIMENSIONAL_PARTITION_PREFIX,
    "dagster/input_data_version",
    "dagster/input_logical_version",
    "dagster/input_event_pointer",
];

/// Other tags whose form Dagster itself defines.
const OWN_TAGS: [&str; 4] =
    [tags::CODE_VERSION, tags::DATA_VERSION, "dagster/logical_version", "dagster/reporting_user"];

/// How long a value of a tag may be, and each part of a key.
const LONGEST_OF_TAGS: usize = 63;

/// What a user may write in tags.
const ALLOWED: &str = "use letters, digits and \"_\", \"-\", \".\", at most 63, and one \"/\" after a namespace of a key";

fn is_own_tag(key: &str) -> bool {
    OWN_TAGS.contains(&key) || OWN_TAG_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn is_plain(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    text.len() <= LONGEST_OF_TAGS && text.bytes().all(is_allowed)
}

fn is_tag_key(key: &str) -> bool {
    let (namespace, name) = match key.strip_prefix("dagster/kind/") {
        Some(name) => ("kind", name),
        None => key.split_once('/').unwrap_or(("none", key)),
    };
    [namespace, name].iter().all(|part| !part.is_empty() && is_plain(part))
}

impl RunlessAssetEvent {
    fn require_valid_tags(&self) -> Result<(), InstanceError> {
        let tags = match self {
            Self::Materialization(event) => event.tags.as_ref(),
            Self::Observation(event) => event.tags.as_ref(),
            Self::CheckEvaluation(_) | Self::FreshnessEvaluation(_) | Self::FreshnessChange(_) => {
                None
            }
        };
        for (key, value) in tags.into_iter().flatten().filter(|(key, _)| !is_own_tag(key)) {
            if !is_tag_key(key) {
                return Err(InstanceError::invalid("key of an asset event's tag", key, ALLOWED));
            }
            if !is_plain(value) {
                return Err(InstanceError::invalid(
                    "value of an asset event's tag",
                    value,
                    ALLOWED,
                ));
            }
        }
        Ok(())
    }

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
/// [`InstanceError::Invalid`] for a tag of a materialisation or observation that Dagster does not allow: keys and
/// values are letters, digits and `_`, `-`, `.`, and a key may have a part before a `/`. Tags of Dagster's own may be
/// any. [`InstanceError::Storage`] if the event is not stored. After [`InstanceError::EventsIncomplete`] and
/// [`InstanceError::EventsWaiting`] it must not be reported again: it is stored, or waits for the next attempt.
pub async fn report_runless_asset_event(
    ops: &dyn AssetOps,
    event: impl Into<RunlessAssetEvent> + Send,
) -> Result<(), InstanceError> {
    let event = event.into();
    event.require_valid_tags()?;
    let event = event.into_event();
    let asset_key = event.asset_key().map(tracing::field::display);
    let span = tracing::debug_span!("report_runless_asset_event", asset_key);
    ops.report_dagster_event(ReportEvent::runless(event)).instrument(span).await
}
