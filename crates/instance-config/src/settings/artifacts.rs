//! The section `local_artifact_storage`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{InstanceSettings, LocalArtifactSettings};

use crate::environment::Environment;
use crate::parts::Parts;
use crate::schema::Slot;

pub(super) fn local_artifact_storage(
    parts: &Parts<'_>,
    defaults: &InstanceSettings,
    environment: &dyn Environment,
) -> Result<LocalArtifactSettings, ConfigProblems> {
    let Some(part) = &parts.local_artifact_storage else {
        return Ok(match &parts.instance_class {
            Some(instance) => LocalArtifactSettings::Other(instance.class.clone()),
            None => defaults.local_artifact_storage.clone(),
        });
    };
    if part.kind(Slot::LocalArtifactStorage)?.is_none() {
        return Ok(LocalArtifactSettings::Other(part.class.clone()));
    }
    let fields = part.fields(environment);
    fields.only(&["base_dir"])?;
    Ok(LocalArtifactSettings::Local(fields.required_text("base_dir")?.into()))
}
