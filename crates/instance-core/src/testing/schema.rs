//! Cases about what every store knows of its own schema.

use crate::error::ErrorKind;
use crate::storage::SchemaStore;
use crate::testing::samples::at;

/// A fresh store says which revision its schema has, and says the same again.
pub async fn a_fresh_store_has_a_revision(storage: &dyn SchemaStore) {
    let revision = storage.schema_revision().await.unwrap();
    assert!(!revision.is_empty());
    assert_eq!(storage.schema_revision().await.unwrap(), revision);
}

/// All data migrations that Dagster knows are marked as complete in a fresh store, and no others.
pub async fn a_fresh_store_has_been_through_all_migrations(storage: &dyn SchemaStore) {
    for name in storage.data_migrations() {
        assert!(storage.has_built_index(name).await.unwrap(), "{name}");
    }
    for name in ["", "unheard_of", "%"] {
        assert!(!storage.has_built_index(name).await.unwrap(), "{name:?}");
    }
}

/// A data migration is marked once, whether it was marked before or not.
pub async fn a_mark_of_a_migration_stays(storage: &dyn SchemaStore) {
    for second in 0..2 {
        storage.mark_index_built("unheard_of", at(second)).await.unwrap();
        assert!(storage.has_built_index("unheard_of").await.unwrap());
        assert!(!storage.has_built_index("UNHEARD_OF").await.unwrap());
    }
    for name in storage.data_migrations() {
        storage.mark_index_built(name, at(0)).await.unwrap();
        assert!(storage.has_built_index(name).await.unwrap(), "{name}");
    }
}

/// A fresh store has nothing to migrate, and says so however often it is asked.
pub async fn a_fresh_store_has_no_data_to_migrate(storage: &dyn SchemaStore) {
    let mut carried_out = 0;
    for name in storage.data_migrations() {
        let left = storage.rows_to_migrate(name).await;
        let step = storage.migrate_data(name, None).await;
        match (left, step) {
            (Ok(left), Ok(step)) => {
                carried_out += 1;
                assert_eq!((left, step.rows, step.cursor), (0, 0, None), "{name}");
                // Once more is the same, and the mark stays what it was.
                assert_eq!(storage.migrate_data(name, None).await.unwrap().rows, 0, "{name}");
                assert!(storage.has_built_index(name).await.unwrap(), "{name}");
            }
            // The times of runs follow from what another store has.
            (Err(left), Err(step)) => {
                assert_eq!(*name, "run_start_end_overwritten");
                assert_eq!(left.kind(), ErrorKind::Unsupported, "{left}");
                assert_eq!(step.kind(), ErrorKind::Unsupported, "{step}");
            }
            (left, step) => panic!("{name}: {left:?} rows are left, and a step is {step:?}"),
        }
    }
    assert!(carried_out > 0);
}

/// A store that was closed has what was acknowledged, and is used as before.
pub async fn a_closed_store_may_be_used_again(storage: &dyn SchemaStore) {
    let revision = storage.schema_revision().await.unwrap();
    for name in ["one", "two"] {
        storage.mark_index_built(name, at(0)).await.unwrap();
        // Nothing is open the second time.
        storage.close().await;
        storage.close().await;
        assert!(storage.has_built_index(name).await.unwrap(), "{name}");
    }
    assert!(storage.has_built_index("one").await.unwrap());
    assert_eq!(storage.schema_revision().await.unwrap(), revision);
}
