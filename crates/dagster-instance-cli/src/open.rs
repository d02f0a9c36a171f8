//! Opening the instance that the arguments name.

use std::path::Path;

use dagster_instance::{DagsterInstance, DagsterInstanceBuilder};

use crate::Result;

/// A builder for the instance in a directory, or in the default one.
pub(crate) fn builder(home: Option<&Path>) -> DagsterInstanceBuilder {
    let builder = DagsterInstance::builder();
    match home {
        Some(home) => builder.home(home),
        None => builder,
    }
}

/// The instance, which must exist: looking at one does not create it.
pub(crate) async fn existing(home: Option<&Path>) -> Result<DagsterInstance> {
    Ok(builder(home).must_exist().open().await?)
}
