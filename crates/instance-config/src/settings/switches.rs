//! The sections that say yes or no and nothing else: `telemetry`, `nux` and `freshness`.

use instance_core::config_problems::ConfigProblems;

use crate::fields::Fields;

pub(super) fn telemetry_enabled(sections: &Fields<'_>) -> Result<bool, ConfigProblems> {
    enabled(sections, "telemetry")
}

pub(super) fn nux_enabled(sections: &Fields<'_>) -> Result<bool, ConfigProblems> {
    enabled(sections, "nux")
}

pub(super) fn freshness_enabled(sections: &Fields<'_>) -> Result<bool, ConfigProblems> {
    enabled(sections, "freshness")
}

/// Whether a section says yes; what says nothing says yes.
fn enabled(sections: &Fields<'_>, key: &str) -> Result<bool, ConfigProblems> {
    let Some(section) = sections.section(key)? else { return Ok(true) };
    section.only(&["enabled"])?;
    Ok(section.plain_boolean("enabled")?.unwrap_or(true))
}
