//! The functions on dynamic partitions, over stores in memory and over SQLite: what they do, and what they refuse.

use std::error::Error;

use instance_core::asset_key::AssetKey;
use instance_core::error::{ErrorKind, InstanceError, StorageError};
use instance_core::event::DagsterEventType;
use instance_core::storage::{
    DynamicPartitionStore, DynamicPartitionsPage, Only, Order, PaginatedResults,
};
use instance_core::testing::instance::TestInstance;
use instance_storage::{
    DynamicPartitionsProgress, StorageContext, Storages, add_dynamic_partitions,
    add_dynamic_partitions_in_batches, delete_dynamic_partition, get_dynamic_partitions,
    get_dynamic_partitions_definition_id, get_existing_dynamic_partitions,
    get_latest_storage_id_by_partition, get_paginated_dynamic_partitions, has_dynamic_partition,
    read_partition_keys,
};

use crate::support::{Home, TestResult, execute};

/// An instance of each kind.
fn instances() -> [TestInstance; 2] {
    let storages = Storages::in_memory(StorageContext::default());
    [TestInstance::default(), TestInstance { stores: storages.stores(), ..TestInstance::default() }]
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("customer-{number:06}")).collect()
}

#[tokio::test]
async fn keys_are_added_found_and_deleted() -> TestResult {
    for ops in instances() {
        assert!(get_dynamic_partitions(&ops, "fruits").await?.is_empty());
        add_dynamic_partitions(&ops, "fruits", &owned(&["pear", "apple"])).await?;
        add_dynamic_partitions(&ops, "fruits", &owned(&["apple", "fig", "a|b", "ü"])).await?;
        add_dynamic_partitions(&ops, "fruits", &[]).await?;
        let keys = ["pear", "apple", "fig", "a|b", "ü"];
        assert_eq!(get_dynamic_partitions(&ops, "fruits").await?, keys);
        assert!(has_dynamic_partition(&ops, "fruits", "fig").await?);
        assert!(!has_dynamic_partition(&ops, "fruits", "Fig").await?);
        let asked = owned(&["fig", "none", "pear", "pear"]);
        let found = get_existing_dynamic_partitions(&ops, "fruits", &asked).await?;
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["fig", "pear"]);
        for key in ["apple", "apple", "none", ""] {
            delete_dynamic_partition(&ops, "fruits", key).await?;
        }
        assert_eq!(get_dynamic_partitions(&ops, "fruits").await?, ["pear", "fig", "a|b", "ü"]);
    }
    Ok(())
}

#[tokio::test]
async fn what_nobody_has_added_to_is_empty() -> TestResult {
    for ops in instances() {
        add_dynamic_partitions(&ops, "fruits", &owned(&["pear"])).await?;
        for name in ["vegetables", "Fruits", ""] {
            assert!(get_dynamic_partitions(&ops, name).await?.is_empty());
            assert!(!has_dynamic_partition(&ops, name, "pear").await?);
            let asked = owned(&["pear"]);
            assert!(get_existing_dynamic_partitions(&ops, name, &asked).await?.is_empty());
            delete_dynamic_partition(&ops, name, "pear").await?;
            let page = DynamicPartitionsPage::new(10, Order::Ascending);
            let PaginatedResults { results, cursor, has_more } =
                get_paginated_dynamic_partitions(&ops, name, &page).await?;
            assert_eq!((results.len(), cursor.0, has_more), (0, -1, false));
        }
        let nothing = get_existing_dynamic_partitions(&ops, "fruits", &[]).await?;
        assert!(nothing.is_empty());
        assert_eq!(get_dynamic_partitions(&ops, "fruits").await?, ["pear"]);
    }
    Ok(())
}

#[tokio::test]
async fn pages_follow_one_another_in_both_orders() -> TestResult {
    for ops in instances() {
        let keys = numbered(25);
        add_dynamic_partitions(&ops, "customers", &keys).await?;
        for order in [Order::Ascending, Order::Descending] {
            let mut page = DynamicPartitionsPage::new(10, order);
            let mut seen = Vec::new();
            loop {
                let found = get_paginated_dynamic_partitions(&ops, "customers", &page).await?;
                seen.push(found.results);
                page.cursor = Some(found.cursor);
                if !found.has_more {
                    break;
                }
            }
            assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
            let mut seen = seen.concat();
            if order == Order::Descending {
                seen.reverse();
            }
            assert_eq!(seen, keys);
        }
    }
    Ok(())
}

