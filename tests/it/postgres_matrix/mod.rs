//! Postgres as it is found: what people connect to, each with a server or a pooler of the test's own.

mod clocks;
mod connecting;
mod doctor;
mod poolers;
mod rights;
pub(crate) mod server;
mod several;
mod tls;
mod tokens;
mod tokens_of_clouds;

use std::sync::Arc;
use std::time::Duration;

use instance_core::event::{DagsterEvent, DagsterEventType, EventLogEntry, LogLevel};
use instance_core::settings::{PostgresSettings, Secret};
use instance_core::{RunId, StorageError};
use instance_storage::{PostgresConfig, StorageContext, Storages};

use server::Server;

/// Longer than a connection takes, and short enough that one that never comes fails the test.
const SOON: Duration = Duration::from_secs(10);

/// Our storages by settings.
fn storages(settings: &PostgresSettings) -> Storages {
    let config = PostgresConfig::from_settings(settings).expect("settings that can be followed");
    let config = config.with_acquire_timeout(SOON);
    Storages::open_postgres(&config, StorageContext::default())
}

/// The same by a URL.
fn storages_of(url: &str) -> Storages {
    storages(&PostgresSettings::from_url(url).expect("a URL"))
}

/// Creates the tables, stores a run with an event, and reads the run. What another test has stored stays.
async fn works(storages: &Storages) -> Result<(), StorageError> {
    storages.create().await?;
    let run = super::postgres::run("works");
    if !storages.run_storage().has_run(&run.run_id).await? {
        storages.run_storage().add_run(&run, chrono::DateTime::UNIX_EPOCH).await?;
    }
    let event = DagsterEvent::new(DagsterEventType::StepStart, "j");
    let entry = EventLogEntry::of_event(event, RunId::from("works"), LogLevel::INFO, 1e9);
    instance_core::storage::EventStoreExt::store_event(&*storages.event_log_storage(), &entry)
        .await?;
    assert!(storages.run_storage().has_run(&RunId::from("works")).await?);
    storages.dispose().await;
    Ok(())
}

/// The fields of a database of the server for a role.
fn settings(server: &Arc<Server>, database: &str, user: &str, password: &str) -> PostgresSettings {
    PostgresSettings::new()
        .with_host("127.0.0.1".to_owned())
        .with_port(server.port())
        .with_username(user.to_owned())
        .with_password(Secret::new(password))
        .with_database(database.to_owned())
}
