//! Evaluations of automation conditions, and what is remembered between them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::event::MetadataValue;
use crate::partitions::PartitionsSubset;
use crate::serdes::{
    FrozenSet, Kind, Number, Opaque, Pack, PairMap, Reader, SerdesClass, SerdesError,
    UnknownFields, Unpack, Writer, json_to_text, text_to_json,
};
use crate::{serdes_class, serdes_union};

serdes_union! {
    /// What an automation condition is about.
    pub enum EntityKey {
        /// An asset.
        Asset(AssetKey),
        /// A check on an asset.
        AssetCheck(AssetCheckKey),
        /// A job of assets.
        AssetJob(AssetJobKey),
    }
}

impl EntityKey {
    /// The form that stands in columns of the database; `None` for a key that this version does not know.
    pub fn to_db_string(&self) -> Option<String> {
        match self {
            Self::Asset(key) => Some(key.to_db_string()),
            Self::AssetCheck(key) => Some(json_to_text(&serde_json::json!({
                "asset_key": key.asset_key.to_db_string(),
                "check_name": key.name,
            }))),
            Self::AssetJob(key) => {
                Some(json_to_text(&serde_json::json!({ "job_name": key.job_name })))
            }
            Self::Opaque(_) => None,
        }
    }

    /// Reads the form that stands in columns of the database; `None` if it is not such a text.
    pub fn from_db_string(text: &str) -> Option<Self> {
        if let Some(key) = AssetKey::from_db_string(text) {
            return Some(key.into());
        }
        let object = text_to_json(text).ok()?;
        let field = |name: &str| object.get(name)?.as_str();
        if let Some(job_name) = field("job_name") {
            let (job_name, unknown) = (job_name.to_owned(), UnknownFields::default());
            return Some(AssetJobKey { job_name, unknown }.into());
        }
        let asset_key = AssetKey::from_db_string(field("asset_key")?)?;
        let (name, unknown) = (field("check_name")?.to_owned(), UnknownFields::default());
        Some(AssetCheckKey { asset_key, name, unknown }.into())
    }
}

serdes_class! {
    /// The key of a job of assets.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AssetJobKey = "AssetJobKey" {
        /// The name of the job.
        pub job_name: String = "job_name",
    }
}

serdes_class! {
    /// Which part of an asset, check or job is meant.
    #[derive(Debug, Clone, PartialEq)]
    pub struct SerializableEntitySubset = "AssetSubset" | "ValidAssetSubset" | "SerializableEntitySubset" {
        /// The asset, check or job.
        pub key: EntityKey = "asset_key",
        /// The part.
        pub value: EntitySubsetValue = "value",
    }
}

/// A part of an asset, check or job: all or nothing, or some of its partitions.
#[derive(Debug, Clone, PartialEq)]
pub enum EntitySubsetValue {
    /// All of it, or nothing.
    Whole(bool),
    /// Some of its partitions.
    Partitions(Box<PartitionsSubset>),
}

impl Pack for EntitySubsetValue {
    fn pack(&self, writer: &mut Writer) {
        match self {
            Self::Whole(value) => value.pack(writer),
            Self::Partitions(subset) => subset.pack(writer),
        }
    }
}

impl Unpack for EntitySubsetValue {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        if reader.kind()? == Kind::Bool {
            return reader.bool().map(Self::Whole);
        }
        Unpack::unpack(reader).map(Self::Partitions)
    }
}

serdes_class! {
    /// All partitions that there were at some time.
    #[derive(Debug, Clone, PartialEq)]
    pub struct HistoricalAllPartitionsSubsetSentinel = "HistoricalAllPartitionsSubsetSentinel" {}
}

serdes_union! {
    /// What a condition looked at.
    pub enum CandidateSubset {
        /// This part.
        Subset(Box<SerializableEntitySubset>),
        /// Everything.
        All(HistoricalAllPartitionsSubsetSentinel),
    }
}

serdes_class! {
    /// A part, and what is to be known of it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetSubsetWithMetadata = "AssetSubsetWithMetadata" {
        /// The metadata, by label.
        pub metadata: BTreeMap<String, MetadataValue> = "metadata",
        /// The part.
        pub subset: SerializableEntitySubset = "subset",
    }
}

