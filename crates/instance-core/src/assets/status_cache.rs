//! The cached status of an asset's partitions.

use crate::serdes_class;

serdes_class! {
    /// Which partitions of an asset are materialised, failed or in progress, up to an event.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetStatusCacheValue = "AssetStatusCacheValue" {
        /// The first planned materialisation that has not ended.
        pub earliest_in_progress_materialization_event_id: Option<i64> =
            "earliest_in_progress_materialization_event_id",
        /// The last event that was taken into account.
        pub latest_storage_id: i64 = "latest_storage_id",
        /// Which definition of partitions it is about.
        pub partitions_def_id: Option<String> = "partitions_def_id",
        /// The failed partitions, as text of their own.
        pub serialized_failed_partition_subset: Option<String> = "serialized_failed_partition_subset",
        /// The partitions in progress, as text of their own.
        pub serialized_in_progress_partition_subset: Option<String> =
            "serialized_in_progress_partition_subset",
        /// The materialised partitions, as text of their own.
        pub serialized_materialized_partition_subset: Option<String> =
            "serialized_materialized_partition_subset",
    }
}
