//! Selectors. A selector names a thing by its code location, repository and name, wherever its code is. Ids are
//! hashes of selectors.

use crate::ids::SnapshotId;
use crate::serdes::{Pack, UnknownFields, serialize_value};
use crate::serdes_class;

serdes_class! {
    /// A repository of a code location.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RepositorySelector = "RepositorySelector" {
        /// The code location.
        pub location_name: String = "location_name",
        /// The repository.
        pub repository_name: String = "repository_name",
    }
}

serdes_class! {
    /// A schedule or sensor of a repository.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct InstigatorSelector = "InstigatorSelector" {
        /// The code location.
        pub location_name: String = "location_name",
        /// The schedule or sensor.
        pub name: String = "name",
        /// The repository.
        pub repository_name: String = "repository_name",
    }
}

serdes_class! {
    /// A set of partitions of a job of a repository.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PartitionSetSelector = "PartitionSetSelector" {
        /// The code location.
        pub location_name: String = "location_name",
        /// The set of partitions.
        pub partition_set_name: String = "partition_set_name",
        /// The repository.
        pub repository_name: String = "repository_name",
    }
}

impl RepositorySelector {
    /// A repository of a code location.
    pub fn new(location_name: impl Into<String>, repository_name: impl Into<String>) -> Self {
        Self {
            location_name: location_name.into(),
            repository_name: repository_name.into(),
            unknown: UnknownFields::default(),
        }
    }

    /// The id by which storages find what belongs to the repository.
    pub fn id(&self) -> String {
        id_of(self)
    }

    /// A schedule or sensor of the repository.
    pub fn instigator(self, name: impl Into<String>) -> InstigatorSelector {
        InstigatorSelector {
            location_name: self.location_name,
            name: name.into(),
            repository_name: self.repository_name,
            unknown: UnknownFields::default(),
        }
    }

    /// A set of partitions of the repository.
    pub fn partition_set(self, name: impl Into<String>) -> PartitionSetSelector {
        PartitionSetSelector {
            location_name: self.location_name,
            partition_set_name: name.into(),
            repository_name: self.repository_name,
            unknown: UnknownFields::default(),
        }
    }
}

impl InstigatorSelector {
    /// The id by which storages find the schedule or sensor.
    pub fn id(&self) -> String {
        id_of(self)
    }
}

impl PartitionSetSelector {
    /// The id by which storages find the set of partitions.
    pub fn id(&self) -> String {
        id_of(self)
    }
}

/// The hash of a value's text. Dagster makes ids in this way.
pub(crate) fn id_of(value: &impl Pack) -> String {
    SnapshotId::of_text(&serialize_value(value)).to_string()
}

#[cfg(test)]
mod tests {
    use super::RepositorySelector;

    #[test]
    fn ids_are_those_of_python() {
        let repository = RepositorySelector::new("loc", "repo");
        // create_snapshot_id(RepositorySelector(location_name="loc", repository_name="repo")), and so on.
        assert_eq!(repository.id(), "341a61bee44a757947758f53f7b236525c156423");
        assert_eq!(
            repository.clone().instigator("s").id(),
            "ba7277085addfe76f31be0671899eacbe485c1c6"
        );
        assert_eq!(repository.partition_set("p").id(), "05d30dfb82d74fde7a85b5d1dc2fa5086f4f6486");
    }
}
