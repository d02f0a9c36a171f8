//! All stores in one directory, where Dagster's wipe of events deletes the databases of runs and schedules.

use std::path::Path;

use instance_core::event::DagsterEventType;
use instance_core::settings::{StorageSettings, StoreSettings};
use instance_core::storage::{EventRecordsFilter, EventStoreExt, Order, SchemaUpgrade};
use instance_core::{RunId, StorageError};
use instance_storage::{OpenMode, StorageContext, Storages};
use tempfile::TempDir;

use super::{fill, messages, run_ids};
use crate::support::{TestResult, event, files_below, line};

/// Dagster's default has runs above events. These have them together, named in other ways, too.
fn layouts(directory: &Path) -> Vec<StorageSettings> {
    let at = |path: &str| StoreSettings::Sqlite(directory.join(path));
    let all = StorageSettings::all(at("all"));
    vec![
        all.clone(),
        all.clone().with_event_log_storage(at("all/../all")),
        all.clone().with_run_storage(at("./all/.")),
        all.clone().with_event_log_storage(at("link")),
        all.with_schedule_storage(at("elsewhere")),
    ]
}

#[tokio::test]
async fn a_wipe_of_events_leaves_the_other_stores_alone() -> TestResult {
    for number in 0..5 {
        let directory = TempDir::new()?;
        std::fs::create_dir(directory.path().join("all"))?;
        std::os::unix::fs::symlink(directory.path().join("all"), directory.path().join("link"))?;
        let settings = &layouts(directory.path())[number];
        let open = || Storages::open(settings, OpenMode::CreateIfMissing, StorageContext::new());
        let storages = open().await?;
        fill(&storages, "r1").await?;
        let events = storages.event_log_storage();
        events.store_event(&event("", DagsterEventType::RunStart, 0)).await?;
        assert_eq!(events.get_all_run_ids().await?, [RunId::from(""), RunId::from("r1")]);
        let starts = EventRecordsFilter::new(DagsterEventType::RunStart);
        assert_eq!(events.get_event_records(&starts, None, Order::Ascending).await?.len(), 2);

        let mut schemas = Vec::new();
        for schema in events.schema_of_databases(&SchemaUpgrade::default()).await? {
            let name = Path::new(&schema.database).file_name().unwrap_or_default().to_owned();
            schemas.push(name.to_string_lossy().into_owned());
        }
        assert_eq!(schemas, [".db", "r1.db", "index.db"]);

        // Databases of other stores are no runs, whatever is asked of them.
        let mut taken = vec!["index", "runs"];
        if number != 4 {
            taken.push("schedules");
        }
        for id in taken.into_iter().chain(["../r1", "a/b", "a\\b", "a\0b"]) {
            let id = RunId::from(id);
            for outcome in [
                events.store_event(&line(id.as_str(), "lost", 0)).await.map(drop),
                events.delete_events(&id).await,
            ] {
                let error = outcome.unwrap_err();
                assert!(matches!(error, StorageError::Unsupported { .. }), "{id}: {error:?}");
            }
        }

        events.delete_events(&RunId::from("r1")).await?;
        assert_eq!(messages(&storages, "r1").await?, [""; 0]);
        assert_eq!(run_ids(&storages).await?.len(), 1);
        events.store_event(&line("r1", "again", 0)).await?;
        events.wipe().await?;
        assert_eq!(run_ids(&storages).await?.len(), 1);
        storages.dispose().await;
        let mut expected = vec!["all", "all/index.db", "all/runs.db"];
        if number == 4 {
            expected.extend(["elsewhere", "elsewhere/schedules.db"]);
        } else {
            expected.push("all/schedules.db");
        }
        let found: Vec<_> = files_below(directory.path())
            .into_iter()
            .filter(|path| !path.starts_with("link"))
            .collect();
        assert_eq!(found, expected, "{number}");

        let storages = open().await?;
        assert_eq!(run_ids(&storages).await?.len(), 1);
        storages.run_storage().wipe().await?;
        storages.schedule_storage().wipe().await?;
        assert_eq!(run_ids(&storages).await?.len(), 0);
        fill(&storages, "r2").await?;
        assert_eq!(messages(&storages, "r2").await?.len(), 2);
        storages.dispose().await;
    }
    Ok(())
}
