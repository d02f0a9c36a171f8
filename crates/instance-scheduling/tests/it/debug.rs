//! What there is to say of schedules and sensors.

use instance_core::scheduling::{CronSchedule, InstigatorStatus, InstigatorType};
use instance_core::settings::{ClassSettings, SchedulerSettings};
use instance_core::testing::instance::TestInstance;
use instance_scheduling::{
    reset_sensor, scheduler_class, scheduler_debug_info, start_schedule, start_sensor,
};

use crate::support::{TestResult, schedule, sensor};

#[tokio::test]
async fn schedules_come_before_sensors() -> TestResult {
    let mut instance = TestInstance::default();
    let info = scheduler_debug_info(&instance).await?;
    assert_eq!((info.errors.len(), info.schedule_storage.len()), (0, 0));
    assert_eq!(
        (info.scheduler_config_info.as_str(), info.scheduler_info.as_str()),
        ("DagsterDaemonScheduler", "")
    );

    start_sensor(&instance, &sensor("files")).await?;
    start_schedule(&instance, &schedule("nightly")).await?;
    reset_sensor(&instance, &sensor("orders")).await?;
    let info = scheduler_debug_info(&instance).await?;
    let said: Vec<_> = info
        .schedule_storage
        .iter()
        .map(|said| {
            (said.name.as_str(), said.instigator_type, said.status, said.cron_schedule.clone())
        })
        .collect();
    let cron = Some(CronSchedule::from("0 2 * * *"));
    assert_eq!(
        said,
        [
            ("nightly", InstigatorType::Schedule, InstigatorStatus::Running, cron),
            ("files", InstigatorType::Sensor, InstigatorStatus::Running, None),
            ("orders", InstigatorType::Sensor, InstigatorStatus::DeclaredInCode, None),
        ]
    );
    let nightly = schedule("nightly").origin;
    let said = &info.schedule_storage[0];
    assert_eq!(said.origin_id, nightly.id());
    assert_eq!(said.repository_origin_id, nightly.repository_origin.id());

    let other = SchedulerSettings::Other(ClassSettings::new("of_mine", "Other"));
    instance.settings.scheduler = other;
    assert_eq!(scheduler_class(&instance), "Other");
    assert_eq!(scheduler_debug_info(&instance).await?.scheduler_config_info, "Other");
    Ok(())
}
