//! References: what Dagster makes of a file, and what is made of a reference.

use instance_config::{load_settings, settings_from_ref};
use instance_core::instance_ref::{ConfigurableClassData, InstanceRef};
use instance_core::serdes::{Opaque, deserialize_value, serialize_value};
use instance_core::settings::{
    ComputeLogSettings, InstanceSettings, RunLauncherSettings, StorageSettings,
};

use crate::support::{Variables, home_with};

/// Files, and what Dagster 1.13.27 makes of them. `{HOME}` stands for the directory of the instance.
const OF_DAGSTER: &str = include_str!("../fixtures/references.json");

const VARIABLES: Variables =
    Variables(&[("STORES", "/srv/stores"), ("PW", "p@ss"), ("U", "postgresql://u@h/d")]);

fn files() -> Vec<(String, String)> {
    let files: Vec<(String, String)> = serde_json::from_str(OF_DAGSTER).unwrap();
    assert!(files.len() > 20);
    files
}

/// A file that is refused has no settings, but a reference of Dagster's.
fn opens(yaml: &str) -> bool {
    ["postgres: {}", "mysql:", "class: Mine"].iter().all(|part| !yaml.contains(part))
}

#[test]
fn references_are_those_of_dagster() {
    for (yaml, expected) in files().into_iter().filter(|(yaml, _)| opens(yaml)) {
        let home = home_with(&yaml);
        let settings = load_settings(home.path(), &VARIABLES).unwrap();
        let reference = serialize_value(&settings.instance_ref.unwrap());
        let reference = reference.replace(home.path().to_str().unwrap(), "{HOME}");
        assert_eq!(reference, expected, "{yaml}");
    }
}

#[test]
fn references_of_dagster_are_written_again_byte_for_byte() {
    for (_, text) in files() {
        let reference: InstanceRef = deserialize_value(&text).unwrap();
        assert!(reference.unknown.is_empty());
        assert_eq!(serialize_value(&reference), text);
    }
}

#[test]
fn a_reference_has_the_settings_of_its_file() {
    for (yaml, reference) in files().into_iter().filter(|(yaml, _)| opens(yaml)) {
        let home = home_with(&yaml);
        let of_file = load_settings(home.path(), &VARIABLES).unwrap();
        let text = reference.replace("{HOME}", home.path().to_str().unwrap());
        let mut of_reference =
            settings_from_ref(&deserialize_value(&text).unwrap(), &VARIABLES).unwrap();
        if yaml.contains("local_artifact_storage") {
            assert_eq!(of_reference.home, std::path::Path::new("/a"));
            of_reference.home.clone_from(&of_file.home);
        }
        // What a class lacks is named by its place, which is in the file or in the reference.
        if let RunLauncherSettings::Unusable(problems) = &of_reference.run_launcher {
            assert_eq!(problems.problems[0].key, "run_launcher_data.service_account_name");
            let RunLauncherSettings::Unusable(of_the_file) = &of_file.run_launcher else {
                panic!("{yaml}: {problems:?}")
            };
            assert_eq!(of_the_file.problems[0].key, "run_launcher.config.service_account_name");
            of_reference.run_launcher.clone_from(&of_file.run_launcher);
        }
        assert_eq!(of_reference, of_file, "{yaml}");
    }
}

fn default_reference() -> InstanceRef {
    let home = home_with("");
    load_settings(home.path(), &VARIABLES).unwrap().instance_ref.unwrap()
}

/// References of old versions name each store by itself, and know fewer parts.
#[test]
fn references_of_old_versions_are_read() {
    let text = serialize_value(&default_reference());
    let expected = settings_from_ref(&deserialize_value(&text).unwrap(), &VARIABLES).unwrap();
    let mut old: InstanceRef = deserialize_value(&text).unwrap();
    old.storage_data = None;
    let settings = settings_from_ref(&old, &VARIABLES).unwrap();
    assert_eq!(settings.storage, expected.storage);
    let text = text.replace("\"secrets_loader_data\": null, ", "");
    let settings = settings_from_ref(&deserialize_value(&text).unwrap(), &VARIABLES).unwrap();
    assert_eq!(settings.secrets, expected.secrets);
}

#[test]
fn a_part_that_cannot_be_read_is_an_error_where_dagster_needs_it() {
    let broken = ConfigurableClassData::new("dagster", "DefaultRunLauncher", "secret: [\n");
    let mut reference = default_reference();
    reference.run_launcher_data = Some(broken.clone());
    reference.compute_logs_data = broken.clone();
    let settings = settings_from_ref(&reference, &VARIABLES).unwrap();
    assert!(matches!(settings.run_launcher, RunLauncherSettings::Unusable(_)));
    assert!(matches!(settings.compute_logs, ComputeLogSettings::Unusable(_)));
    reference.storage_data = Some(broken);
    let error = settings_from_ref(&reference, &VARIABLES).unwrap_err().to_string();
    assert!(error.contains("storage_data") && !error.contains("secret"), "{error}");
    let mut reference = default_reference();
    reference.settings = Opaque::from(&serde_json::json!([]));
    let error = settings_from_ref(&reference, &VARIABLES).unwrap_err().to_string();
    assert!(error.contains("settings"), "{error}");
}

#[test]
fn references_print_no_passwords() {
    let home = home_with("storage: {postgres: {postgres_url: 'postgresql://u:hunter2@h/d'}}\n");
    let settings = load_settings(home.path(), &VARIABLES).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_home_whose_name_is_no_text_has_settings_and_no_reference() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let home = std::path::Path::new(OsStr::from_bytes(b"/no/such/\xff"));
    let settings: InstanceSettings = load_settings(home, &VARIABLES).unwrap();
    assert_eq!(settings.instance_ref, None);
    assert_eq!(settings.storage, StorageSettings::sqlite_below(home));
}