serdes_class! {
    /// A condition within a tree of conditions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutomationConditionNodeSnapshot = "AssetConditionSnapshot" {
        /// The class of the condition.
        pub class_name: String = "class_name",
        /// The condition in words.
        pub description: String = "description",
        /// The label that the user gave it.
        pub label: Option<String> = "label",
        /// The name.
        pub name: Option<String> = "name",
        /// How it combines the conditions below it: `and`, `or`, `not` or `identity`.
        pub operator_type: Option<String> = "operator_type",
        /// The id that no other condition has.
        pub unique_id: String = "unique_id",
    }
}

serdes_class! {
    /// A tree of conditions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutomationConditionSnapshot = "AutomationConditionSnapshot" {
        /// The conditions below it.
        pub children: Vec<AutomationConditionSnapshot> = "children",
        /// The condition itself.
        pub node_snapshot: AutomationConditionNodeSnapshot = "node_snapshot",
    }
}

serdes_class! {
    /// The evaluation of a condition and of those below it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutomationConditionEvaluation = "AssetConditionEvaluation" {
        /// What it looked at.
        pub candidate_subset: CandidateSubset = "candidate_subset",
        /// The evaluations of the conditions below it.
        pub child_evaluations: Vec<AutomationConditionEvaluation> = "child_evaluations",
        /// The condition.
        pub condition_snapshot: AutomationConditionNodeSnapshot = "condition_snapshot",
        /// When it ended, in seconds since 1970.
        pub end_timestamp: Option<Number> = "end_timestamp",
        /// The metadata, by label.
        pub metadata: Option<BTreeMap<String, MetadataValue>> = "metadata",
        /// When it began, in seconds since 1970.
        pub start_timestamp: Option<Number> = "start_timestamp",
        /// Parts of which there is something to be known.
        pub subsets_with_metadata: Vec<AssetSubsetWithMetadata> = "subsets_with_metadata",
        /// The part for which it holds.
        pub true_subset: SerializableEntitySubset = "true_subset",
    }
}

serdes_class! {
    /// An evaluation with the runs that it led to.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutomationConditionEvaluationWithRunIds = "AssetConditionEvaluationWithRunIds" {
        /// The evaluation.
        pub evaluation: AutomationConditionEvaluation = "evaluation",
        /// The runs.
        pub run_ids: FrozenSet<String> = "run_ids",
    }
}

impl AutomationConditionEvaluationWithRunIds {
    /// What was evaluated.
    pub const fn key(&self) -> &EntityKey {
        &self.evaluation.true_subset.key
    }

    /// How many partitions were asked for, one standing for an asset without partitions; `None` where
    /// their number follows from a definition that this version does not evaluate.
    pub fn num_requested(&self) -> Option<i64> {
        match &self.evaluation.true_subset.value {
            EntitySubsetValue::Whole(all) => Some(i64::from(*all)),
            EntitySubsetValue::Partitions(subset) => subset.num_partitions(),
        }
    }
}

/// A stored evaluation of an automation condition.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AutoMaterializeAssetEvaluationRecord {
    /// The id of the row.
    pub id: i64,
    /// The evaluation, as its text, which only few callers read.
    pub serialized_evaluation_body: String,
    /// The id of the evaluation of all conditions that it belongs to.
    pub evaluation_id: i64,
    /// When it was stored.
    pub timestamp: DateTime<Utc>,
    /// What was evaluated.
    pub key: EntityKey,
}

impl AutoMaterializeAssetEvaluationRecord {
    /// The row of this id: the evaluation of a key, as its text, with the evaluation of all conditions that it
    /// belongs to, and the time at which it was stored.
    pub const fn new(
        id: i64,
        key: EntityKey,
        serialized_evaluation_body: String,
        evaluation_id: i64,
        timestamp: DateTime<Utc>,
    ) -> Self {
        Self { id, serialized_evaluation_body, evaluation_id, timestamp, key }
    }
}

