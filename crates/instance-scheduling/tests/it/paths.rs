//! Where schedules log.

use instance_core::error::ErrorKind;
use instance_core::settings::InstanceSettings;
use instance_core::testing::instance::TestInstance;
use instance_scheduling::logs_path_for_schedule;

use crate::support::{TestResult, refused, schedule};

fn instance_in(home: &std::path::Path) -> TestInstance {
    TestInstance { settings: InstanceSettings::new(home).into(), ..TestInstance::default() }
}

#[test]
fn the_directory_of_a_log_is_created() -> TestResult {
    let home = tempfile::tempdir()?;
    let instance = instance_in(home.path());
    let id = schedule("nightly").ids().origin_id;
    let directory = home.path().join("schedules/logs").join(&id);
    for _ in 0..2 {
        assert_eq!(logs_path_for_schedule(&instance, &id)?, directory.join("scheduler.log"));
        assert!(directory.is_dir());
    }
    Ok(())
}

#[test]
fn an_id_that_leads_elsewhere_is_refused() -> TestResult {
    let home = tempfile::tempdir()?;
    let instance = instance_in(home.path());
    for id in ["", ".", "..", "../x", "a/b", "a/", "/etc", "./a"] {
        refused(logs_path_for_schedule(&instance, id), ErrorKind::Invalid, &["schedule origin id"]);
    }
    assert_eq!(std::fs::read_dir(home.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_directory_that_cannot_be_created_is_named() -> TestResult {
    let home = tempfile::tempdir()?;
    std::fs::write(home.path().join("schedules"), "a file")?;
    let result = logs_path_for_schedule(&instance_in(home.path()), "a");
    refused(result, ErrorKind::Backend, &["create the directory", "schedules/logs/a"]);
    Ok(())
}
