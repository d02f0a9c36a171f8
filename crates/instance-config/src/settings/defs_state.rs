//! The section `defs_state_storage`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::DefsStateSettings;

use crate::environment::Environment;
use crate::parts::Parts;
use crate::schema::Slot;

pub(super) fn defs_state_storage(
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> Result<DefsStateSettings, ConfigProblems> {
    let Some(part) = &parts.defs_state_storage else { return Ok(DefsStateSettings::default()) };
    if part.kind(Slot::DefsStateStorage)?.is_none() {
        return Ok(DefsStateSettings::Other(part.class.clone()));
    }
    let fields = part.fields(environment);
    fields.only(&["base_path", "storage_options"])?;
    Ok(DefsStateSettings::UPath {
        base_path: fields.required("base_path", fields.plain_text("base_path")?)?,
        storage_options: fields.map("storage_options")?.cloned().unwrap_or_default(),
    })
}
