//! What there is to say about an instance in Dagster's own form, as a tree and as YAML.

use instance_core::error::InstanceError;
use instance_core::ops::StorageOps;
use instance_core::settings::{
    ClassSettings, ComputeLogSettings, LocalArtifactSettings, S3ComputeLogSettings, StoreSettings,
};
use instance_core::storage::SchemaStore;

/// What there is to say about the parts of an instance, by their names in `dagster.yaml`. Its text is YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoDict(Vec<(&'static str, InfoValue)>);

/// A part of an [`InfoDict`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InfoValue {
    /// A text.
    Text(String),
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(u64),
    /// Values by their keys, in this order.
    Mapping(Vec<(&'static str, InfoValue)>),
}

impl InfoDict {
    /// The parts with their names, in Dagster's order.
    pub fn parts(&self) -> &[(&'static str, InfoValue)] {
        &self.0
    }

    /// A part by its name.
    pub fn get(&self, name: &str) -> Option<&InfoValue> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl std::fmt::Display for InfoDict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_mapping(f, &self.0, 0)
    }
}

/// Returns what there is to say about the storages of the instance: for each part its module, class and configuration,
/// as `dagster.yaml` would name them.
///
/// A store that `dagster.yaml` cannot name is a text instead, as in Dagster. The passwords of databases are left out. So
/// are the extra arguments of uploads to S3 and the configuration of classes that this version does not have, as these may
/// hold others.
/// The scheduler, the run coordinator and the run launcher are not listed: they are parts of the program here.
pub fn info_dict(ops: &dyn StorageOps) -> InfoDict {
    let settings = ops.settings();
    InfoDict(vec![
        ("local_artifact_storage", artifacts(&settings.local_artifact_storage)),
        ("run_storage", of_store(&settings.storage.run_storage, Kind::Runs)),
        ("event_log_storage", of_store(&settings.storage.event_log_storage, Kind::Events)),
        ("compute_logs", compute_logs(&settings.compute_logs)),
        ("schedule_storage", of_store(&settings.storage.schedule_storage, Kind::Schedules)),
    ])
}

/// Returns [`info_dict`] as YAML.
pub fn info_str(ops: &dyn StorageOps) -> String {
    info_dict(ops).to_string()
}

/// Returns the schema revision of each storage as YAML: the one that it has, and the latest one.
///
/// A storage without a revision says an empty text. One that is no database of Dagster's says the name of its own form,
/// which is its latest, too.
///
/// # Errors
///
/// [`InstanceError::Storage`] if a storage fails, or if it has a schema that this version does not know.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn schema_str(ops: &dyn StorageOps) -> Result<String, InstanceError> {
    let stores = ops.stores();
    let each: [(&'static str, &dyn SchemaStore); 3] = [
        ("event_log_storage", &*stores.event_log_storage),
        ("run_storage", &*stores.run_storage),
        ("schedule_storage", &*stores.schedule_storage),
    ];
    let mut revisions = Vec::new();
    for (name, store) in each {
        let current = InfoValue::Text(store.schema_revision().await?);
        let latest = InfoValue::Text(store.latest_schema_revision().await?);
        let pair = vec![("current", current), ("latest", latest)];
        revisions.push((name, InfoValue::Mapping(pair)));
    }
    Ok(InfoDict(vec![("schema", InfoValue::Mapping(revisions))]).to_string())
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Runs,
    Events,
    Schedules,
}

fn of_store(store: &StoreSettings, kind: Kind) -> InfoValue {
    let (module, sqlite, postgres) = match kind {
        Kind::Runs => ("dagster._core.storage.runs", "SqliteRunStorage", "PostgresRunStorage"),
        Kind::Events => {
            ("dagster._core.storage.event_log", "SqliteEventLogStorage", "PostgresEventLogStorage")
        }
        Kind::Schedules => {
            ("dagster._core.storage.schedules", "SqliteScheduleStorage", "PostgresScheduleStorage")
        }
    };
    match store {
        StoreSettings::Sqlite(directory) => {
            of_class(module, sqlite, vec![("base_dir", directory.display().to_string())])
        }
        StoreSettings::ConsolidatedSqlite(directory) => of_class(
            module,
            "ConsolidatedSqliteEventLogStorage",
            vec![("base_dir", directory.display().to_string())],
        ),
        StoreSettings::Postgres(settings) => of_class_with(
            "dagster_postgres",
            postgres,
            vec![
                ("postgres_url", InfoValue::Text(format!("postgresql://{settings}"))),
                ("should_autocreate_tables", InfoValue::Boolean(settings.should_autocreate_tables)),
            ],
        ),
        StoreSettings::Other(class) => of_other_class(class),
        other => InfoValue::Text(other.to_string()),
    }
}

fn artifacts(artifacts: &LocalArtifactSettings) -> InfoValue {
    match artifacts {
        LocalArtifactSettings::Local(base_dir) => of_class(
            "dagster._core.storage.root",
            "LocalArtifactStorage",
            vec![("base_dir", base_dir.display().to_string())],
        ),
        LocalArtifactSettings::Other(class) => of_other_class(class),
        _ => InfoValue::Text("not known".to_owned()),
    }
}

fn compute_logs(compute_logs: &ComputeLogSettings) -> InfoValue {
    match compute_logs {
        ComputeLogSettings::Local(local) => of_class(
            "dagster._core.storage.local_compute_log_manager",
            "LocalComputeLogManager",
            vec![("base_dir", local.base_dir.display().to_string())],
        ),
        ComputeLogSettings::S3(s3) => {
            of_class_with("dagster_aws.s3.compute_log_manager", "S3ComputeLogManager", in_s3(s3))
        }
        ComputeLogSettings::NoOp => of_class(
            "dagster._core.storage.noop_compute_log_manager",
            "NoOpComputeLogManager",
            Vec::new(),
        ),
        ComputeLogSettings::Other(class) => of_other_class(class),
        other => InfoValue::Text(other.to_string()),
    }
}

/// The configuration without `upload_extra_args`, which may hold a key of encryption.
fn in_s3(s3: &S3ComputeLogSettings) -> Vec<(&'static str, InfoValue)> {
    let text = |text: &str| InfoValue::Text(text.to_owned());
    let path = |path: &std::path::Path| InfoValue::Text(path.display().to_string());
    let optional = [
        ("verify_cert_path", s3.verify_cert_path.as_deref().map(path)),
        ("endpoint_url", s3.endpoint_url.as_deref().map(text)),
        (
            "upload_interval",
            s3.upload_interval.map(|interval| InfoValue::Integer(interval.as_secs())),
        ),
        ("region", s3.region.as_deref().map(text)),
    ];
    let mut config = vec![
        ("bucket", text(&s3.bucket)),
        ("local_dir", path(&s3.local_dir)),
        ("prefix", text(&s3.prefix)),
        ("use_ssl", InfoValue::Boolean(s3.use_ssl)),
        ("verify", InfoValue::Boolean(s3.verify)),
        ("skip_empty_files", InfoValue::Boolean(s3.skip_empty_files)),
        ("show_url_only", InfoValue::Boolean(s3.show_url_only)),
    ];
    config.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
    config
}

/// A class that this version does not have, without its configuration.
fn of_other_class(class: &ClassSettings) -> InfoValue {
    InfoValue::Mapping(vec![
        ("module", InfoValue::Text(class.module.clone())),
        ("class", InfoValue::Text(class.class.clone())),
    ])
}

fn of_class(module: &str, class: &str, config: Vec<(&'static str, String)>) -> InfoValue {
    let config = config.into_iter().map(|(key, value)| (key, InfoValue::Text(value))).collect();
    of_class_with(module, class, config)
}

fn of_class_with(module: &str, class: &str, config: Vec<(&'static str, InfoValue)>) -> InfoValue {
    InfoValue::Mapping(vec![
        ("module", InfoValue::Text(module.to_owned())),
        ("class", InfoValue::Text(class.to_owned())),
        ("config", InfoValue::Mapping(config)),
    ])
}

fn write_mapping(
    f: &mut std::fmt::Formatter<'_>,
    mapping: &[(&'static str, InfoValue)],
    depth: usize,
) -> std::fmt::Result {
    for (key, value) in mapping {
        write!(f, "{:indent$}{key}:", "", indent = depth * 2)?;
        match value {
            InfoValue::Text(text) => writeln!(f, " {}", scalar(text))?,
            InfoValue::Boolean(value) => writeln!(f, " {value}")?,
            InfoValue::Integer(value) => writeln!(f, " {value}")?,
            InfoValue::Mapping(mapping) if mapping.is_empty() => writeln!(f, " {{}}")?,
            InfoValue::Mapping(mapping) => {
                writeln!(f)?;
                write_mapping(f, mapping, depth + 1)?;
            }
        }
    }
    Ok(())
}

/// A text as YAML has it: bare where nobody can take it for something else.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "null", "true", "false"];

    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-@%+=:".contains(c);
    let begins_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/_".contains(c));
    // Old versions of YAML have times and numbers of base 60, too.
    let is_number = text.chars().all(|c| c.is_ascii_digit() || ".:-_".contains(c))
        || text.parse::<f64>().is_ok();
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    if begins_plain && text.chars().all(is_plain) && !text.ends_with(':') && !is_number && !is_word
    {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        return format!("{text:?}");
    }
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bare_only_where_nobody_can_mistake_them() {
        for (text, yaml) in [
            ("/home/me/dagster", "/home/me/dagster"),
            ("29b539ebc72a", "29b539ebc72a"),
            ("postgresql://me@db:5432/x", "postgresql://me@db:5432/x"),
            ("true", "'true'"),
            ("12", "'12'"),
            ("1:30", "'1:30'"),
            ("2024-01-05", "'2024-01-05'"),
            ("key:", "'key:'"),
            ("No", "'No'"),
            ("", "''"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("it's", "'it''s'"),
            ("- a", "'- a'"),
            ("two\nlines", r#""two\nlines""#),
            ("the memory of this process", "'the memory of this process'"),
        ] {
            assert_eq!(scalar(text), yaml, "{text:?}");
        }
    }
}
