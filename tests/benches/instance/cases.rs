//! What is measured: runs created and events reported, by both sides in turn.

use std::future::Future;
use std::time::Instant;

use dagster_instance::{CreateRun, DagsterInstance, ReportEvent, RunId};
use instance_core::AssetKey;
use instance_core::event::metadata::IntMetadataValue;
use instance_core::event::{AssetMaterialization, DagsterEvent, DagsterEventType, MetadataEntry};
use instance_core::run::{DagsterRun, DagsterRunStatus};
use serde_json::json;

use crate::Result;
use crate::homes::{Homes, open};
use dagster_instance_tests::speed::Dagster;
use dagster_instance_tests::speed::{Report, Samples};

const JOB: &str = "twenty_assets";

/// How much longer ours goes on than Dagster's, which would else be over in an instant.
const LONGER: u32 = 10;

pub(crate) async fn all(
    report: &mut Report,
    dagster: &mut Dagster,
    homes: &Homes,
    request: &CreateRun,
    is_quick: bool,
) -> Result<()> {
    let instance = open(&homes.ours).await?;
    let (runs, events) = if is_quick { (2, 10) } else { (4, 40) };
    let (mut prepared, mut from_job) = (Samples::default(), Samples::default());
    let (mut changes, mut runless) = (Samples::default(), Samples::default());
    for _ in 0..report.rounds {
        let mut theirs = |task: &str, count: u32| {
            let task = json!({"task": task, "home": homes.shared, "count": count});
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
                dagster.seconds(&task)? / f64::from(count),
            )
        };
        prepared.dagster.push(theirs("create_run", runs)?);
        from_job.dagster.push(theirs("create_run_for_job", runs)?);
        let ours = per(runs * LONGER, create_runs(&instance, request, runs * LONGER)).await?;
        prepared.ours.push(ours);
        from_job.ours.push(ours);
        changes.dagster.push(theirs("report_run_events", events)?);
        changes.ours.push(report_run_events(&instance, events * LONGER).await?);
        runless.dagster.push(theirs("report_runless_asset_event", events)?);
        let reporting = report_runless(&instance, events * LONGER);
        runless.ours.push(per(events * LONGER, reporting).await?);
    }
    report.add("create_run, 20 assets", &prepared);
    report.add("create_run_for_job, 20 assets", &from_job);
    report.add("report_dagster_event, run start and success", &changes);
    report.add("report_runless_asset_event", &runless);
    Ok(instance.dispose().await?)
}

async fn create_runs(instance: &DagsterInstance, request: &CreateRun, count: u32) -> Result<()> {
    for _ in 0..count {
        instance.create_run(request.clone()).await?;
    }
    Ok(())
}

/// The start and the end of runs, of which each is one.
async fn report_run_events(instance: &DagsterInstance, count: u32) -> Result<f64> {
    let mut runs = Vec::new();
    for _ in 0..count / 2 {
        let mut run = DagsterRun::new(RunId::from(uuid::Uuid::new_v4().to_string()), JOB);
        run.status = DagsterRunStatus::Starting;
        runs.push(instance.add_run(run).await?.run_id);
    }
    let reporting = async {
        for run_id in &runs {
            for event_type in [DagsterEventType::RunStart, DagsterEventType::RunSuccess] {
                let event = DagsterEvent::new(event_type, JOB).with_message("as it was");
                instance.report_dagster_event(ReportEvent::new(event, run_id)).await?;
            }
        }
        Ok(())
    };
    per(count, reporting).await
}

async fn report_runless(instance: &DagsterInstance, count: u32) -> Result<()> {
    for number in 0..count {
        let asset_key = AssetKey::new(["warehouse".to_owned(), format!("orders_{}", number % 100)]);
        let mut made = AssetMaterialization::new(asset_key, None);
        made.metadata = vec![MetadataEntry::new("rows", IntMetadataValue::new(i64::from(number)))];
        instance.report_runless_asset_event(made).await?;
    }
    Ok(())
}

/// The time of one operation of as many, in seconds.
async fn per(count: u32, doing: impl Future<Output = Result<()>>) -> Result<f64> {
    let began = Instant::now();
    doing.await?;
    Ok(began.elapsed().as_secs_f64() / f64::from(count))
}
