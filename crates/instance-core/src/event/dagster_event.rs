//! The event itself: a typed report about a run, a step or an asset.

use std::collections::BTreeMap;

use crate::asset_key::AssetKey;
use crate::event::{
    AnyStepHandle, AssetMaterialization, DagsterEventType, EventSpecificData, JobFailureData,
    NodeHandle,
};
use crate::serdes::UnknownFields;
use crate::serdes_class;

serdes_class! {
    /// A typed report about a run, a step or an asset.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DagsterEvent = "DagsterEvent" {
        /// What the event carries beside its message.
        pub event_specific_data: Option<Box<EventSpecificData>> = "event_specific_data",
        /// The type, as text: a newer Dagster may have types that this version does not know.
        pub event_type_value: String = "event_type_value",
        /// Tags that loggers show.
        pub logging_tags: BTreeMap<String, String> = "logging_tags",
        /// The message for people.
        pub message: Option<String> = "message",
        /// The process that reported it.
        pub pid: Option<i64> = "pid",
        /// The job.
        pub job_name: String = "pipeline_name",
        /// The node, for an event of a step.
        pub node_handle: Option<NodeHandle> = "solid_handle",
        /// The step, for an event of a step.
        pub step_handle: Option<AnyStepHandle> = "step_handle",
        /// The key of the step, for an event of a step.
        pub step_key: Option<String> = "step_key",
        /// The kind of the step, for an event of a step.
        pub step_kind_value: Option<String> = "step_kind_value",
    }
}

impl DagsterEvent {
    /// An event of a type, without message, data or step.
    pub fn new(event_type: DagsterEventType, job_name: impl Into<String>) -> Self {
        Self {
            event_specific_data: None,
            event_type_value: event_type.as_str().to_owned(),
            logging_tags: BTreeMap::new(),
            message: None,
            pid: None,
            job_name: job_name.into(),
            node_handle: None,
            step_handle: None,
            step_key: None,
            step_kind_value: None,
            unknown: UnknownFields::default(),
        }
    }

    /// The same event with a message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The same event with data.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<EventSpecificData>) -> Self {
        self.event_specific_data = Some(Box::new(data.into()));
        self
    }

    /// The same event with the process that reports it.
    #[must_use]
    pub fn with_pid(mut self, pid: u32) -> Self {
        self.pid = Some(i64::from(pid));
        self
    }

    /// The same event with the key of a step, as events from outside of the step's process have it.
    #[must_use]
    pub fn with_step_key(mut self, step_key: impl Into<String>) -> Self {
        self.step_key = Some(step_key.into());
        self
    }

    /// The type; `None` for one that this version does not know.
    pub fn event_type(&self) -> Option<DagsterEventType> {
        DagsterEventType::from_value(&self.event_type_value)
    }

    /// The asset that the event is about, if it is about one.
    pub fn asset_key(&self) -> Option<AssetKey> {
        match self.event_specific_data.as_deref()? {
            EventSpecificData::StepMaterialization(data) => {
                Some(data.materialization.asset_key.clone())
            }
            EventSpecificData::AssetObservation(data) => {
                Some(data.asset_observation.asset_key.clone())
            }
            EventSpecificData::AssetMaterializationPlanned(data) => Some(data.asset_key.clone()),
            EventSpecificData::AssetFailedToMaterialize(data) => {
                Some(data.asset_materialization_failure.asset_key.clone())
            }
            EventSpecificData::FreshnessStateChange(data) => Some(data.key.clone()),
            EventSpecificData::AssetHealthChanged(data) => Some(data.asset_key.clone()),
            EventSpecificData::AssetWiped(data) => Some(data.asset_key.clone()),
            _ => None,
        }
    }

    /// The partition that the event is about, if it is about one.
    pub fn partition(&self) -> Option<&str> {
        match self.event_specific_data.as_deref()? {
            EventSpecificData::StepMaterialization(data) => {
                data.materialization.partition.as_deref()
            }
            EventSpecificData::AssetObservation(data) => {
                data.asset_observation.partition.as_deref()
            }
            EventSpecificData::AssetMaterializationPlanned(data) => data.partition.as_deref(),
            EventSpecificData::AssetFailedToMaterialize(data) => {
                data.asset_materialization_failure.partition.as_deref()
            }
            _ => None,
        }
    }

    /// The tags of the materialisation or observation that the event reports; `None` where there
    /// are none.
    pub fn asset_event_tags(&self) -> Option<&BTreeMap<String, String>> {
        match self.event_specific_data.as_deref()? {
            EventSpecificData::StepMaterialization(data) => data.materialization.tags.as_ref(),
            EventSpecificData::AssetObservation(data) => data.asset_observation.tags.as_ref(),
            _ => None,
        }
    }

    /// The materialisation that the event reports, if it reports one.
    pub fn materialization(&self) -> Option<&AssetMaterialization> {
        match self.event_specific_data.as_deref()? {
            EventSpecificData::StepMaterialization(data) => Some(&data.materialization),
            _ => None,
        }
    }

    /// The data of a run's failure, if it reports one.
    pub fn job_failure_data(&self) -> Option<&JobFailureData> {
        match self.event_specific_data.as_deref()? {
            EventSpecificData::JobFailure(data) => Some(data),
            _ => None,
        }
    }
}
