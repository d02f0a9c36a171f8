//! Our part, in a process of its own: tasks come as lines, answers go as lines, as in `time_assets.py`.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use dagster_instance::partitions::{PartitionsSnap, StaticPartitionsSnap};
use dagster_instance::{DagsterInstance, Only};
use dagster_instance_tests::memory;
use instance_core::run::RunsFilter;
use instance_core::serdes::UnknownFields;
use instance_core::storage::RunsPage;
use serde_json::{Value, json};

use crate::Result;
use crate::home::{asset_key, partition_key};

/// Does the tasks of standard input until it ends.
pub(crate) async fn answer_all() -> Result<()> {
    let mut instances = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let task: Value = serde_json::from_str(&line?)?;
        let home = task["home"].as_str().ok_or("a task without a home")?.to_owned();
        if !instances.contains_key(&home) {
            let opened = DagsterInstance::builder().home(Path::new(&home)).open().await?;
            instances.insert(home.clone(), opened);
        }
        let instance = instances.get(&home).ok_or("it was opened just now")?;
        prepare(instance, &task).await?;
        let began = Instant::now();
        let count = done(instance, &task).await?;
        let seconds = began.elapsed().as_secs_f64();
        let peak = memory("self", "VmHWM")?;
        println!("{}", json!({"seconds": seconds, "count": count, "peak": peak}));
    }
    Ok(())
}

/// Does a task; returns how many things it has answered with.
async fn done(instance: &DagsterInstance, task: &Value) -> Result<usize> {
    Ok(match task["task"].as_str() {
        Some("open") => {
            instance.get_run_ids(&RunsFilter::default(), &RunsPage::default()).await?.len().min(1)
        }
        Some("get_asset_records") => instance.get_asset_records(&Only::Any).await?.len(),
        Some("get_latest_materialization_events") => {
            let keys: Vec<_> = (0..number(task, "assets")?).map(asset_key).collect();
            instance.get_latest_materialization_events(&keys).await?.len()
        }
        Some("get_status_by_partition") => statuses(instance, task).await?,
        Some("wipe_asset_partitions") => {
            let keys: Vec<_> = (0..number(task, "partitions")?).map(partition_key).collect();
            let asset_key = asset_key(number(task, "asset")?);
            instance.wipe_asset_partitions(&asset_key, &keys).await?;
            keys.len()
        }
        _ => return Err(format!("unknown task {task}").into()),
    })
}

/// How many partitions of some assets have a status.
async fn statuses(instance: &DagsterInstance, task: &Value) -> Result<usize> {
    let keys: Vec<_> = (0..number(task, "partitions")?).map(partition_key).collect();
    let definition =
        StaticPartitionsSnap { partition_keys: keys.clone(), unknown: UnknownFields::default() };
    let definition = PartitionsSnap::from(definition);
    let mut count = 0;
    for asset in 0..number(task, "assets")? {
        let found = instance.get_status_by_partition(&asset_key(asset), &keys, &definition).await?;
        count += found.iter().flatten().filter(|(_, status)| status.is_some()).count();
    }
    Ok(count)
}

/// What has to be so before a task begins.
async fn prepare(instance: &DagsterInstance, task: &Value) -> Result<()> {
    match task["is_cached"].as_bool() {
        Some(true) => statuses(instance, task).await.map(drop),
        Some(false) => {
            let keys: Vec<_> = (0..number(task, "assets")?).map(asset_key).collect();
            Ok(instance.wipe_asset_cached_status(&keys).await?)
        }
        None => Ok(()),
    }
}

fn number(task: &Value, name: &str) -> Result<usize> {
    let number = task[name].as_u64().ok_or_else(|| format!("{task} has no {name}"))?;
    Ok(usize::try_from(number)?)
}
