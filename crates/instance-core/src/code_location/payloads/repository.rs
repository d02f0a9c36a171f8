//! What a code server tells of its repositories.

use std::collections::BTreeMap;

use crate::asset_key::{AssetCheckKey, AssetKey};
use crate::error_info::SerializableErrorInfo;
use crate::partitions::PartitionsSnap;
use crate::run::CodePointer;
use crate::serdes::Opaque;
use crate::serdes_class;
use crate::snap::{AssetExecutionType, JobSnap};

serdes_class! {
    /// The repositories of a code server, and how its code is started elsewhere.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ListRepositoriesResponse = "ListRepositoriesResponse" {
        /// The configuration of its container.
        pub container_context: Option<Opaque> = "container_context",
        /// The image of its container.
        pub container_image: Option<String> = "container_image",
        /// The versions of Dagster's packages; `None` from old servers.
        pub dagster_library_versions: Option<BTreeMap<String, String>> = "dagster_library_versions",
        /// What integrations keep beside the code.
        pub defs_state_info: Option<Opaque> = "defs_state_info",
        /// The command that starts Dagster there.
        pub entry_point: Option<Vec<String>> = "entry_point",
        /// The Python interpreter.
        pub executable_path: Option<String> = "executable_path",
        /// Where the code of each repository is.
        pub repository_code_pointers: BTreeMap<String, CodePointer> = "repository_code_pointer_dict",
        /// The repositories.
        pub repository_symbols: Vec<LoadableRepositorySymbol> = "repository_symbols",
    }
}

serdes_class! {
    /// A repository, and its name in the code.
    #[derive(Debug, Clone, PartialEq)]
    pub struct LoadableRepositorySymbol = "LoadableRepositorySymbol" {
        /// The name in the code.
        pub attribute: String = "attribute",
        /// The name of the repository.
        pub repository_name: String = "repository_name",
    }
}

serdes_class! {
    /// A repository that could not be loaded.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RepositoryErrorSnap = "ExternalRepositoryErrorData" {
        /// Why not.
        pub error: Option<SerializableErrorInfo> = "error",
    }
}

serdes_class! {
    /// A job of a repository, without its snapshot.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobRefSnap = "ExternalJobRef" {
        /// Configurations that the code offers.
        pub active_presets: Opaque = "active_presets",
        /// The condition that launches the job.
        pub automation_condition: Option<Opaque> = "automation_condition" [skip],
        /// Always false; once there was another kind of job.
        pub is_legacy_pipeline: Option<bool> = "is_legacy_pipeline",
        /// The name.
        pub name: String = "name",
        /// Who owns it.
        pub owners: Option<Vec<String>> = "owners",
        /// The job that it is a part of.
        pub parent_snapshot_id: Option<String> = "parent_snapshot_id",
        /// Some of its tags.
        pub preview_tags: Option<BTreeMap<String, String>> = "preview_tags",
        /// The id of its snapshot.
        pub snapshot_id: String = "snapshot_id",
    }
}

serdes_class! {
    /// A job with its snapshot.
    #[derive(Debug, Clone, PartialEq)]
    pub struct JobDataSnap = "ExternalPipelineData" {
        /// Configurations that the code offers.
        pub active_presets: Opaque = "active_presets",
        /// Always true; once there was another kind of job.
        pub is_job: Option<bool> = "is_job",
        /// The name.
        pub name: String = "name",
        /// The job that it is a part of.
        pub parent_job: Option<JobSnap> = "parent_pipeline_snapshot",
        /// The snapshot.
        pub job: JobSnap = "pipeline_snapshot",
    }
}

serdes_class! {
    /// An asset of a repository, as far as launching needs it. The other fields are carried.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetNodeSnap = "ExternalAssetNode" {
        /// The key.
        pub asset_key: AssetKey = "asset_key",
        /// What it is executed together with; `None` if by itself.
        pub execution_set_identifier: Option<String> = "atomic_execution_unit_id",
        /// What executing it does; `None` from old servers.
        pub execution_type: Option<AssetExecutionType> = "execution_type",
        /// Whether it can be observed.
        pub is_observable: bool = "is_observable" [or_default],
        /// Whether another system makes it; `None` from the oldest servers.
        pub is_source: Option<bool> = "is_source",
        /// The jobs that have it.
        pub job_names: Vec<String> = "job_names" [or_default],
        /// Its ops.
        pub op_names: Vec<String> = "op_names" [or_default],
        /// Its partitions; `None` if it has none.
        pub partitions: Option<PartitionsSnap> = "partitions_def_data",
    }
}

impl AssetNodeSnap {
    /// What executing it does. Servers of before 1.5 say it by two other fields.
    pub fn executes_as(&self) -> AssetExecutionType {
        self.execution_type.unwrap_or(match (self.is_source, self.is_observable) {
            (Some(true), true) => AssetExecutionType::Observation,
            (Some(true), false) => AssetExecutionType::Unexecutable,
            _ => AssetExecutionType::Materialization,
        })
    }
}

serdes_class! {
    /// A check of a repository, as far as launching needs it. The other fields are carried.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetCheckNodeSnap = "ExternalAssetCheck" {
        /// The asset that it is about.
        pub asset_key: AssetKey = "asset_key",
        /// What it is executed together with; `None` if by itself.
        pub execution_set_identifier: Option<String> = "atomic_execution_unit_id",
        /// The jobs that have it.
        pub job_names: Vec<String> = "job_names" [or_default],
        /// The name.
        pub name: String = "name",
        /// Its partitions; `None` if it has none.
        pub partitions: Option<PartitionsSnap> = "partitions_def_snapshot",
    }
}

impl AssetCheckNodeSnap {
    /// The key.
    pub fn key(&self) -> AssetCheckKey {
        AssetCheckKey::new(self.asset_key.clone(), self.name.clone())
    }
}
