//! What a program is told of its run.

use std::collections::BTreeMap;

use instance_core::asset_key::AssetKey;
use instance_core::run::DagsterRun;
use instance_core::tags;
use serde_json::{Map, Value, json};

/// The context of a run, for these assets. What only definitions know is null: versions of code, the provenance of
/// data, and the window of time of a partition.
pub(super) fn context(
    run: &DagsterRun,
    assets: &[AssetKey],
    extras: &BTreeMap<String, Value>,
) -> Value {
    let mut keys: Vec<String> = assets.iter().map(AssetKey::to_user_string).collect();
    keys.sort();
    keys.dedup();
    let nothing_for_each = || -> Value {
        let nulls: Map<String, Value> = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
        if nulls.is_empty() { Value::Null } else { nulls.into() }
    };
    let tag = |name: &str| run.tags.get(name).map(String::as_str);
    let partition = tag(tags::PARTITION);
    let start = tag(tags::ASSET_PARTITION_RANGE_START).or(partition);
    let end = tag(tags::ASSET_PARTITION_RANGE_END).or(partition);
    let range = start.zip(end).map(|(start, end)| json!({"start": start, "end": end}));
    let retry_number = tag(tags::RETRY_NUMBER).and_then(|number| number.parse::<u64>().ok());
    json!({
        "asset_keys": if keys.is_empty() { Value::Null } else { json!(keys) },
        "code_version_by_asset_key": nothing_for_each(),
        "provenance_by_asset_key": nothing_for_each(),
        "partition_key": partition,
        "partition_key_range": range,
        "partition_time_window": null,
        "run_id": run.run_id.as_str(),
        "job_name": run.job_name,
        "retry_number": retry_number.unwrap_or_default(),
        "extras": extras,
    })
}

#[cfg(test)]
mod tests {
    use instance_core::ids::RunId;

    use super::*;

    fn run(tags: &[(&str, &str)]) -> DagsterRun {
        let mut run = DagsterRun::new(RunId::from("r1"), "etl");
        run.tags.extend(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        run
    }

    #[test]
    fn a_plain_run_has_no_assets_and_no_partition() {
        let context = context(&run(&[]), &[], &BTreeMap::new());
        let expect = json!({
            "asset_keys": null,
            "code_version_by_asset_key": null,
            "extras": {},
            "job_name": "etl",
            "partition_key": null,
            "partition_key_range": null,
            "partition_time_window": null,
            "provenance_by_asset_key": null,
            "retry_number": 0,
            "run_id": "r1",
        });
        assert_eq!(context, expect);
    }

    #[test]
    fn assets_are_sorted_and_escaped() {
        let assets = [AssetKey::new(["b", "a/b"]), AssetKey::new(["a"])];
        let tags = [("dagster/partition", "p"), ("dagster/retry_number", "2")];
        let extras = BTreeMap::from([("e".to_owned(), json!([1]))]);
        let context = context(&run(&tags), &assets, &extras);
        assert_eq!(context["asset_keys"], json!(["a", r"b/a\/b"]));
        assert_eq!(context["code_version_by_asset_key"], json!({"a": null, r"b/a\/b": null}));
        assert_eq!(context["partition_key_range"], json!({"start": "p", "end": "p"}));
        assert_eq!((&context["retry_number"], &context["extras"]), (&json!(2), &json!({"e": [1]})));
    }

    #[test]
    fn a_range_of_partitions_has_two_ends() {
        let tags = [
            ("dagster/asset_partition_range_start", "a"),
            ("dagster/asset_partition_range_end", "c"),
        ];
        let context = context(&run(&tags), &[], &BTreeMap::new());
        assert_eq!(context["partition_key"], Value::Null);
        assert_eq!(context["partition_key_range"], json!({"start": "a", "end": "c"}));
    }
}
