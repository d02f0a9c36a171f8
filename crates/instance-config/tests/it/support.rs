//! A home with a file, and variables of our own.

use instance_config::{Environment, load_settings};
use instance_core::settings::InstanceSettings;
use tempfile::TempDir;

/// Variables that every test has.
pub(crate) struct Variables(pub(crate) &'static [(&'static str, &'static str)]);

/// The variables that files of these tests refer to.
pub(crate) const VARIABLES: Variables = Variables(&[
    ("BASE", "/from/env"),
    ("EMPTY", ""),
    ("NUMBER", "7\n"),
    ("FALSE_TEXT", "false"),
    ("PASSWORD", "pa/ss@w:rd#?%+ é"),
    ("DAGSTER_HOME", "/not/this/one"),
]);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

/// A home whose `dagster.yaml` has this text.
pub(crate) fn home_with(yaml: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("dagster.yaml"), yaml).unwrap();
    home
}

/// The settings of a home whose `dagster.yaml` has this text.
pub(crate) fn load(yaml: &str) -> Result<InstanceSettings, String> {
    load_settings(home_with(yaml).path(), &VARIABLES).map_err(|error| error.to_string())
}

/// The settings of a home whose `dagster.yaml` has this text, which is right.
pub(crate) fn loaded(yaml: &str) -> InstanceSettings {
    load(yaml).unwrap_or_else(|error| panic!("{yaml}\n{error}"))
}

/// Every one of these texts is refused with a message that has the part behind it, and tells no secret.
pub(crate) fn refused(texts: &[(&str, &str)]) {
    for (yaml, part) in texts {
        let error = load(yaml).expect_err(yaml);
        assert!(error.contains(part), "{yaml}\n{error}");
        assert!(!error.contains("secret"), "{yaml}\n{error}");
    }
}
