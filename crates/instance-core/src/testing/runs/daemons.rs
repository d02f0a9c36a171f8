//! Cases about what daemons remember.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::timestamp_of;
use crate::error_info::SerializableErrorInfo;
use crate::serdes::serialize_value;
use crate::storage::{DaemonStore, Fence};
use crate::testing::samples::{
    AWKWARD, MANY, all_of, awkward_times, heartbeat, numbered, stamp, tags, with_unknown_field,
};

/// The last sign of each kind of daemon counts, and kinds come in the order of their first sign.
pub async fn the_last_sign_of_life_of_each_kind_is_kept(storage: &dyn DaemonStore) {
    assert_eq!(storage.get_daemon_heartbeats().await.unwrap(), []);
    let error = SerializableErrorInfo::new("E", "it's 🦀\0\n");
    let mut last = with_unknown_field(&heartbeat("SENSOR", "second", stamp(9) + 0.000_001));
    last.stored_errors = Some(vec![error]);
    storage.add_daemon_heartbeat(&heartbeat("SENSOR", "first", stamp(1))).await.unwrap();
    storage.add_daemon_heartbeat(&heartbeat("BACKFILL", "a", stamp(2))).await.unwrap();
    storage.add_daemon_heartbeat(&heartbeat("sensor", "a", stamp(3))).await.unwrap();
    storage.add_daemon_heartbeat(&last).await.unwrap();
    let found = storage.get_daemon_heartbeats().await.unwrap();
    let kinds: Vec<_> = found.iter().map(|sign| sign.daemon_type.as_str()).collect();
    assert_eq!(kinds, ["SENSOR", "BACKFILL", "sensor"]);
    assert_eq!(serialize_value(&found[0]), serialize_value(&last));
}

/// A sign of life is of any time that a calendar has; another one is refused and leaves the last one.
pub async fn signs_of_life_of_any_time_are_kept(storage: &dyn DaemonStore) {
    for time in awkward_times() {
        let sign = heartbeat("SENSOR", "a", timestamp_of(time));
        storage.add_daemon_heartbeat(&sign).await.unwrap();
        assert_eq!(storage.get_daemon_heartbeats().await.unwrap(), [sign]);
    }
    let before = storage.get_daemon_heartbeats().await.unwrap();
    for timestamp in [f64::NAN, f64::INFINITY, 1e300] {
        let sign = heartbeat("SENSOR", "b", timestamp);
        storage.add_daemon_heartbeat(&sign).await.unwrap_err();
        assert_eq!(storage.get_daemon_heartbeats().await.unwrap(), before);
    }
}

/// All signs of life are wiped at once, whether there are any or not.
pub async fn signs_of_life_are_wiped(storage: &dyn DaemonStore) {
    for kind in ["SENSOR", "BACKFILL"] {
        storage.add_daemon_heartbeat(&heartbeat(kind, "a", stamp(1))).await.unwrap();
    }
    for _ in 0..2 {
        storage.wipe_daemon_heartbeats().await.unwrap();
        assert_eq!(storage.get_daemon_heartbeats().await.unwrap(), []);
    }
    storage.add_daemon_heartbeat(&heartbeat("SENSOR", "b", stamp(2))).await.unwrap();
    assert_eq!(storage.get_daemon_heartbeats().await.unwrap().len(), 1);
}

