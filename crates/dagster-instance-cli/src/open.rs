//! Opening the instance that the arguments name.

use std::path::{Path, PathBuf};

use dagster_instance::{DagsterInstance, DagsterInstanceBuilder};

use crate::{Result, text};

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

/// Refuses directories that the arguments name and that are not there: one of a mistyped name would be an empty instance. Of
/// those that nobody names, the default one is created, and Dagster's variable is asked when the instance is opened.
pub(crate) fn must_be_there(place: &InstancePlace) -> Result<()> {
    let storage = place.storage.as_deref().filter(|storage| !storage.contains("://"));
    let named = [("--home", place.home.as_deref()), ("--storage", storage.map(Path::new))];
    for (option, directory) in named {
        if let Some(directory) = directory
            && !directory.try_exists().map_err(|error| {
                let directory = text::value(&directory.to_string_lossy());
                format!("cannot look for the directory {directory} that {option} names: {error}")
            })?
        {
            return Err(format!(
                "the directory {} that {option} names does not exist; name another one, or create it by --create",
                text::value(&directory.to_string_lossy())
            )
            .into());
        }
    }
    Ok(())
}

/// The instance, which must exist: looking at one does not create it.
pub(crate) async fn existing(place: &InstancePlace) -> Result<DagsterInstance> {
    Ok(builder(place).must_exist().open().await?)
}
