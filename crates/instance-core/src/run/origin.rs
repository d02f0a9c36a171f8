//! Where the definition of a run's job lives.

use crate::serdes::Opaque;
use crate::serdes_class;

serdes_class! {
    /// The job of a repository that a code location serves.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RemoteJobOrigin = "ExternalPipelineOrigin" {
        /// The repository.
        pub repository_origin: RemoteRepositoryOrigin = "external_repository_origin",
        /// The name of the job.
        pub job_name: String = "pipeline_name",
    }
}

serdes_class! {
    /// A repository that a code location serves.
    #[derive(Debug, Clone, PartialEq)]
    pub struct RemoteRepositoryOrigin = "ExternalRepositoryOrigin" {
        /// How the code location is reached.
        pub code_location_origin: Opaque = "repository_location_origin",
        /// The name of the repository.
        pub repository_name: String = "repository_name",
    }
}

impl RemoteRepositoryOrigin {
    /// The name of the code location; `None` for an origin that has none.
    pub fn location_name(&self) -> Option<String> {
        let origin = self.code_location_origin.to_json().ok()?;
        origin.get("location_name")?.as_str().map(str::to_owned)
    }

    /// `repository@location`, the value of the tag by which runs are found.
    pub fn label(&self) -> String {
        format!("{}@{}", self.repository_name, self.location_name().unwrap_or_default())
    }
}