fn keys(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// A value takes the place of the one before, others stay, and a key without a value is left out.
pub async fn values_of_cursors_are_replaced(storage: &dyn DaemonStore) {
    assert_eq!(storage.get_cursor_values(&keys(&["a"])).await.unwrap(), tags(&[]));
    storage.set_cursor_values(&tags(&[("a", "1"), ("b", "")])).await.unwrap();
    storage.set_cursor_values(&tags(&[("a", "2"), ("c", &"é".repeat(500_000))])).await.unwrap();
    storage.set_cursor_values(&tags(&[])).await.unwrap();
    let found = storage.get_cursor_values(&keys(&["a", "b", "none"])).await.unwrap();
    assert_eq!(found, tags(&[("a", "2"), ("b", "")]));
    assert_eq!(storage.get_cursor_values(&keys(&["c"])).await.unwrap()["c"].len(), 1_000_000);
    assert_eq!(storage.get_cursor_values(&keys(&[])).await.unwrap(), tags(&[]));
}

/// Keys that differ in any way have values of their own.
pub async fn awkward_keys_of_cursors_are_told_apart(storage: &dyn DaemonStore) {
    let pairs: BTreeMap<_, _> =
        AWKWARD.iter().map(|text| ((*text).to_owned(), (*text).to_owned())).collect();
    storage.set_cursor_values(&pairs).await.unwrap();
    assert_eq!(storage.get_cursor_values(&keys(AWKWARD)).await.unwrap(), pairs);
    for text in AWKWARD {
        let found = storage.get_cursor_values(&keys(&[text])).await.unwrap();
        assert_eq!(found, tags(&[(text, text)]));
    }
}

/// More keys than one statement may bind are stored in one call, and asked for in one.
pub async fn any_number_of_cursors_may_be_stored_and_asked_for(storage: &dyn DaemonStore) {
    let pairs: BTreeMap<_, _> =
        numbered("k", MANY).into_iter().map(|key| (key.clone(), key)).collect();
    storage.set_cursor_values(&pairs).await.unwrap();
    let keys = pairs.keys().cloned().chain(["none".to_owned()]).collect();
    assert_eq!(storage.get_cursor_values(&keys).await.unwrap(), pairs);
}

/// If one of the values cannot be stored, none of the call is, however many there are.
pub async fn cursors_are_stored_all_or_none(storage: &dyn DaemonStore) {
    storage.set_cursor_values(&tags(&[("k000001", "before")])).await.unwrap();
    let mut pairs: BTreeMap<_, _> =
        numbered("k", MANY).into_iter().map(|key| (key, "after".to_owned())).collect();
    pairs.insert(format!("k{}", MANY - 1), "x\0".to_owned());
    let is_stored = storage.set_cursor_values(&pairs).await.is_ok();
    let last = format!("k{}", MANY - 1);
    let found = storage.get_cursor_values(&keys(&["k000000", "k000001", &last])).await.unwrap();
    if is_stored {
        assert_eq!(found, tags(&[("k000000", "after"), ("k000001", "after"), (&last, "x\0")]));
    } else {
        assert_eq!(found, tags(&[("k000001", "before")]));
    }
}

/// A value is replaced only by who knows it, is given only to a key without one, and is taken away only by who knows it.
pub async fn a_value_of_a_cursor_is_changed_by_who_knows_it(storage: &dyn DaemonStore) {
    let change = async |from: Option<&str>, to: Option<&str>| {
        storage.change_cursor_value("k", from, to).await.unwrap()
    };
    let value = async || storage.get_cursor_values(&keys(&["k"])).await.unwrap().remove("k");
    storage.set_cursor_values(&tags(&[("K", "1"), ("k ", "1")])).await.unwrap();
    assert!(change(None, None).await);
    assert!(!change(Some("1"), Some("2")).await);
    assert!(!change(Some("1"), None).await);
    assert!(change(None, Some("1")).await);
    assert!(!change(None, Some("2")).await);
    assert!(!change(None, None).await);
    assert_eq!(value().await.as_deref(), Some("1"));
    for unknown in ["", "1 ", "01", "2"] {
        assert!(!change(Some(unknown), Some("3")).await, "{unknown:?}");
        assert!(!change(Some(unknown), None).await, "{unknown:?}");
    }
    assert!(change(Some("1"), Some("1")).await);
    assert!(change(Some("1"), Some("")).await);
    assert!(change(Some(""), Some("é🦀")).await);
    assert!(!change(Some("e\u{301}🦀"), Some("3")).await);
    assert_eq!(value().await.as_deref(), Some("é🦀"));
    assert!(change(Some("é🦀"), None).await);
    assert_eq!(value().await, None);
    assert!(change(None, None).await);
    let others = storage.get_cursor_values(&keys(&["K", "k "])).await.unwrap();
    assert_eq!(others, tags(&[("K", "1"), ("k ", "1")]));
}

/// Of several who would replace the same value, one does.
pub async fn of_changes_of_a_cursor_at_once_one_is_made(storage: &dyn DaemonStore) {
    for from in [None, Some("start")] {
        let values = numbered("v", 12);
        let changes =
            values.iter().map(|value| storage.change_cursor_value("k", from, Some(value)));
        let made: Vec<_> = all_of(changes).await.into_iter().map(Result::unwrap).collect();
        let won: Vec<_> = values.iter().zip(&made).filter(|(_, made)| **made).collect();
        assert_eq!(won.len(), 1, "{made:?}");
        let stored = storage.get_cursor_values(&keys(&["k"])).await.unwrap();
        assert_eq!(stored.get("k"), Some(won[0].0));
        storage.set_cursor_values(&tags(&[("k", "start")])).await.unwrap();
    }
}

/// Keys are found by their beginning, taken literally and in its own case.
pub async fn cursors_are_found_by_the_beginning_of_their_keys(storage: &dyn DaemonStore) {
    assert_eq!(storage.get_cursor_values_beginning("").await.unwrap(), tags(&[]));
    let pairs =
        tags(&[("a/1", "1"), ("a/2", ""), ("A/1", "3"), ("a", "4"), ("a%1", "5"), ("é/1", "6")]);
    storage.set_cursor_values(&pairs).await.unwrap();
    for (prefix, expected) in [
        ("a/", &[("a/1", "1"), ("a/2", "")][..]),
        ("A", &[("A/1", "3")]),
        ("a%", &[("a%1", "5")]),
        ("é", &[("é/1", "6")]),
        ("a/12", &[]),
        ("_", &[]),
    ] {
        let found = storage.get_cursor_values_beginning(prefix).await.unwrap();
        assert_eq!(found, tags(expected), "{prefix:?}");
    }
    assert_eq!(storage.get_cursor_values_beginning("").await.unwrap(), pairs);
}

/// Values are stored behind a fence as long as it has its value.
pub async fn cursors_behind_a_fence_are_stored_by_the_leader_alone(storage: &dyn DaemonStore) {
    let fence = Fence { key: "lease".to_owned(), value: "me".to_owned() };
    let store = async |value: &str| {
        storage.set_cursor_values_if(&fence, &tags(&[("a", value), ("b", value)])).await.unwrap()
    };
    let stored = async || storage.get_cursor_values(&keys(&["a", "b"])).await.unwrap();
    assert!(!store("1").await);
    for other in ["", "Me", "me "] {
        storage.set_cursor_values(&tags(&[("lease", other)])).await.unwrap();
        assert!(!store("1").await, "{other:?}");
    }
    assert_eq!(stored().await, tags(&[]));
    storage.set_cursor_values(&tags(&[("lease", "me")])).await.unwrap();
    assert!(store("1").await);
    assert!(storage.set_cursor_values_if(&fence, &tags(&[])).await.unwrap());
    storage.set_cursor_values(&tags(&[("lease", "you")])).await.unwrap();
    assert!(!store("2").await);
    assert_eq!(stored().await, tags(&[("a", "1"), ("b", "1")]));
}
