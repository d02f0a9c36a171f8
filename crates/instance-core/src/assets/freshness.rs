//! The freshness of assets.

use chrono::{DateTime, Utc};

use crate::asset_key::AssetKey;
use crate::serdes::Opaque;
use crate::{serdes_class, serdes_enum};

serdes_enum! {
    /// How fresh an asset is.
    pub enum FreshnessState = "FreshnessState" {
        /// As fresh as its policy wants.
        Pass = "PASS",
        /// Soon not fresh any more.
        Warn = "WARN",
        /// Not fresh.
        Fail = "FAIL",
        /// Not known.
        Unknown = "UNKNOWN",
        /// The asset has no policy.
        NotApplicable = "NOT_APPLICABLE",
    }
}

serdes_class! {
    /// What is kept with the freshness of an asset.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FreshnessStateRecordBody = "FreshnessStateRecordBody" {
        /// What is to be known of it.
        pub metadata: Option<Opaque> = "metadata",
    }
}

/// How fresh an asset is, since when.
#[derive(Debug, Clone, PartialEq)]
pub struct FreshnessStateRecord {
    /// The asset.
    pub entity_key: AssetKey,
    /// How fresh it is.
    pub freshness_state: FreshnessState,
    /// Since when.
    pub updated_at: DateTime<Utc>,
    /// What is kept with it.
    pub record_body: FreshnessStateRecordBody,
}
