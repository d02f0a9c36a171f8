//! The section `secrets`.

use std::collections::BTreeMap;

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::SecretsSettings;

use crate::environment::Environment;
use crate::parts::Parts;
use crate::schema::{ClassKind, Slot};

pub(super) fn secrets(
    parts: &Parts<'_>,
    environment: &dyn Environment,
) -> Result<SecretsSettings, ConfigProblems> {
    let Some(part) = &parts.secrets else { return Ok(SecretsSettings::default()) };
    let fields = part.fields(environment);
    match part.kind(Slot::Secrets)? {
        Some(ClassKind::EnvFile) => {
            fields.only(&["base_dir"])?;
            Ok(SecretsSettings::EnvFile { base_dir: fields.text("base_dir")?.map(Into::into) })
        }
        Some(ClassKind::EnvFileOfEachProject) => {
            fields.only(&["location_paths"])?;
            let map = fields.required("location_paths", fields.map("location_paths")?)?;
            let section = fields.required("location_paths", fields.section("location_paths")?)?;
            let mut location_paths = BTreeMap::new();
            for name in map.keys() {
                let path = section.required(name, section.plain_text(name)?)?;
                location_paths.insert(name.clone(), path);
            }
            Ok(SecretsSettings::PerProjectEnvFiles { location_paths: Some(location_paths) })
        }
        _ => Ok(SecretsSettings::Other(part.class.clone())),
    }
}
