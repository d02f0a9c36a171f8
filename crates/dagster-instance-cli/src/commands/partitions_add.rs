//! `partitions add`: adds keys to dynamic partitions.

use std::io::Write;

use dagster_instance::{DynamicPartitionsProgress, read_partition_keys};

use crate::args::{KeysOf, PartitionsAdd};
use crate::open::InstancePlace;
use crate::print::counted;
use crate::{Result, json, open, report, text};

pub(crate) async fn run(place: &InstancePlace, args: &PartitionsAdd) -> Result<()> {
    let keys = named(&args.keys).await?;
    let instance = open::existing(place).await?;
    let name = &args.keys.name;
    let mut progress = |at: DynamicPartitionsProgress| {
        // A few keys need no progress.
        if at.done < at.total {
            report::say(&format!("{} of {} keys are there.", at.done, at.total));
        }
    };
    let added = instance.add_dynamic_partitions_in_batches(name, &keys, &mut progress).await?;
    let mut out = std::io::stdout().lock();
    if args.output.json {
        writeln!(out, "{}", json::added_partitions(name, &added))?;
    } else {
        let name = text::value(name);
        let existing = match added.existing {
            0 => String::new(),
            1 => "; 1 was there already".to_owned(),
            count => format!("; {count} were there already"),
        };
        writeln!(out, "Added {} to {name}{existing}", counted(added.added, "key"))?;
    }
    Ok(())
}

/// The keys that are named, then those of the file.
pub(super) async fn named(args: &KeysOf) -> Result<Vec<String>> {
    let mut keys = args.keys.clone();
    if let Some(file) = &args.file {
        keys.extend(read_partition_keys(&args.name, file).await?);
    }
    Ok(keys)
}
