//! What a program says in the place of the file.

use std::path::Path;

use instance_config::{LoadSettings, load_settings_of};
use instance_core::settings::{PostgresSettings, StorageSettings};
use serde_json::json;

use crate::support::{VARIABLES, home_with};

#[test]
fn another_file_and_other_sections() {
    let home = home_with("telemetry: {enabled: false}\nnux: {enabled: false}\n");
    let overrides = json!({ "telemetry": { "enabled": true } });
    let request =
        LoadSettings::new(home.path()).with_overrides(overrides.as_object().unwrap().clone());
    let settings = load_settings_of(&request, &VARIABLES).unwrap();
    assert!(settings.telemetry_enabled && !settings.nux_enabled);
    let request = LoadSettings::new(home.path()).with_config_filename("other.yaml");
    assert!(load_settings_of(&request, &VARIABLES).unwrap().nux_enabled);
}

/// Whatever the file says of stores, even if it is wrong.
#[test]
fn another_storage() {
    let home = home_with(
        "storage: {nonsense: 1}\nrun_storage: {module: m, class: C}\nnux: {enabled: false}\n",
    );
    let url = "postgresql://u:pa/ss@h/d";
    let load = |storage: &str| {
        let request = LoadSettings::new(home.path()).with_storage(storage.to_owned());
        load_settings_of(&request, &VARIABLES)
    };
    let settings = load(url).unwrap();
    let postgres = PostgresSettings::from_url(url).unwrap();
    assert_eq!(settings.storage, StorageSettings::postgres(postgres));
    assert!(!settings.nux_enabled);
    // Other processes find the same stores.
    let reference = settings.instance_ref.unwrap();
    let data = reference.storage_data.unwrap();
    assert_eq!(data.class_name, "DagsterPostgresStorage");
    assert_eq!(data.config_yaml, format!("postgres_url: {url}\n"));
    let settings = load("/srv/stores").unwrap();
    assert_eq!(settings.storage, StorageSettings::sqlite_below(Path::new("/srv/stores")));
    let error = load("mysql://u:secret@h/d").unwrap_err().to_string();
    assert!(error.contains("mysql") && !error.contains("secret"), "{error}");
}

#[test]
fn requests_print_no_passwords() {
    let request = LoadSettings::new("/h").with_storage("postgresql://u:secret@h/d".to_owned());
    assert!(!format!("{request:?}").contains("secret"));
}
