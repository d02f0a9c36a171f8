//! Cases about the keys of dynamic partitions.

use std::collections::BTreeSet;

use crate::ids::StorageId;
use crate::storage::{DynamicPartitionStore, DynamicPartitionsPage, Order, PaginatedResults};
use crate::testing::samples::{AWKWARD, COLLATED, FAR, MANY, all_of, numbered};

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

async fn page(
    storage: &dyn DynamicPartitionStore,
    cursor: Option<StorageId>,
    limit: u64,
    order: Order,
) -> PaginatedResults<String> {
    let page = DynamicPartitionsPage { cursor, limit, order };
    storage.get_paginated_dynamic_partitions("set", &page).await.unwrap()
}

/// Keys come in the order in which they were added, not by their characters; a set that nobody added to is
/// empty.
pub async fn keys_come_in_the_order_in_which_they_were_added(storage: &dyn DynamicPartitionStore) {
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), Vec::<String>::new());
    storage.add_dynamic_partitions("set", &owned(COLLATED)).await.unwrap();
    storage.add_dynamic_partitions("set", &owned(&["", "0"])).await.unwrap();
    storage.add_dynamic_partitions("set", &[]).await.unwrap();
    let expected: Vec<_> = COLLATED.iter().copied().chain(["", "0"]).collect();
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), expected);
    assert_eq!(storage.get_dynamic_partitions("SET").await.unwrap(), Vec::<String>::new());
}

/// A key that a set has stays where it is when it is added again, alone or among others, or twice at once.
pub async fn a_key_that_is_added_again_stays_where_it_is(storage: &dyn DynamicPartitionStore) {
    storage.add_dynamic_partitions("set", &owned(&["b", "a"])).await.unwrap();
    storage.add_dynamic_partitions("set", &owned(&["a"])).await.unwrap();
    storage.add_dynamic_partitions("set", &owned(&["c", "b", "c", "d"])).await.unwrap();
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), ["b", "a", "c", "d"]);
}

/// Keys and names of sets that differ in any way are different.
pub async fn awkward_keys_of_partitions_are_told_apart(storage: &dyn DynamicPartitionStore) {
    storage.add_dynamic_partitions("set", &owned(AWKWARD)).await.unwrap();
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), AWKWARD);
    for text in AWKWARD {
        storage.add_dynamic_partitions(text, &owned(&[text])).await.unwrap();
        assert!(storage.has_dynamic_partition("set", text).await.unwrap(), "{text:?}");
    }
    for text in AWKWARD {
        assert_eq!(storage.get_dynamic_partitions(text).await.unwrap(), [*text]);
    }
    for (set, key) in [("set", ""), ("set", "b"), ("a", "A"), ("", "a"), ("none", "a")] {
        assert!(!storage.has_dynamic_partition(set, key).await.unwrap(), "{key:?} of {set:?}");
    }
}

/// Of several keys those are found that the set has.
pub async fn existing_keys_are_found(storage: &dyn DynamicPartitionStore) {
    storage.add_dynamic_partitions("set", &owned(&["a", "b", "c"])).await.unwrap();
    storage.add_dynamic_partitions("other", &owned(&["d"])).await.unwrap();
    let asked = owned(&["c", "d", "a", "a", "A"]);
    let found = storage.get_existing_dynamic_partitions("set", &asked).await.unwrap();
    assert_eq!(found, owned(&["a", "c"]).into_iter().collect());
    let found = storage.get_existing_dynamic_partitions("set", &[]).await.unwrap();
    assert_eq!(found, BTreeSet::new());
    let found = storage.get_existing_dynamic_partitions("none", &asked).await.unwrap();
    assert_eq!(found, BTreeSet::new());
}

/// A key is taken out of one set, one that is not there is no error, and one that is added again comes last.
pub async fn a_deleted_key_is_gone(storage: &dyn DynamicPartitionStore) {
    for set in ["set", "other"] {
        storage.add_dynamic_partitions(set, &owned(&["a", "b", "c"])).await.unwrap();
    }
    for key in ["a", "a", "B", "none"] {
        storage.delete_dynamic_partition("set", key).await.unwrap();
    }
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), ["b", "c"]);
    assert_eq!(storage.get_dynamic_partitions("other").await.unwrap(), ["a", "b", "c"]);
    storage.add_dynamic_partitions("set", &owned(&["a"])).await.unwrap();
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), ["b", "c", "a"]);
}

