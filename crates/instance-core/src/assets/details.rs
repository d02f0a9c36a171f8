//! What is kept of an asset beside its events.

use crate::serdes::Number;
use crate::serdes_class;

serdes_class! {
    /// What is kept of an asset beside its events.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AssetDetails = "AssetDetails" {
        /// When it was last wiped, in seconds since 1970.
        pub last_wipe_timestamp: Option<Number> = "last_wipe_timestamp",
    }
}
