//! The job of a command: its snapshots, whose ids Dagster computes alike, and what it refuses.

use insta::assert_snapshot;
use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::command::CommandSpec;
use instance_core::serdes::serialize_value;
use instance_runs::CommandJob;

use crate::support::TestResult;

/// The ids of both snapshots, a line each.
fn ids(
    job_name: &str,
    assets: &[AssetKey],
    partitioned: bool,
) -> Result<String, instance_core::InstanceError> {
    let snapshots = CommandJob::new(job_name, assets, partitioned)?.snapshots();
    assert_eq!(snapshots.execution_plan.job_snapshot_id, snapshots.job.snapshot_id());
    Ok(format!("{}\n{}", snapshots.job.snapshot_id(), snapshots.execution_plan.snapshot_id()))
}

#[test]
fn ids_of_a_job_without_assets() -> TestResult {
    assert_snapshot!(ids("sh", &[], false)?);
    Ok(())
}

#[test]
fn ids_of_a_job_with_assets() -> TestResult {
    let assets = [AssetKey::new(["demo", "hello"]), AssetKey::new(["raw"])];
    assert_snapshot!(ids("demo", &assets, false)?);
    Ok(())
}

#[test]
fn ids_of_a_job_with_partitioned_assets() -> TestResult {
    assert_snapshot!(ids("demo", &[AssetKey::new(["demo", "hello"])], true)?);
    Ok(())
}

#[test]
fn the_order_of_assets_makes_no_difference() -> TestResult {
    let (one, two) = (AssetKey::new(["a"]), AssetKey::new(["b"]));
    let ascending = ids("j", &[one.clone(), two.clone()], false)?;
    assert_eq!(ids("j", &[two.clone(), one, two], false)?, ascending);
    Ok(())
}

#[test]
fn texts_of_both_snapshots() -> TestResult {
    let snapshots = CommandJob::new("demo", &[AssetKey::new(["demo", "hello"])], true)?.snapshots();
    assert_snapshot!("job", serialize_value(&snapshots.job));
    assert_snapshot!("execution_plan", serialize_value(&snapshots.execution_plan));
    Ok(())
}

#[test]
fn a_request_for_a_run_carries_the_command() -> TestResult {
    let command = CommandSpec::new(vec!["sh".to_owned(), "-c".to_owned(), "écho".to_owned()])?;
    let request = CommandJob::new("demo", &[], false)?.create_run(&command);
    assert_eq!(request.job_name, "demo");
    let config = request.run_config.map(|config| config.as_str().to_owned());
    assert_eq!(
        config.as_deref(),
        Some(r#"{"ops": {"command": {"config": {"argv": ["sh", "-c", "\u00e9cho"]}}}}"#)
    );
    assert!(request.job_snapshot.is_some() && request.execution_plan_snapshot.is_some());
    Ok(())
}

#[test]
fn names_that_dagster_would_not_accept_are_refused() {
    fn check(job_name: &str, assets: &[&[&str]], expected_error: &str) {
        let assets: Vec<_> =
            assets.iter().map(|path| AssetKey::new(path.iter().copied())).collect();
        let error = CommandJob::new(job_name, &assets, false).map(drop).unwrap_err();
        assert_eq!(error.to_string(), expected_error);
    }

    let rule = "Dagster's names have only letters (A-Z, a-z), digits and underscores";
    for name in ["", "a b", "a-b", "a/b", "é", "a.b", "a\n"] {
        check(name, &[], &format!("job name {name:?}: {rule}"));
    }
    check("j", &[&["a b"]], &format!("asset key \"a b\": {rule}"));
    check("j", &[&["é"]], &format!("asset key \"é\": {rule}"));
    check("j", &[&[]], &format!("asset key \"\": {rule}"));
    // Both have an output of the name `a__b`.
    check(
        "j",
        &[&["a", "b"], &["a__b"]],
        "asset key \"a__b\": another asset of the same run has the output name a__b, too",
    );
    check(
        "j",
        &[&["a-b"], &["a.b"]],
        "asset key \"a.b\": another asset of the same run has the output name a_b, too",
    );
}

#[test]
fn checks_are_those_of_its_assets() -> TestResult {
    let keys = [AssetKey::new(["a"]), AssetKey::new(["a_c"])];
    let job = || CommandJob::new("j", &keys, false);
    let check = |asset: &str, name: &str| AssetCheckKey::new(AssetKey::new([asset]), name);
    let both = [check("a", "one"), check("a", "one"), check("a_c", "two")];
    let plan = job()?.with_checks(&both)?.snapshots().execution_plan;
    let names: Vec<_> = plan.steps[0].outputs.iter().map(|output| &*output.name).collect();
    assert_eq!(names, ["a", "a_c", "a_c_two", "a_one"]);
    for (key, part) in [
        (check("b", "one"), "does not materialise its asset"),
        (check("a", "o ne"), "only letters"),
        (check("a", "c"), "has the name a_c, too"),
    ] {
        let error = job()?.with_checks(&[key]).map(drop).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    Ok(())
}
