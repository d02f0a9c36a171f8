//! What is kept of an asset beside its events.

use chrono::{DateTime, Utc};

use crate::clock::timestamp_of;
use crate::serdes::{Number, UnknownFields};
use crate::serdes_class;

serdes_class! {
    /// What is kept of an asset beside its events.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetDetails = "AssetDetails" {
        /// When it was last wiped, in seconds since 1970.
        pub last_wipe_timestamp: Option<Number> = "last_wipe_timestamp",
    }
}

impl AssetDetails {
    /// What is kept of an asset that is wiped at this time.
    pub fn wiped_at(at: DateTime<Utc>) -> Self {
        Self {
            last_wipe_timestamp: Some(timestamp_of(at).into()),
            unknown: UnknownFields::default(),
        }
    }
}
