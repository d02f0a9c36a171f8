//! The snapshots of a command's job, against those that Dagster makes of the same definitions.

use dagster_instance::serdes::serialize_value;
use dagster_instance::{AssetCheckKey, AssetKey, CommandJob};
use dagster_instance_tests::dagster_with_input;
use serde_json::json;

#[test]
fn snapshots_are_those_that_dagster_makes() {
    let cases = [
        ("no asset", "plain", vec![], vec![], false),
        ("one asset", "with_one", vec![vec!["demo", "hello"]], vec![], false),
        (
            "several assets",
            "with_many",
            vec![vec!["z"], vec!["demo", "hello-world"], vec!["b.c"]],
            vec![],
            false,
        ),
        ("partitioned", "with_partitions", vec![vec!["demo", "daily"], vec!["a"]], vec![], true),
        (
            "checks",
            "with_checks",
            vec![vec!["demo", "a"], vec!["b"]],
            vec![(vec!["demo", "a"], "c1"), (vec!["b"], "a0")],
            false,
        ),
        (
            "checks of partitioned assets",
            "with_checks_of_partitions",
            vec![vec!["b"]],
            vec![(vec!["b"], "a0")],
            true,
        ),
    ];
    let described: Vec<_> = cases
        .iter()
        .map(|(name, job_name, assets, checks, partitioned)| {
            json!({"name": name, "job_name": job_name, "assets": assets, "checks": checks,
                   "partitioned": partitioned, "tags": {}})
        })
        .collect();
    let references =
        dagster_with_input("reference_snapshots.py", &[], &json!({"cases": described}));
    let references = references.as_array().expect("a list");
    assert_eq!(references.len(), cases.len());
    for ((name, job_name, assets, checks, partitioned), reference) in cases.iter().zip(references) {
        let keys: Vec<_> = assets.iter().map(|path| AssetKey::new(path.iter().copied())).collect();
        let key = |(path, name): &(Vec<&str>, &str)| {
            AssetCheckKey::new(AssetKey::new(path.iter().copied()), *name)
        };
        let checks: Vec<_> = checks.iter().map(key).collect();
        let job = CommandJob::new(*job_name, &keys, *partitioned).expect(name);
        let ours = job.with_checks(&checks).expect(name).snapshots();
        assert_eq!(
            reference["job_snapshot"].as_str(),
            Some(&*serialize_value(&ours.job)),
            "{name}"
        );
        assert_eq!(
            reference["job_snapshot_id"].as_str(),
            Some(ours.job.snapshot_id().as_str()),
            "{name}"
        );
        let plan = &ours.execution_plan;
        assert_eq!(
            reference["execution_plan_snapshot"].as_str(),
            Some(&*serialize_value(plan)),
            "{name}"
        );
        assert_eq!(
            reference["execution_plan_snapshot_id"].as_str(),
            Some(plan.snapshot_id().as_str()),
            "{name}"
        );
    }
}
