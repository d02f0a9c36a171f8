//! Keys of assets and checks: their stored texts, and the order of sets of them.

use insta::assert_snapshot;
use instance_core::serdes::{FrozenSet, serialize_value};
use instance_core::{AssetCheckKey, AssetKey};

use crate::support::{none, round_trip};

fn check_key(asset: &str, name: &str) -> AssetCheckKey {
    AssetCheckKey { asset_key: AssetKey::new([asset]), name: name.to_owned(), unknown: none() }
}

#[test]
fn asset_key() {
    assert_snapshot!(round_trip(&AssetKey::new(["reports", "dé/f"])));
}

#[test]
fn asset_check_key() {
    assert_snapshot!(round_trip(&check_key("raw", "not_empty")));
}

#[test]
fn a_set_of_checks_is_ordered_by_asset_and_name() {
    let set: FrozenSet<_> =
        [check_key("b", "x"), check_key("a", "z"), check_key("a", "y")].into_iter().collect();
    assert_snapshot!(round_trip(&set));
}

#[test]
fn a_set_has_each_item_once() {
    let set: FrozenSet<_> = ["b", "a", "b"].map(|key| AssetKey::new([key])).into_iter().collect();
    assert_eq!(set.as_slice(), [AssetKey::new(["a"]), AssetKey::new(["b"])]);
    assert!(set.contains(&AssetKey::new(["b"])));
    assert!(!set.contains(&AssetKey::new(["c"])));
}

/// The order is that of Python's `str(AssetKey(..))`, with its quotes and escapes; the expected
/// text was printed by Dagster.
#[test]
fn a_set_of_assets_is_ordered_as_python_orders_it() {
    let parts = ["a\n", "a!", "a'", "aé", "a\u{200b}", "a\\", "a\"'"];
    let set: FrozenSet<_> = parts.map(|part| AssetKey::new([part])).into_iter().collect();
    let expected = [r"a'", r"a!", r#"a\"'"#, r"a\\", r"a\n", r"a\u200b", r"a\u00e9"]
        .map(|part| format!(r#"{{"__class__": "AssetKey", "path": ["{part}"]}}"#))
        .join(", ");
    assert_eq!(serialize_value(&set), format!(r#"{{"__frozenset__": [{expected}]}}"#));
}
