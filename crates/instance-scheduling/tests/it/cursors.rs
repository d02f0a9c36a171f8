//! The cursors of daemons.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::testing::instance::TestInstance;
use instance_scheduling::{get_cursor_values, set_cursor_values};

use crate::support::TestResult;

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn keys(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[tokio::test]
async fn values_are_the_last_that_were_set() -> TestResult {
    let instance = TestInstance::default();
    assert_eq!(get_cursor_values(&instance, &keys(&["a"])).await?, pairs(&[]));
    set_cursor_values(&instance, &pairs(&[("a", "1"), ("b", "")])).await?;
    set_cursor_values(&instance, &pairs(&[("a", "2"), ("c", "3")])).await?;
    set_cursor_values(&instance, &pairs(&[])).await?;
    let found = get_cursor_values(&instance, &keys(&["a", "b", "c", "unknown"])).await?;
    assert_eq!(found, pairs(&[("a", "2"), ("b", ""), ("c", "3")]));
    assert_eq!(get_cursor_values(&instance, &keys(&[])).await?, pairs(&[]));
    Ok(())
}
