//! The sections of `dagster.yaml` that say where the storages are: `storage` for all three, or one older section for
//! each.

use std::path::Path;

use instance_core::error::InstanceError;
use instance_core::settings::{PostgresSettings, StorageSettings, StoreSettings};

use crate::environment::Environment;
use crate::yaml::Section;

/// The sections that name a storage. Each is followed or is an error; none is ignored.
pub(crate) const STORAGE_SECTIONS: [&str; 4] = ["storage", RUNS, EVENTS, SCHEDULES];

const RUNS: &str = "run_storage";
const EVENTS: &str = "event_log_storage";
const SCHEDULES: &str = "schedule_storage";

/// Where the storages of the instance in a directory are.
pub(crate) fn storage_settings(
    root: &Section<'_>,
    home: &Path,
    environment: &dyn Environment,
) -> Result<StorageSettings, InstanceError> {
    let Some(storage) = root.section("storage")? else {
        return separate_stores(root, home, environment);
    };
    for key in [RUNS, EVENTS, SCHEDULES] {
        if root.section(key)?.is_some() {
            return Err(root.error(key, "`storage` says where all stores are; remove one of both"));
        }
    }
    if let Some(other) = storage.keys().find(|kind| !matches!(*kind, "sqlite" | "postgres")) {
        return Err(storage.error(other, "this version stores in `sqlite` or `postgres`"));
    }
    if let Some(postgres) = storage.section("postgres")? {
        return postgres_settings(&postgres, environment).map(StorageSettings::postgres);
    }
    let base_dir = match storage.section("sqlite")? {
        Some(sqlite) => sqlite.path_value("base_dir", environment)?,
        None => None,
    };
    Ok(StorageSettings::sqlite_below(base_dir.as_deref().unwrap_or(home)))
}

fn separate_stores(
    root: &Section<'_>,
    home: &Path,
    environment: &dyn Environment,
) -> Result<StorageSettings, InstanceError> {
    let mut settings = StorageSettings::sqlite_below(home);
    for (key, store) in [
        (RUNS, &mut settings.run_storage),
        (EVENTS, &mut settings.event_log_storage),
        (SCHEDULES, &mut settings.schedule_storage),
    ] {
        if let Some(section) = root.section(key)? {
            *store = separate_store(key, &section, environment)?;
        }
    }
    Ok(settings)
}

fn separate_store(
    key: &str,
    section: &Section<'_>,
    environment: &dyn Environment,
) -> Result<StoreSettings, InstanceError> {
    let class = section.text("class", environment)?.unwrap_or_default();
    let config = section.section("config")?;
    let config = config.ok_or_else(|| section.error("config", "it is missing"));
    let base_dir = |config: &Section<'_>| {
        let base_dir = config.path_value("base_dir", environment)?;
        base_dir.ok_or_else(|| config.error("base_dir", "it is missing"))
    };
    match (key, &*class) {
        (RUNS, "SqliteRunStorage")
        | (EVENTS, "SqliteEventLogStorage")
        | (SCHEDULES, "SqliteScheduleStorage") => config.and_then(|config| base_dir(&config)).map(StoreSettings::Sqlite),
        (EVENTS, "ConsolidatedSqliteEventLogStorage") => {
            config.and_then(|config| base_dir(&config)).map(StoreSettings::ConsolidatedSqlite)
        }
        (RUNS, "PostgresRunStorage")
        | (EVENTS, "PostgresEventLogStorage")
        | (SCHEDULES, "PostgresScheduleStorage") => config
            .and_then(|config| postgres_settings(&config, environment))
            .map(StoreSettings::Postgres),
        _ => Err(section.error(
            "class",
            &format!("{class:?} is a class that this version does not have; it has Dagster's for SQLite and Postgres"),
        )),
    }
}

fn postgres_settings(
    section: &Section<'_>,
    environment: &dyn Environment,
) -> Result<PostgresSettings, InstanceError> {
    let url = section.text("postgres_url", environment)?.filter(|url| !url.is_empty());
    let url = match (url, section.section("postgres_db")?) {
        (Some(url), None) => url,
        (None, Some(parts)) => url_of_parts(&parts, environment)?,
        (Some(_), Some(_)) => {
            return Err(
                section.error("postgres_db", "`postgres_url` is there, too; remove one of both")
            );
        }
        (None, None) => {
            return Err(section.error(
                "postgres_url",
                "neither it nor `postgres_db` is there; write one of both",
            ));
        }
    };
    let creates = section.boolean("should_autocreate_tables")?.unwrap_or(true);
    Ok(PostgresSettings::new(url).with_should_autocreate_tables(creates))
}

fn url_of_parts(
    parts: &Section<'_>,
    environment: &dyn Environment,
) -> Result<String, InstanceError> {
    let required = |key: &str| {
        let text = parts.text(key, environment)?;
        text.ok_or_else(|| parts.error(key, "it is missing"))
    };
    let mut user = quoted(&required("username")?);
    if let Some(password) = parts.text("password", environment)?.filter(|text| !text.is_empty()) {
        user.push(':');
        user.push_str(&quoted(&password));
    }
    let scheme = parts.text("scheme", environment)?.unwrap_or_else(|| "postgresql".to_owned());
    let port = parts.number_text("port", environment)?.unwrap_or_else(|| "5432".to_owned());
    let mut url =
        format!("{scheme}://{user}@{}:{port}/{}", required("hostname")?, required("db_name")?);
    if let Some(params) = parts.section("params")? {
        for (place, key) in params.keys().enumerate() {
            let value = params.number_text(key, environment)?.unwrap_or_default();
            url.push(if place == 0 { '?' } else { '&' });
            url.push_str(&quoted(key));
            url.push('=');
            url.push_str(&quoted(&value));
        }
    }
    Ok(url)
}

/// The text with all characters escaped that a part of a URL must not have, as by Python's `quote`.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' | b'/' => {
                quoted.push(char::from(byte));
            }
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                quoted.push('%');
                quoted.push(char::from(DIGITS[usize::from(byte >> 4)]));
                quoted.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    quoted
}
