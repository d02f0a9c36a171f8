//! The pages of Dagster's web server show the schedules, sensors, ticks, backfills, partitions and daemons that we
//! stored, and nothing else.

use chrono::{DateTime, Utc};
use dagster_instance::DagsterInstance;
use dagster_instance::clock::{datetime_of, timestamp_of};
use dagster_instance::error::BoxError;
use dagster_instance::scheduling::InstigatorIds;
use dagster_instance_tests::{Home, dagster};
use serde_json::{Value, json};

use crate::postgres::TestDatabase;
use crate::webserver_home::{ASSET_BACKFILL, DAEMONS, Filled, JOB_BACKFILL, fill};

type Result<T = ()> = std::result::Result<T, BoxError>;

const SCRIPT: &str = "webserver_pages.py";

/// An object with these members only, or a list of such objects.
fn only(value: &Value, members: &[&str]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| only(item, members)).collect(),
        value => {
            members.iter().map(|member| ((*member).to_owned(), value[*member].clone())).collect()
        }
    }
}

fn compound(ids: &InstigatorIds) -> String {
    format!("{}::{}", ids.origin_id, ids.selector_id)
}

fn floats(times: impl IntoIterator<Item = DateTime<Utc>>) -> Value {
    times.into_iter().map(|time| json!({"timestamp": timestamp_of(time)})).collect()
}

