//! Cases about the store of events as a whole.

use crate::assets::FreshnessState;
use crate::event::DagsterEventType;
use crate::ids::RunId;
use crate::storage::EventStoreExt;
use crate::storage::{CheckExecutionsPage, EventLogStorage, EventRecordsFilter, Only, Order};
use crate::testing::event_log::events::all_messages;
use crate::testing::samples::{check_key, check_planned, event, freshness, materialized, message};

/// A wipe leaves nothing but the marks of data migrations, and then the store is used as before.
pub async fn a_wipe_of_events_leaves_nothing(storage: &dyn EventLogStorage) {
    let check = check_key("a", "c");
    for _ in 0..2 {
        let batch = [
            message("r1", "x"),
            event("r1", DagsterEventType::RunStart, 1),
            materialized("r1", "a", Some("p"), 1),
            check_planned("r1", &check, 1),
            freshness("a", FreshnessState::Pass, 1.0),
        ];
        storage.store_event_batch(&batch).await.unwrap();
        storage.add_dynamic_partitions("set", &["a".to_owned()]).await.unwrap();
        storage.set_concurrency_slots("pool", 1).await.unwrap();
        for step in ["a", "b"] {
            let run = RunId::from("r1");
            storage.claim_concurrency_slot("pool", &run, step, None).await.unwrap();
        }
        assert_eq!(all_messages(storage, "r1").await.len(), 4);

        storage.wipe().await.unwrap();
        assert_eq!(all_messages(storage, "r1").await, Vec::<String>::new());
        assert_eq!(storage.get_asset_records(&Only::Any).await.unwrap(), []);
        for event_type in
            [DagsterEventType::AssetMaterialization, DagsterEventType::FreshnessStateChange]
        {
            let filter = EventRecordsFilter::new(event_type);
            let found = storage.get_event_records(&filter, None, Order::Ascending).await.unwrap();
            assert_eq!(found, []);
        }
        assert_eq!(storage.get_maximum_record_id().await.unwrap(), None);
        let page = CheckExecutionsPage {
            check_key: check.clone(),
            limit: 9,
            cursor: None,
            statuses: Only::Any,
            partition_filter: None,
        };
        assert_eq!(storage.get_asset_check_execution_history(&page).await.unwrap(), []);
        let keys = storage.get_dynamic_partitions("set").await.unwrap();
        assert_eq!(keys, Vec::<String>::new());
        assert_eq!(storage.get_pool_limits().await.unwrap(), []);
        assert_eq!(storage.get_concurrency_run_ids().await.unwrap().len(), 0);
        for name in storage.data_migrations() {
            assert!(storage.has_built_index(name).await.unwrap(), "{name}");
        }
        assert!(!storage.schema_revision().await.unwrap().is_empty());
    }
}

/// A store of events that was closed has them, and takes others, single ones and several at once.
pub async fn a_closed_store_of_events_has_what_was_stored(storage: &dyn EventLogStorage) {
    for number in 1..=2 {
        storage.store_event(&message("r1", "a")).await.unwrap();
        storage.store_event_batch(&[message("r1", "b"), message("r2", "c")]).await.unwrap();
        storage.close().await;
        assert_eq!(all_messages(storage, "r1").await, ["a", "b"].repeat(number));
        assert_eq!(all_messages(storage, "r2").await, ["c"].repeat(number));
    }
}
