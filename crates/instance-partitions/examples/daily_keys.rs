//! Which keys a daily definition has in a range, and the subset that Dagster stores of one of them.
//!
//! `cargo run --package instance-partitions --example daily_keys`

use std::collections::BTreeMap;

use instance_partitions::time::datetime_of;
use instance_partitions::{PartitionKeyRange, PartitionsSnap};
use instance_serdes::{deserialize_value, serialize_value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The definition as a code location tells of it: daily, in a zone whose days have 23, 24 or 25 hours.
    let daily: PartitionsSnap = deserialize_value(
        r#"{"__class__": "ExternalTimeWindowPartitionsDefinitionData", "cron_schedule": "0 0 * * *",
            "end": null, "end_offset": 0, "fmt": "%Y-%m-%d", "start": 1767222000.0,
            "timezone": "Europe/Berlin"}"#,
    )?;
    let range: PartitionKeyRange = deserialize_value(
        r#"{"__class__": "PartitionKeyRange", "end": "2026-03-30", "start": "2026-03-28"}"#,
    )?;
    let keys = daily.keys_in_range(&range, &BTreeMap::new())?;
    println!("{}", keys.join(" "));
    assert_eq!(keys, ["2026-03-28", "2026-03-29", "2026-03-30"]);

    let now = datetime_of(1_775_000_000.0).ok_or("no such time")?;
    let subset = daily.subset_of_key("2026-03-29", now)?;
    println!("{}", serialize_value(&subset));
    assert_eq!(subset.keys(&BTreeMap::new())?, ["2026-03-29"]);
    Ok(())
}
