//! The steps of the storage domain, and the question that any step may ask.

use std::collections::BTreeMap;

use dagster_instance::ops::StoresAccess;
use dagster_instance::serdes::deserialize_value;
use dagster_instance::snap::{ExecutionPlanSnapshot, JobSnap};
use dagster_instance::{DagsterInstance, Reindex, Snapshot};
use serde_json::Value;

use super::Result;
use super::arguments::Arguments;
use crate::answers;

/// Plays a step; `None` if it is none of these.
pub(super) async fn play(
    instance: &DagsterInstance,
    name: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Value>> {
    if name == "ask" {
        let (method, args) = (arguments.text("method")?, arguments.text("args")?);
        let answer = answers::answer(instance, method, args).await?;
        return Ok(Some(Value::from(answer)));
    }
    match name {
        "add_dynamic_partitions" => {
            let keys = arguments.texts("keys")?.ok_or("no keys")?;
            instance.add_dynamic_partitions(arguments.text("name")?, &keys).await?;
        }
        "delete_dynamic_partition" => {
            let (name, key) = (arguments.text("name")?, arguments.text("key")?);
            instance.delete_dynamic_partition(name, key).await?;
        }
        "add_daemon_heartbeat" => {
            let heartbeat = arguments.stored("heartbeat")?.ok_or("no heartbeat")?;
            instance.add_daemon_heartbeat(&heartbeat).await?;
        }
        "wipe_daemon_heartbeats" => instance.wipe_daemon_heartbeats().await?,
        "set_cursor_values" => {
            let pairs: BTreeMap<String, String> = arguments.tags("pairs")?;
            instance.stores().run_storage.set_cursor_values(&pairs).await?;
        }
        "add_snapshot" => {
            instance.add_snapshot(&snapshot(arguments.text("snapshot")?)?).await?;
        }
        "store_instigator_state" => {
            let state = arguments.stored("state")?.ok_or("no state")?;
            let now = dagster_instance::SystemClock;
            let at = dagster_instance::Clock::now(&now);
            instance.stores().schedule_storage.add_instigator_state(&state, at).await?;
        }
        "store_tick" => {
            let tick = arguments.stored("tick")?.ok_or("no tick")?;
            instance.stores().schedule_storage.create_tick(&tick).await?;
        }
        "wipe" => instance.wipe().await?,
        "reindex" => drop(instance.reindex(&Reindex::new(), &mut |_| ()).await?),
        _ => return Ok(None),
    }
    Ok(Some(Value::Null))
}

/// A snapshot, by the class of the text.
fn snapshot(text: &str) -> Result<Snapshot> {
    let document: Value = serde_json::from_str(text)?;
    if document["__class__"] == "ExecutionPlanSnapshot" {
        return Ok(deserialize_value::<ExecutionPlanSnapshot>(text)?.into());
    }
    Ok(deserialize_value::<JobSnap>(text)?.into())
}