serdes_class! {
    /// What is remembered of an evaluation, in old versions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutomationConditionEvaluationState = "AssetConditionEvaluationState" {
        /// What conditions remember themselves.
        pub extra_state_by_unique_id: Opaque = "extra_state_by_unique_id",
        /// The last event that was taken into account.
        pub max_storage_id: Option<i64> = "max_storage_id",
        /// The evaluation.
        pub previous_evaluation: AutomationConditionEvaluation = "previous_evaluation",
        /// When it was, in seconds since 1970.
        pub previous_tick_evaluation_timestamp: Option<Number> = "previous_tick_evaluation_timestamp",
    }
}

serdes_class! {
    /// What is remembered between evaluations of an asset's condition.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutomationConditionCursor = "AutomationConditionCursor" {
        /// The time of the evaluation, in seconds since 1970.
        pub effective_timestamp: Number = "effective_timestamp",
        /// The last event that was taken into account.
        pub last_event_id: Option<i64> = "last_event_id",
        /// What each condition remembers, by the condition's unique id.
        pub node_cursors_by_unique_id: BTreeMap<String, AutomationConditionNodeCursor> =
            "node_cursors_by_unique_id",
        /// What was asked for.
        pub previous_requested_subset: SerializableEntitySubset = "previous_requested_subset",
        /// A hash of the result.
        pub result_value_hash: String = "result_value_hash",
    }
}

/// What a class of conditions remembers beyond what all do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ExtraState {
    /// A text of its own.
    Text(String),
    /// A part.
    Subset(Box<SerializableEntitySubset>),
    /// Several parts.
    Subsets(Vec<SerializableEntitySubset>),
    /// Something that this version does not interpret.
    Opaque(Opaque),
}

impl Pack for ExtraState {
    fn pack(&self, writer: &mut Writer) {
        match self {
            Self::Text(text) => text.pack(writer),
            Self::Subset(subset) => subset.pack(writer),
            Self::Subsets(subsets) => subsets.pack(writer),
            Self::Opaque(value) => value.pack(writer),
        }
    }
}

impl Unpack for ExtraState {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, SerdesError> {
        let is_subset = |class: Option<std::borrow::Cow<'_, str>>| {
            class.is_some_and(|class| SerializableEntitySubset::has_storage_name(&class))
        };
        match reader.kind()? {
            Kind::String => Unpack::unpack(reader).map(Self::Text),
            Kind::List => Unpack::unpack(reader).map(Self::Subsets),
            Kind::Object if is_subset(reader.class()?) => Unpack::unpack(reader).map(Self::Subset),
            _ => Unpack::unpack(reader).map(Self::Opaque),
        }
    }
}

serdes_class! {
    /// What a condition remembers between evaluations.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AutomationConditionNodeCursor = "AutomationConditionNodeCursor" {
        /// What it looked at.
        pub candidate_subset: CandidateSubset = "candidate_subset",
        /// What its own class remembers.
        pub extra_state: Option<ExtraState> = "extra_state",
        /// The metadata, by label.
        pub metadata: Option<BTreeMap<String, MetadataValue>> = "metadata",
        /// Parts of which there is something to be known.
        pub subsets_with_metadata: Vec<AssetSubsetWithMetadata> = "subsets_with_metadata",
        /// The part for which it held.
        pub true_subset: SerializableEntitySubset = "true_subset",
    }
}

serdes_class! {
    /// What is remembered between evaluations of all conditions.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetDaemonCursor = "AssetDaemonCursor" {
        /// The number of the evaluation.
        pub evaluation_id: i64 = "evaluation_id",
        /// When observations were last asked for, by asset, in seconds since 1970.
        pub last_observe_request_timestamp_by_asset_key: PairMap<AssetKey, Number> =
            "last_observe_request_timestamp_by_asset_key",
        /// What is remembered of each asset.
        pub previous_condition_cursors: Option<Vec<AutomationConditionCursor>> =
            "previous_condition_cursors",
        /// What is remembered of each asset, in old versions.
        pub previous_evaluation_state: Option<Vec<AutomationConditionEvaluationState>> =
            "previous_evaluation_state",
    }
}
