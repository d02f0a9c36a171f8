//! What follows from events for assets, before the events have ids.

use std::collections::{BTreeMap, BTreeSet};

use instance_core::event::{DagsterEvent, DagsterEventType};

use super::write::PreparedEvent;
use crate::sql::following::{AssetAt, Following, TagAt};

/// What follows from events. `has_assets_of_any_event` says whether an asset has a row as soon as any event names it.
pub(super) fn following(
    events: &[PreparedEvent],
    is_indexed: &(dyn Fn(&str) -> bool + Send + Sync),
    has_assets_of_any_event: bool,
) -> Following {
    let mut tags = Vec::new();
    let mut changed: BTreeMap<&str, AssetAt> = BTreeMap::new();
    let mut mentioned = BTreeSet::new();
    for (place, (entry, row)) in events.iter().enumerate() {
        let Some(asset_key) = &row.asset_key else { continue };
        let event_tags = entry.dagster_event.as_deref().and_then(DagsterEvent::asset_event_tags);
        let indexed = event_tags.into_iter().flatten().filter(|(key, _)| is_indexed(key));
        tags.extend(indexed.map(|(key, value)| TagAt {
            place,
            asset_key: asset_key.clone(),
            key: key.clone(),
            value: value.clone(),
            timestamp: row.timestamp,
        }));
        let Some(event_type) = entry.event_type() else { continue };
        if !event_type.changes_asset() {
            if event_type.is_asset_event() && has_assets_of_any_event {
                mentioned.insert(asset_key.as_str());
            }
            continue;
        }
        let timestamp = row.timestamp.and_utc();
        let asset = changed.entry(asset_key).or_insert_with(|| AssetAt {
            asset_key: asset_key.clone(),
            materialized: None,
            run_id: None,
            timestamp,
        });
        asset.timestamp = timestamp;
        if event_type != DagsterEventType::AssetObservation {
            asset.run_id = Some(row.run_id.clone());
        }
        if event_type == DagsterEventType::AssetMaterialization {
            asset.materialized = Some(place);
        }
    }
    mentioned.retain(|key| !changed.contains_key(key));
    Following {
        tags,
        mentioned: mentioned.into_iter().map(str::to_owned).collect(),
        changed: changed.into_values().collect(),
    }
}
