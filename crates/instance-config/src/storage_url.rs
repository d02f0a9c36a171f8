//! Where all three stores are, in one text: what `--storage` of the command line takes.

use std::path::Path;

use instance_core::error::InstanceError;
use instance_core::settings::PostgresSettings;
use serde_json::{Map, Value, json};

/// The sections of `dagster.yaml` that say where stores are.
pub(crate) const STORAGE_SECTIONS: [&str; 4] =
    ["storage", "run_storage", "event_log_storage", "schedule_storage"];

/// Where all three stores are, as the section `storage` says it: the URL of a Postgres database, or the directory of
/// SQLite's files.
///
/// # Errors
///
/// [`InstanceError::Invalid`] for a URL of something else, and for a directory that has no name in UTF-8. The error
/// shows no password.
pub(crate) fn storage_section(text: &str) -> Result<Map<String, Value>, InstanceError> {
    let invalid = |shown: &str, reason: &str| InstanceError::invalid("storage", shown, reason);
    let section = if let Some((scheme, _)) = text.split_once("://") {
        if !matches!(scheme.split('+').next(), Some("postgresql" | "postgres")) {
            let reason = "it has to be postgresql://USER:PASSWORD@HOST:PORT/DATABASE or the directory of SQLite's files";
            return Err(invalid(&format!("{scheme}://.."), reason));
        }
        PostgresSettings::from_url(text)
            .map_err(|error| invalid(&format!("{scheme}://.."), &error.to_string()))?;
        json!({ "postgres": { "postgres_url": text } })
    } else {
        let absolute = std::path::absolute(Path::new(text)).ok();
        let Some(directory) = absolute.as_deref().and_then(Path::to_str) else {
            return Err(invalid(text, "it has to be a directory or a URL"));
        };
        json!({ "sqlite": { "base_dir": directory } })
    };
    Ok(section.as_object().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::storage_section;

    #[test]
    fn a_url_is_postgres_and_a_path_is_sqlite() {
        let section = storage_section("postgresql+psycopg2://u:p/w@h/d").unwrap();
        assert_eq!(section["postgres"]["postgres_url"], "postgresql+psycopg2://u:p/w@h/d");
        let section = storage_section("/srv/dagster").unwrap();
        assert_eq!(section["sqlite"]["base_dir"], "/srv/dagster");
        let here = std::env::current_dir().unwrap().join("x");
        assert_eq!(storage_section("x").unwrap()["sqlite"]["base_dir"], here.to_str().unwrap());
    }

    #[test]
    fn other_urls_are_refused_without_their_passwords() {
        for text in ["mysql://u:secret@h/d", "postgresql://u:secret@h:secret/d", "sqlite:///x", ""]
        {
            let error = storage_section(text).unwrap_err().to_string();
            assert!(error.contains("storage") && !error.contains("secret"), "{error}");
        }
    }
}