/// What is refused, and a part of the reason.
fn check_refused(error: &InstanceError, part: &str) {
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let text = error.to_string();
    assert!(text.contains(part), "{text}");
    assert!(text.len() < 500, "{} bytes", text.len());
}

#[tokio::test]
async fn a_key_that_no_run_could_be_of_is_refused_and_nothing_is_added() -> TestResult {
    let long = "x".repeat(2 << 20);
    let just_too_long = "ü".repeat(1_250);
    for ops in instances() {
        for (key, part) in [
            ("", "it is empty"),
            (long.as_str(), "2097158 bytes"),
            (just_too_long.as_str(), "2506 bytes"),
            ("a...b", r#""...""#),
            ("two\nlines", r#""\n""#),
            ("a\tb", r#""\t""#),
            ("nothing\0", r#""\0""#),
        ] {
            let keys = owned(&["good", key, "better"]);
            let refused = add_dynamic_partitions(&ops, "fruits", &keys).await;
            check_refused(&refused.unwrap_err(), part);
            let mut told = 0;
            let refused =
                add_dynamic_partitions_in_batches(&ops, "fruits", &keys, &mut |_| told += 1).await;
            check_refused(&refused.unwrap_err(), part);
            assert_eq!(told, 0);
            assert!(get_dynamic_partitions(&ops, "fruits").await?.is_empty(), "{part}");
        }
        let refused = add_dynamic_partitions(&ops, "", &owned(&["a"])).await;
        check_refused(&refused.unwrap_err(), "name of the definition");
        // Asking for such a key is no error, nor is deleting it.
        assert!(!has_dynamic_partition(&ops, "fruits", &long).await?);
        delete_dynamic_partition(&ops, "fruits", &long).await?;
        let longest = "x".repeat(2_500 - "fruits".len());
        add_dynamic_partitions(&ops, "fruits", std::slice::from_ref(&longest)).await?;
        assert_eq!(get_dynamic_partitions(&ops, "fruits").await?, [longest]);
    }
    Ok(())
}

#[tokio::test]
async fn the_id_of_a_definition_follows_from_its_keys_in_their_order() -> TestResult {
    for ops in instances() {
        // The ids that Dagster gives.
        let id = get_dynamic_partitions_definition_id(&ops, "fruits").await?;
        assert_eq!(id, "97d170e1550eee4afc0af065b78cda302a97674c");
        add_dynamic_partitions(&ops, "fruits", &owned(&["a", "ü"])).await?;
        let id = get_dynamic_partitions_definition_id(&ops, "fruits").await?;
        assert_eq!(id, "4dbcf1f7462a0322bae92d19ce579f71b0835a49");
        delete_dynamic_partition(&ops, "fruits", "a").await?;
        add_dynamic_partitions(&ops, "fruits", &owned(&["a"])).await?;
        let id = get_dynamic_partitions_definition_id(&ops, "fruits").await?;
        assert_eq!(id, "a70191250231c96e07564a8e95e00286faa1799e");
    }
    Ok(())
}

#[tokio::test]
async fn very_many_keys_are_added_in_batches() -> TestResult {
    let keys = numbered(100_000);
    let home = Home::new().await?;
    let ops = TestInstance { stores: home.storages.stores(), ..TestInstance::default() };
    let mut seen = Vec::new();
    let outcome =
        add_dynamic_partitions_in_batches(&ops, "customers", &keys, &mut |step| seen.push(step))
            .await?;
    assert_eq!((outcome.added, outcome.existing), (100_000, 0));
    assert_eq!(seen.len(), 20);
    let last = seen.last().ok_or("no progress")?;
    assert_eq!((last.done, last.total, last.added), (100_000, 100_000, 100_000));
    assert!(seen.is_sorted_by_key(|step: &DynamicPartitionsProgress| step.done));
    assert_eq!(get_dynamic_partitions(&ops, "customers").await?, keys);
    home.storages.dispose().await;
    Ok(())
}

/// The database goes away in the middle: what was told is there, and the same call later does the rest.
#[tokio::test]
async fn an_interrupted_addition_goes_on_where_it_was() -> TestResult {
    let home = Home::new().await?;
    let ops = TestInstance { stores: home.storages.stores(), ..TestInstance::default() };
    let keys = numbered(12_000);
    let file = home.events_db("index");
    home.storages.create().await?;
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON dynamic_partitions \
                   WHEN new.partition = 'customer-007000' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    execute(&file, trigger).await?;
    let mut told = Vec::new();
    let failed = add_dynamic_partitions_in_batches(&ops, "customers", &keys, &mut |step| {
        told.push(step.done);
    })
    .await;
    assert!(matches!(failed, Err(InstanceError::Storage(_))), "{failed:?}");
    assert_eq!(told, [5_000]);
    assert_eq!(get_dynamic_partitions(&ops, "customers").await?, keys[..5_000]);
    execute(&file, "DROP TRIGGER full").await?;
    told.clear();
    let outcome = add_dynamic_partitions_in_batches(&ops, "customers", &keys, &mut |step| {
        told.push(step.added);
    })
    .await?;
    assert_eq!((outcome.added, outcome.existing), (7_000, 5_000));
    assert_eq!(told, [0, 5_000, 7_000]);
    assert_eq!(get_dynamic_partitions(&ops, "customers").await?, keys);
    home.storages.dispose().await;
    Ok(())
}

#[tokio::test]
async fn keys_that_are_given_twice_count_once() -> TestResult {
    for ops in instances() {
        let keys = owned(&["a", "b", "a"]);
        let outcome = add_dynamic_partitions_in_batches(&ops, "set", &keys, &mut |_| ()).await?;
        assert_eq!((outcome.added, outcome.existing), (2, 1));
        assert_eq!(get_dynamic_partitions(&ops, "set").await?, ["a", "b"]);
    }
    Ok(())
}

#[tokio::test]
async fn keys_are_read_from_a_file() -> TestResult {
    let directory = tempfile::TempDir::new()?;
    let file = directory.path().join("keys.txt");
    std::fs::write(&file, "\u{feff}b\r\na\n\n ü \nb\nlast")?;
    assert_eq!(read_partition_keys("set", &file).await?, ["b", "a", " ü ", "last"]);
    std::fs::write(&file, "")?;
    assert!(read_partition_keys("set", &file).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_file_with_a_key_that_is_none_is_refused_by_its_line() -> TestResult {
    let directory = tempfile::TempDir::new()?;
    let file = directory.path().join("keys.txt");
    for (bytes, part) in [
        (b"a\nb\n\nc...d\n".as_slice(), "line 4 of"),
        (b"a\n\xff\xfe\n", "line 2 is not UTF-8"),
        (b"a\tb", "line 1 of"),
    ] {
        std::fs::write(&file, bytes)?;
        check_refused(&read_partition_keys("set", &file).await.unwrap_err(), part);
    }
    let missing = directory.path().join("none.txt");
    check_refused(&read_partition_keys("set", &missing).await.unwrap_err(), "none.txt");
    check_refused(
        &read_partition_keys("set", directory.path()).await.unwrap_err(),
        "cannot be read",
    );
    Ok(())
}

/// A key that only Dagster would add is found, and can be taken out.
#[tokio::test]
async fn a_key_that_another_program_added_is_found_and_deleted() -> Result<(), Box<dyn Error>> {
    for ops in instances() {
        let store: &dyn DynamicPartitionStore = &*ops.stores.event_log_storage;
        store.add_dynamic_partitions("set", &owned(&["a...b", ""])).await?;
        assert!(has_dynamic_partition(&ops, "set", "a...b").await?);
        assert_eq!(get_dynamic_partitions(&ops, "set").await?, ["a...b", ""]);
        delete_dynamic_partition(&ops, "set", "a...b").await?;
        delete_dynamic_partition(&ops, "set", "").await?;
        assert!(get_dynamic_partitions(&ops, "set").await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn rows_of_partitions_of_an_unknown_asset_are_none() -> Result<(), StorageError> {
    for ops in instances() {
        let key = AssetKey::new(["none"]);
        let materialization = DagsterEventType::AssetMaterialization;
        for partitions in [Only::Any, Only::one("a"), Only::These(Vec::new())] {
            let found =
                get_latest_storage_id_by_partition(&ops, &key, materialization, &partitions, None)
                    .await;
            assert!(found.is_ok_and(|found| found.is_empty()));
        }
    }
    Ok(())
}
