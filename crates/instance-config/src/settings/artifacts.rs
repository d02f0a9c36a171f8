//! The section `local_artifact_storage`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{InstanceSettings, LocalArtifactSettings};

use crate::environment::Environment;
use crate::known::Known;
use crate::parts::Parts;

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
    match part.known() {
        Some(Known::LocalArtifactStorage) => {}
        Some(_) => return Err(part.is_no("a storage of artefacts")),
        None => return Ok(LocalArtifactSettings::Other(part.class.clone())),
    }
    let fields = part.fields(environment);
    fields.only(&["base_dir"])?;
    Ok(LocalArtifactSettings::Local(fields.required_text("base_dir")?.into()))
}
