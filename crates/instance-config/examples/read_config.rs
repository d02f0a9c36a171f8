//! Reads a `dagster.yaml`, and says where the stores of the instance are.
//!
//! `cargo run --package instance-config --example read_config`

use std::fs;
use std::path::{Path, PathBuf};

use instance_config::instance_core::settings::StoreSettings;
use instance_config::{Environment, HomeSource, find_home, load_settings};

const DAGSTER_YAML: &str = "
storage:
  sqlite:
    base_dir:
      env: STORES
run_retries:
  enabled: true
  max_retries: 3
";

/// Variables of our own; `ProcessEnvironment` has those of the process.
struct Variables {
    home: PathBuf,
}

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        match name {
            "DAGSTER_HOME" => Some(self.home.display().to_string()),
            "STORES" => Some("/srv/stores".to_owned()),
            _ => None,
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("read-config-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let outcome = read(&directory);
    fs::remove_dir_all(&directory)?;
    outcome
}

fn read(directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    fs::write(directory.join("dagster.yaml"), DAGSTER_YAML)?;
    let variables = Variables { home: directory.to_owned() };
    let home = find_home(None, &variables)?;
    assert_eq!(home.source, HomeSource::Variable);

    let settings = load_settings(&home.path, &variables)?;
    println!("runs: {}", settings.storage.run_storage);
    println!("events: {}", settings.storage.event_log_storage);
    println!("schedules: {}", settings.storage.schedule_storage);
    assert!(settings.storage.run_storage.to_string().contains("/srv/stores"));
    assert_ne!(settings.storage.run_storage, StoreSettings::Memory);
    assert_eq!(settings.run_retries.max_retries, 3);
    Ok(())
}
