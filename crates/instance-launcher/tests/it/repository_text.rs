//! The text of a repository that a real code server of Dagster 1.13.27 has sent: what is found in it.

use instance_core::asset_key::{AssetCheckKey, AssetKey};
use instance_core::partitions::PartitionsSnap;
use instance_launcher::RepositoryText;

const TEXT: &str = include_str!("fixtures/repository.json");

fn repository() -> RepositoryText {
    RepositoryText::new(TEXT.trim_end().to_owned()).expect("the server has sent it")
}

#[test]
fn assets_checks_and_jobs_are_found() {
    let repository = repository();
    let jobs: Vec<_> = repository.job_names().collect();
    assert_eq!(jobs.first(), Some(&"__ASSET_JOB"));
    assert_eq!(jobs.len(), 13);
    assert!(repository.has_job("daily_job") && !repository.has_job("daily"));
    assert_eq!((repository.asset_keys().count(), repository.check_keys().count()), (12, 3));

    let daily = repository.asset(&AssetKey::new(["some", "where", "daily"])).unwrap().unwrap();
    assert!(matches!(daily.partitions, Some(PartitionsSnap::TimeWindow(_))));
    assert_eq!(daily.job_names, ["__ASSET_JOB"]);
    let check = AssetCheckKey::new(AssetKey::new(["a2"]), "beside");
    assert_eq!(repository.check(&check).unwrap().unwrap().key(), check);
    assert_eq!(repository.asset(&AssetKey::new(["daily"])).unwrap(), None);
    // A server that defers snapshots sends no job with the repository.
    assert_eq!(repository.job_data("plain").unwrap(), None);
}

#[test]
fn what_is_no_repository_is_an_error() {
    for text in ["", "[]", "{", "{\"external_asset_graph_data\": 1}", "{} x"] {
        assert!(RepositoryText::new(text.to_owned()).is_err(), "{text}");
    }
    // Old servers have no checks, and send jobs with their snapshots.
    let text = r#"{"external_asset_checks": null, "external_pipeline_datas": [{"name": "j"}], "new": [1]}"#;
    let repository = RepositoryText::new(text.to_owned()).unwrap();
    assert_eq!(repository.job_names().collect::<Vec<_>>(), ["j"]);
    assert!(repository.job_data("j").is_err(), "it is no whole job");
}

/// What is not read when the repository is, is read when it is asked for: a broken asset breaks no other.
#[test]
fn a_broken_asset_breaks_no_other() {
    let text = TEXT.trim_end().replacen("\"op_names\": [\"a1\"]", "\"op_names\": 7", 1);
    let repository = RepositoryText::new(text).unwrap();
    assert!(repository.asset(&AssetKey::new(["a1"])).is_err());
    assert!(repository.asset(&AssetKey::new(["a2"])).unwrap().is_some());
}
