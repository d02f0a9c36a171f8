//! The events that messages become, in the words of Dagster's reader of Pipes.

use std::collections::BTreeMap;

use instance_core::assets::{AssetCheckEvaluation, AssetCheckEvaluationTargetMaterializationData};
use instance_core::error_info::SerializableErrorInfo;
use instance_core::event::{
    AssetMaterialization, AssetObservation, AssetObservationData, DagsterEvent, DagsterEventType,
    EngineEventData,
};
use instance_core::serdes::UnknownFields;
use instance_core::tags;

use super::messages::{AssetReport, CheckReport};
use crate::process::events::RunEvents;

/// The tag by which Dagster tells data versions of users from its own.
const DATA_VERSION_IS_USER_PROVIDED: &str = "dagster/data_version_is_user_provided";

impl RunEvents<'_> {
    pub(super) fn pipes_materialization(
        &self,
        report: AssetReport,
        partition: Option<String>,
    ) -> DagsterEvent {
        let mut materialization = AssetMaterialization::new(report.asset_key, partition);
        materialization.metadata = report.metadata;
        materialization.tags = report.data_version.map(tags_of_version);
        self.materialization(materialization)
    }

    pub(super) fn pipes_observation(
        &self,
        report: AssetReport,
        partition: Option<String>,
    ) -> DagsterEvent {
        let message = format!("Observed asset {}.", report.asset_key.path.join(" "));
        let observation = AssetObservation {
            asset_key: report.asset_key,
            description: None,
            metadata: report.metadata,
            partition,
            tags: Some(report.data_version.map(tags_of_version).unwrap_or_default()),
            unknown: UnknownFields::default(),
        };
        self.of_step(DagsterEventType::AssetObservation)
            .with_message(message)
            .with_data(AssetObservationData::from(observation))
    }

    pub(super) fn pipes_check(
        &self,
        check: CheckReport,
        target: Option<AssetCheckEvaluationTargetMaterializationData>,
    ) -> DagsterEvent {
        let outcome = if check.passed { "passed" } else { "did not pass" };
        let asset = check.key.asset_key.to_user_string();
        let message = format!("Asset check '{}' on '{asset}' {outcome}.", check.key.name);
        let evaluation = AssetCheckEvaluation {
            asset_key: check.key.asset_key,
            blocking: Some(false),
            check_name: check.key.name,
            description: None,
            metadata: check
                .metadata
                .into_iter()
                .map(|entry| (entry.label, entry.entry_data))
                .collect(),
            partition: None,
            severity: check.severity,
            passed: check.passed,
            target_materialization_data: target,
            unknown: UnknownFields::default(),
        };
        self.of_step(DagsterEventType::AssetCheckEvaluation)
            .with_message(message)
            .with_data(evaluation)
    }

    pub(super) fn pipes_closed_with(&self, error: SerializableErrorInfo) -> DagsterEvent {
        self.pipes_error("[pipes] external process pipes closed with exception", error)
    }

    pub(super) fn pipes_framework_exception(&self, error: SerializableErrorInfo) -> DagsterEvent {
        let message =
            "[pipes] framework exception occurred in PipesFileMessageReader reader thread";
        self.pipes_error(message, error)
    }

    fn pipes_error(&self, message: &str, error: SerializableErrorInfo) -> DagsterEvent {
        let data = EngineEventData { error: Some(error), ..EngineEventData::default() };
        self.of_step(DagsterEventType::EngineEvent).with_message(message).with_data(data)
    }
}

fn tags_of_version(version: String) -> BTreeMap<String, String> {
    BTreeMap::from([
        (tags::DATA_VERSION.to_owned(), version),
        (DATA_VERSION_IS_USER_PROVIDED.to_owned(), "true".to_owned()),
    ])
}