/// The schedule that was started, with its ticks, and the one that was stopped.
fn schedules(page: &Value, location: &Value, filled: &Filled, next: &Value) -> Result {
    let (nightly, now) = (&page["nightly"], filled.now);
    let state = &nightly["scheduleState"];
    assert_eq!(page.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(state["id"], compound(&filled.nightly.ids()));
    assert_eq!(state["status"], "RUNNING");
    assert_eq!(nightly["defaultStatus"], "STOPPED");
    assert_eq!(state["typeSpecificData"]["cronSchedule"], "30 2 * * *");
    let started = state["typeSpecificData"]["startTimestamp"].as_f64().unwrap_or_default();
    assert!((now..now + 60.0).contains(&started), "started at {started}, after {now}");
    let foretold = location["foretold_from"].as_f64().and_then(datetime_of).ok_or("no time")?;
    let count = usize::try_from(location["foretold"].as_u64().ok_or("no number")?)?;
    let times = filled.nightly.execution_times()?;
    let times = times.ascending(foretold, foretold).take(count);
    assert_eq!(nightly["futureTicks"]["results"], floats(times));
    let soon = next.as_array().ok_or("no times")?;
    assert!(soon.contains(&state["nextTick"]), "{} is not in {next}", state["nextTick"]);

    let run = json!({"runId": filled.nightly_run.as_str(), "status": "SUCCESS"});
    assert_eq!(only(&state["runs"], &["runId", "status"]), json!([run]));
    assert_eq!(state["runsCount"], 1);
    let ids: Vec<String> = filled.nightly_ticks.iter().rev().map(ToString::to_string).collect();
    let members = ["tickId", "status", "timestamp", "endTimestamp", "skipReason", "runIds", "runs"];
    let none: [&str; 0] = [];
    assert_eq!(
        only(&state["ticks"], &members),
        json!([
            {"tickId": ids[0], "status": "SKIPPED", "timestamp": now - 60.0, "endTimestamp": now - 58.5,
             "skipReason": "the warehouse is closed", "runIds": none, "runs": none},
            {"tickId": ids[1], "status": "FAILURE", "timestamp": now - 3600.0, "endTimestamp": now - 3598.5,
             "skipReason": null, "runIds": none, "runs": none},
            {"tickId": ids[2], "status": "SUCCESS", "timestamp": now - 7200.0, "endTimestamp": now - 7198.5,
             "skipReason": null, "runIds": [filled.nightly_run.as_str()], "runs": [run]},
        ])
    );
    let error = &state["ticks"][1]["error"];
    assert_eq!(error["message"], "ValueError: no stock was found\n");
    assert_eq!(error["errorChain"][0]["error"]["message"], "KeyError: 'aisle'\n");
    assert_eq!(
        state["today"],
        json!(ids.iter().map(|id| json!({"tickId": id})).collect::<Vec<_>>())
    );
    assert_eq!(only(&state["failed"], &["tickId"]), json!([{"tickId": ids[1]}]));

    let stopped = &page["hourly"]["scheduleState"];
    assert_eq!(stopped["id"], compound(&filled.hourly.ids()));
    assert_eq!(
        (&page["hourly"]["defaultStatus"], &stopped["status"]),
        (&json!("RUNNING"), &json!("STOPPED"))
    );
    assert_eq!((&stopped["ticks"], &stopped["nextTick"]), (&json!([]), &Value::Null));
    Ok(())
}

/// The sensor that was started, with its ticks and what it remembers.
fn sensors(page: &Value, filled: &Filled) {
    let state = &page["deliveries"]["sensorState"];
    assert_eq!(page.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(state["id"], compound(&filled.deliveries.ids()));
    assert_eq!(state["status"], "RUNNING");
    assert_eq!(page["deliveries"]["minIntervalSeconds"], 60);
    assert_eq!(
        state["typeSpecificData"],
        json!({"lastTickTimestamp": filled.now - 598.0, "lastRunKey": "delivery 6", "lastCursor": "delivery 7"})
    );
    let added = json!([{"partitionsDefName": "customers", "type": "ADD_PARTITIONS",
        "partitionKeys": ["ada", "bob"], "skippedPartitionKeys": ["cid"]}]);
    let none: [&str; 0] = [];
    let ids: Vec<String> = filled.deliveries_ticks.iter().rev().map(ToString::to_string).collect();
    let members = [
        "tickId",
        "status",
        "timestamp",
        "cursor",
        "skipReason",
        "dynamicPartitionsRequestResults",
    ];
    assert_eq!(
        only(&state["ticks"], &members),
        json!([
            {"tickId": ids[0], "status": "SUCCESS", "timestamp": filled.now - 600.0, "cursor": "delivery 7",
             "skipReason": null, "dynamicPartitionsRequestResults": added},
            {"tickId": ids[1], "status": "SKIPPED", "timestamp": filled.now - 1800.0, "cursor": null,
             "skipReason": "nothing was delivered", "dynamicPartitionsRequestResults": none},
        ])
    );
}

/// The states by their repository, and each tick by itself.
fn states_and_ticks(answers: &Value, filled: &Filled) {
    let mut states: Vec<(&str, &str)> = Vec::new();
    for state in answers["states"].as_array().into_iter().flatten() {
        states.push((
            state["name"].as_str().unwrap_or_default(),
            state["status"].as_str().unwrap_or_default(),
        ));
    }
    states.sort_unstable();
    assert_eq!(states, [("deliveries", "RUNNING"), ("hourly", "STOPPED"), ("nightly", "RUNNING")]);
    let listed = ["nightly", "deliveries"].map(|name| match name {
        "nightly" => &answers["schedules"][name]["scheduleState"]["ticks"],
        _ => &answers["sensors"][name]["sensorState"]["ticks"],
    });
    let listed: Vec<&Value> =
        listed.iter().filter_map(|ticks| ticks.as_array()).flatten().collect();
    assert_eq!(listed.len(), filled.nightly_ticks.len() + filled.deliveries_ticks.len());
    for tick in listed {
        let id = tick["tickId"].as_str().expect("an id");
        assert_eq!(answers["ticks"][id], *tick, "the tick by itself is that of the list");
    }
}

fn backfills(answers: &Value, filled: &Filled) {
    let page = &answers["backfills"];
    assert_eq!(
        only(page, &["id", "status", "isAssetBackfill"]),
        json!([
            {"id": JOB_BACKFILL, "status": "COMPLETED_FAILED", "isAssetBackfill": false},
            {"id": ASSET_BACKFILL, "status": "REQUESTED", "isAssetBackfill": true},
        ])
    );
    assert_eq!(answers["one_backfill"], json!({JOB_BACKFILL: page[0], ASSET_BACKFILL: page[1]}));
    let [succeeded, failed] = &filled.backfill_runs;
    let job = &page[0];
    assert_eq!(job["timestamp"], filled.now - 900.0);
    assert_eq!(job["endTimestamp"], filled.now - 840.0);
    assert_eq!(
        (&job["jobName"], &job["partitionNames"]),
        (&json!("paint_job"), &json!(["red", "blue"]))
    );
    let mut counts = job["partitionStatusCounts"].as_array().cloned().unwrap_or_default();
    counts.sort_by_key(ToString::to_string);
    assert_eq!(
        counts,
        [json!({"count": 1, "runStatus": "FAILURE"}), json!({"count": 1, "runStatus": "SUCCESS"})]
    );
    assert_eq!(
        only(&job["partitionStatuses"]["results"], &["partitionName", "runId", "runStatus"]),
        json!([
            {"partitionName": "red", "runId": succeeded.as_str(), "runStatus": "SUCCESS"},
            {"partitionName": "blue", "runId": failed.as_str(), "runStatus": "FAILURE"},
        ])
    );
    let asset = &page[1];
    assert_eq!(asset["title"], "Paint it again");
    assert_eq!(asset["description"], "Three colours have faded");
    assert_eq!(asset["tags"], json!([{"key": "team", "value": "painters"}]));
    assert_eq!(asset["assetSelection"], json!([{"path": ["paint"]}]));
    assert_eq!(
        (&asset["numPartitions"], &asset["isValidSerialization"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(
        asset["assetBackfillData"]["assetBackfillStatuses"],
        json!([{"assetKey": {"path": ["paint"]}, "numPartitionsTargeted": 3, "numPartitionsInProgress": 1,
            "numPartitionsMaterialized": 1, "numPartitionsFailed": 0}])
    );
    let roots = &asset["assetBackfillData"]["rootTargetedPartitions"];
    assert_eq!(sorted(&roots["partitionKeys"]), ["blue", "green", "red"]);
    let feed = &answers["feed"];
    assert_eq!(feed["runsFeedCountOrError"]["count"], 2);
    assert_eq!(
        only(&feed["runsFeedOrError"]["results"], &["id", "runStatus"]),
        json!([{"id": ASSET_BACKFILL, "runStatus": "STARTED"}, {"id": JOB_BACKFILL, "runStatus": "FAILURE"}])
    );
}

fn sorted(list: &Value) -> Vec<&str> {
    let mut texts: Vec<&str> =
        list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    texts.sort_unstable();
    texts
}

fn statuses(asset: &Value) -> [Vec<&str>; 4] {
    let statuses = &asset["assetPartitionStatuses"];
    [
        "materializedPartitions",
        "failedPartitions",
        "materializingPartitions",
        "unmaterializedPartitions",
    ]
    .map(|name| sorted(&statuses[name]))
}

fn assets(answers: &Value) {
    let (page, none) = (&answers["assets"], Vec::<&str>::new());
    let paint = &page["paint"];
    assert_eq!(
        paint["partitionStats"],
        json!({"numMaterialized": 2, "numPartitions": 4, "numFailed": 1, "numMaterializing": 0})
    );
    assert_eq!(
        statuses(paint),
        [vec!["green", "red"], vec!["blue"], none.clone(), vec!["black", "blue"]]
    );
    let latest = only(&paint["latestMaterializationByPartition"], &["partition", "runId"]);
    assert_eq!(
        latest,
        json!([{"partition": "red", "runId": ""}, {"partition": "green", "runId": ""},
            {"partition": null, "runId": null}, {"partition": null, "runId": null}])
    );
    let invoices = &page["invoices"];
    assert_eq!(invoices["partitionKeys"], json!(["ada", "cid"]));
    assert_eq!(invoices["partitionKeyConnection"]["results"], json!(["ada", "cid"]));
    assert_eq!(invoices["partitionKeyConnection"]["hasMore"], false);
    assert_eq!(
        invoices["partitionStats"],
        json!({"numMaterialized": 1, "numPartitions": 2, "numFailed": 0, "numMaterializing": 0})
    );
    assert_eq!(statuses(invoices), [vec!["ada"], none.clone(), none, vec!["cid"]]);
    let stock = &page["stock"];
    assert_eq!(
        only(&stock["assetMaterializations"], &["partition", "runId"]),
        json!([{"partition": null, "runId": ""}])
    );
    assert_eq!(
        (&stock["staleStatus"], &page["paint"]["isPartitioned"]),
        (&json!("FRESH"), &json!(true))
    );
    let execution = &stock["assetChecksOrError"]["checks"][0]["executionForLatestMaterialization"];
    assert_eq!(execution["status"], "FAILED");
    assert_eq!(
        only(&execution["evaluation"], &["checkName", "success", "severity", "description"]),
        json!({"checkName": "is_counted", "success": false, "severity": "WARN", "description": "two boxes are missing"})
    );
    assert_eq!(
        only(&answers["checks"], &["status", "runId"]),
        json!([{"status": "FAILED", "runId": ""}])
    );
}

fn daemons(answers: &Value, filled: &Filled) {
    let expected: Vec<Value> = DAEMONS
        .iter()
        .map(|daemon| {
            let error = json!({"message": "OSError: the disk is full\n", "className": "OSError"});
            let errors = if *daemon == "SENSOR" { vec![error] } else { Vec::new() };
            json!({"id": daemon, "daemonType": daemon, "required": true, "healthy": true,
                "lastHeartbeatTime": filled.now, "lastHeartbeatErrors": errors})
        })
        .collect();
    assert_eq!(answers["instance"]["daemonHealth"]["allDaemonStatuses"], json!(expected));
}

/// Fills the home, closes the instance, and has the web server show it.
async fn the_pages_show_what_we_stored(home: &Home) -> Result {
    let location = dagster(SCRIPT, &[]);
    let instance = DagsterInstance::builder().home(home.path()).open().await?;
    instance.create_storages().await?;
    let filled = Box::pin(fill(&instance, &location)).await?;
    // The next one may have passed when the web server is asked.
    let next = floats(instance.get_next_schedule_ticks(&filled.nightly, 2)?);
    instance.dispose().await?;
    let answers = dagster(SCRIPT, &[&home.path().to_string_lossy()]);
    assert_eq!(answers["errors"], json!([]));
    schedules(&answers["schedules"], &location, &filled, &next)?;
    sensors(&answers["sensors"], &filled);
    states_and_ticks(&answers, &filled);
    backfills(&answers, &filled);
    assets(&answers);
    daemons(&answers, &filled);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_show_what_we_stored_in_sqlite() -> Result {
    the_pages_show_what_we_stored(&Home::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_show_what_we_stored_in_postgres() -> Result {
    let database = TestDatabase::new("webserver_pages");
    the_pages_show_what_we_stored(&database.home()).await
}
