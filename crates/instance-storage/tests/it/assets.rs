//! What follows from events for the assets that they are about.

use instance_core::AssetKey;
use instance_core::event::{
    AssetMaterialization, AssetMaterializationPlannedData, AssetObservation, AssetObservationData,
    DagsterEvent, DagsterEventType, EventLogEntry, StepMaterializationData,
};
use instance_core::serdes::UnknownFields;
use instance_core::storage::EventStoreExt;
use sqlx::Row;

use crate::support::{Home, TestResult, entry, query};

fn materialised(run_id: &str, key: &[&str], seconds: u32) -> EventLogEntry {
    let tags = [
        ("dagster/data_version", "v1"),
        ("dagster/partition/date", "2024"),
        ("dagster/code_version", "c"),
        ("other", "x"),
    ];
    let materialization = AssetMaterialization {
        tags: Some(tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        ..AssetMaterialization::new(AssetKey::new(key.iter().copied()), Some("p".to_owned()))
    };
    let event = DagsterEvent::new(DagsterEventType::AssetMaterialization, "j")
        .with_step_key("a")
        .with_data(StepMaterializationData::from(materialization));
    entry(run_id, event, seconds)
}

fn planned(run_id: &str, key: &[&str], seconds: u32) -> EventLogEntry {
    let data = AssetMaterializationPlannedData {
        asset_key: AssetKey::new(key.iter().copied()),
        partition: None,
        partitions_subset: None,
        unknown: UnknownFields::default(),
    };
    let event =
        DagsterEvent::new(DagsterEventType::AssetMaterializationPlanned, "j").with_data(data);
    entry(run_id, event, seconds)
}

fn observed(run_id: &str, key: &[&str], seconds: u32) -> EventLogEntry {
    let observation = AssetObservation {
        asset_key: AssetKey::new(key.iter().copied()),
        description: None,
        metadata: Vec::new(),
        partition: Some(String::new()),
        tags: Some([("dagster/data_version".to_owned(), "o1".to_owned())].into()),
        unknown: UnknownFields::default(),
    };
    let data =
        AssetObservationData { asset_observation: observation, unknown: UnknownFields::default() };
    entry(
        run_id,
        DagsterEvent::new(DagsterEventType::AssetObservation, "j").with_data(data),
        seconds,
    )
}

/// The row of the asset, as text.
async fn row(home: &Home) -> Result<Vec<Option<String>>, Box<dyn std::error::Error>> {
    let sql = "SELECT asset_key, last_run_id, last_materialization_timestamp, \
               json_extract(last_materialization, '$.storage_id') || '' FROM asset_keys";
    let rows = query(&home.events_db("index"), sql).await?;
    assert_eq!(rows.len(), 1);
    Ok((0..4).map(|column| rows[0].get(column)).collect())
}

#[tokio::test]
async fn the_row_of_an_asset_follows_from_its_events() -> TestResult {
    let home = Home::new().await?;
    let key: &[&str] = &["demo", "hé"];
    let db = r#"["demo", "h\u00e9"]"#;
    home.events().store_event(&observed("r0", key, 1)).await?;
    assert_eq!(
        row(&home).await?,
        [Some(db), None, Some("2023-11-14 22:13:21.000000"), None]
            .map(|text| text.map(str::to_owned))
    );
    home.events().store_event(&planned("r1", key, 2)).await?;
    assert_eq!(
        row(&home).await?,
        [Some(db), Some("r1"), Some("2023-11-14 22:13:22.000000"), None]
            .map(|text| text.map(str::to_owned))
    );
    home.events().store_event(&materialised("r1", key, 3)).await?;
    assert_eq!(
        row(&home).await?,
        [Some(db), Some("r1"), Some("2023-11-14 22:13:23.000000"), Some("3")]
            .map(|text| text.map(str::to_owned))
    );
    home.events().store_event(&observed("r2", key, 4)).await?;
    assert_eq!(
        row(&home).await?,
        [Some(db), Some("r1"), Some("2023-11-14 22:13:24.000000"), Some("3")]
            .map(|text| text.map(str::to_owned))
    );
    home.events().store_event(&planned("r3", key, 5)).await?;
    assert_eq!(
        row(&home).await?,
        [Some(db), Some("r3"), Some("2023-11-14 22:13:25.000000"), Some("3")]
            .map(|text| text.map(str::to_owned))
    );
    Ok(())
}

#[tokio::test]
async fn asset_events_stand_in_both_files_with_asset_and_partition() -> TestResult {
    let home = Home::new().await?;
    home.events()
        .store_event_batch(&[materialised("r1", &["a"], 1), observed("r1", &["a"], 2)])
        .await?;
    for name in ["r1", "index"] {
        let sql = "SELECT asset_key, partition FROM event_logs ORDER BY id";
        let rows = query(&home.events_db(name), sql).await?;
        let rows: Vec<(String, Option<String>)> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let expected = [("[\"a\"]".to_owned(), Some("p".to_owned())), ("[\"a\"]".to_owned(), None)];
        assert_eq!(rows, expected, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn only_tags_that_dagster_looks_up_are_stored() -> TestResult {
    let home = Home::new().await?;
    home.events()
        .store_event_batch(&[observed("r1", &["b"], 1), materialised("r1", &["a"], 2)])
        .await?;
    let sql = "SELECT event_id || ' ' || asset_key || ' ' || key || ' ' || value || ' ' || event_timestamp \
               FROM asset_event_tags ORDER BY id";
    let rows = query(&home.events_db("index"), sql).await?;
    let tags: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        tags,
        [
            "1 [\"b\"] dagster/data_version o1 2023-11-14 22:13:21.000000",
            "2 [\"a\"] dagster/data_version v1 2023-11-14 22:13:22.000000",
            "2 [\"a\"] dagster/partition/date 2024 2023-11-14 22:13:22.000000",
        ]
    );
    Ok(())
}
