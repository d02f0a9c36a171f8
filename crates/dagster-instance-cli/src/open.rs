//! Opening the instance that the arguments name.

use std::path::PathBuf;

use dagster_instance::{DagsterInstance, DagsterInstanceBuilder};

use crate::Result;

/// Which instance the arguments name.
pub(crate) struct InstancePlace {
    /// Its directory, unless it is the default one.
    pub(crate) home: Option<PathBuf>,
    /// Where its stores are, unless its configuration says it.
    pub(crate) storage: Option<String>,
}

/// A builder for the instance that the arguments name.
pub(crate) fn builder(place: &InstancePlace) -> DagsterInstanceBuilder {
    let mut builder = DagsterInstance::builder();
    if let Some(home) = &place.home {
        builder = builder.home(home);
    }
    if let Some(storage) = &place.storage {
        builder = builder.storage(storage);
    }
    builder
}

/// The instance, which must exist: looking at one does not create it.
pub(crate) async fn existing(place: &InstancePlace) -> Result<DagsterInstance> {
    Ok(builder(place).must_exist().open().await?)
}