/// Page by page, every key comes once and in order, whatever the limit and the order.
pub async fn pages_of_keys_follow_one_another(storage: &dyn DynamicPartitionStore) {
    storage.add_dynamic_partitions("other", &owned(&["x"])).await.unwrap();
    for key in COLLATED {
        // Rows of another set between those of this one.
        storage.add_dynamic_partitions("set", &owned(&[key])).await.unwrap();
        storage.add_dynamic_partitions("other", &owned(&[key])).await.unwrap();
    }
    for order in [Order::Ascending, Order::Descending] {
        for limit in [1, 2, 7, COLLATED.len() as u64, 1_000] {
            let mut seen = Vec::new();
            let mut cursor = None;
            loop {
                let found = page(storage, cursor, limit, order).await;
                assert!(found.results.len() as u64 <= limit);
                seen.extend(found.results);
                assert!(seen.len() < 1_000, "pages do not end");
                cursor = Some(found.cursor);
                if !found.has_more {
                    break;
                }
            }
            if order == Order::Descending {
                seen.reverse();
            }
            assert_eq!(seen, COLLATED, "{order:?}, {limit} at once");
        }
    }
}

/// Where there is nothing, the cursor is the one that was asked for, or -1.
pub async fn the_cursor_of_an_empty_page_of_keys_stays(storage: &dyn DynamicPartitionStore) {
    let empty = |cursor| PaginatedResults {
        results: Vec::new(),
        cursor: StorageId(cursor),
        has_more: false,
    };
    for order in [Order::Ascending, Order::Descending] {
        assert_eq!(page(storage, None, 5, order).await, empty(-1));
        assert_eq!(page(storage, Some(StorageId(FAR)), 5, order).await, empty(FAR));
    }
    storage.add_dynamic_partitions("set", &owned(&["a"])).await.unwrap();
    let found = page(storage, Some(StorageId(-1)), 5, Order::Ascending).await;
    assert_eq!(found.results, ["a"]);
    assert_eq!(page(storage, Some(found.cursor), 5, Order::Ascending).await, empty(found.cursor.0));
    let found = page(storage, Some(StorageId(FAR)), 5, Order::Descending).await;
    assert_eq!(found.results, ["a"]);
}

/// A limit of nothing gives nothing and says that there is more; one that no database counts to gives all.
pub async fn a_limit_of_keys_may_be_of_any_size(storage: &dyn DynamicPartitionStore) {
    storage.add_dynamic_partitions("set", &owned(&["a", "b"])).await.unwrap();
    let none = page(storage, None, 0, Order::Ascending).await;
    assert_eq!((none.results.len(), none.has_more), (0, true));
    for limit in [2, 1 << 32, u64::MAX] {
        let all = page(storage, None, limit, Order::Ascending).await;
        assert_eq!((all.results.len(), all.has_more), (2, false), "{limit}");
    }
}

/// More keys than one statement may bind are added in one call and in their order, and asked for in one.
pub async fn any_number_of_keys_may_be_added_and_asked_for(storage: &dyn DynamicPartitionStore) {
    let mut keys = numbered("k", MANY);
    keys.reverse();
    storage.add_dynamic_partitions("set", &keys).await.unwrap();
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), keys);
    keys.push("none".to_owned());
    let found = storage.get_existing_dynamic_partitions("set", &keys).await.unwrap();
    assert_eq!(found.len(), MANY);
}

/// If one of the keys cannot be stored, none of the call is, however many there are.
pub async fn keys_are_added_all_or_none(storage: &dyn DynamicPartitionStore) {
    let mut keys = numbered("k", 30_000);
    keys.push("x\0".to_owned());
    let is_stored = storage.add_dynamic_partitions("set", &keys).await.is_ok();
    let expected = if is_stored { keys } else { Vec::new() };
    assert_eq!(storage.get_dynamic_partitions("set").await.unwrap(), expected);
    storage.add_dynamic_partitions("set", &owned(&["next"])).await.unwrap();
    assert!(storage.has_dynamic_partition("set", "next").await.unwrap());
}

/// Callers who add the same keys at once add each of them once.
pub async fn keys_may_be_added_at_once(storage: &dyn DynamicPartitionStore) {
    let keys = owned(COLLATED);
    let mut backwards = keys.clone();
    backwards.reverse();
    let added = (0..12).map(|number| {
        let keys = if number % 2 == 0 { &keys } else { &backwards };
        storage.add_dynamic_partitions("set", keys)
    });
    for outcome in all_of(added).await {
        outcome.unwrap();
    }
    let mut found = storage.get_dynamic_partitions("set").await.unwrap();
    found.sort_unstable();
    let mut expected = COLLATED.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}
