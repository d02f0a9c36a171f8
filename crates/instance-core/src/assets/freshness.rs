//! The freshness of assets.

use chrono::{DateTime, Utc};

use crate::asset_key::AssetKey;
use crate::clock::datetime_of;
use crate::event::{DagsterEvent, EventSpecificData};
use crate::serdes::{Opaque, UnknownFields};
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
        /// The metadata.
        pub metadata: Option<Opaque> = "metadata",
    }
}

/// How fresh an asset is, since when.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
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

impl FreshnessStateRecord {
    /// The freshness that an event gives an asset; `None` if it does not change it.
    pub fn of_event(event: &DagsterEvent) -> Option<Self> {
        let Some(EventSpecificData::FreshnessStateChange(change)) =
            event.event_specific_data.as_deref()
        else {
            return None;
        };
        Some(Self {
            entity_key: change.key.clone(),
            freshness_state: change.new_state,
            updated_at: datetime_of(change.state_change_timestamp).unwrap_or_default(),
            record_body: FreshnessStateRecordBody {
                metadata: Some(Opaque::empty_object()),
                unknown: UnknownFields::default(),
            },
        })
    }
}
