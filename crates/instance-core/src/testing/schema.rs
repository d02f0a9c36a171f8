//! Cases about what every store knows of its own schema.

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
