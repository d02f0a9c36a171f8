//! The same runs, launched by Dagster and by us from the same server: every row is equal.

use dagster_instance::{
    AssetCheckKey, AssetKey, Clock, DagsterInstance, GrpcCodeLocation, LaunchPartition,
    LaunchRequest, LaunchStyle, QueuedRunCoordinator, RunId, SystemClock,
};
use dagster_instance_tests::{Home, dagster_with_input};
use instance_core::code_location::CodeLocationError;
use instance_core::error::{BoxError, chain};
use instance_core::run::RunsFilter;
use instance_core::serdes::Opaque;
use serde_json::{Value, json};

use super::server::{Server, directory};
use crate::postgres::TestDatabase;

const SCRIPT: &str = "launched_runs.py";

/// What the requests file says, in our words.
fn request_of(request: &Value) -> Result<LaunchRequest, BoxError> {
    let mut ours = LaunchRequest::default();
    let texts = |key: &str| -> Vec<String> {
        let list = request[key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let key = |path: &Value| -> AssetKey {
        let parts = path.as_array().into_iter().flatten();
        AssetKey::new(parts.filter_map(Value::as_str))
    };
    ours.job = request["job"].as_str().map(str::to_owned);
    ours.ops = texts("ops");
    ours.assets = request["assets"].as_array().into_iter().flatten().map(key).collect();
    ours.checks = request["checks"].as_array().map(|checks| {
        let of = |check: &Value| {
            AssetCheckKey::new(key(&check[0]), check[1].as_str().unwrap_or_default())
        };
        checks.iter().map(of).collect()
    });
    ours.partition = match (request["partition"].as_str(), texts("partition_range").as_slice()) {
        (Some(key), _) => Some(LaunchPartition::Key(key.to_owned())),
        (None, [start, end]) => Some(LaunchPartition::Range(start.clone(), end.clone())),
        _ => None,
    };
    if let Some(config) = request.get("config") {
        ours.run_config = Some(Opaque::from(config));
    }
    for (key, value) in request["tags"].as_object().into_iter().flatten() {
        ours.tags.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    for number in 0..request["many_tags"].as_u64().unwrap_or_default() {
        ours.tags.insert(format!("tag{number:03}"), number.to_string());
    }
    ours.style = match request["path"].as_str() {
        Some("C") => Some(LaunchStyle::CommandLine),
        Some("U") => Some(LaunchStyle::Ui),
        other => return Err(format!("no such path: {other:?}").into()),
    };
    ours.run_id = request["run_id"].as_str().map(RunId::from);
    Ok(ours)
}

fn requests() -> Result<Vec<Value>, BoxError> {
    let text = std::fs::read_to_string(directory().join("requests.json"))?;
    let mut requests: Vec<Value> = serde_json::from_str(&text)?;
    for (number, request) in requests.iter_mut().enumerate() {
        request["run_id"] = json!(format!("00000000-0000-4000-8000-{:012}", number + 1));
    }
    Ok(requests)
}

/// Runs wait in the queue on both sides, so that no worker writes anything.
async fn open(home: &Home) -> Result<DagsterInstance, BoxError> {
    let builder = DagsterInstance::builder().home(home.path());
    let instance = builder.run_coordinator(QueuedRunCoordinator).open().await?;
    instance.create_storages().await?;
    let keys = ["t1", "t2"].map(str::to_owned);
    instance.add_dynamic_partitions("tenants", &keys).await?;
    Ok(instance)
}

#[tokio::test]
async fn runs_are_stored_as_dagster_stores_them() -> Result<(), BoxError> {
    let since = SystemClock.now().timestamp() - 1;
    let server = Server::start().await?;
    let (theirs, ours) = (Home::new(), Home::new());
    // Both stores, by the same server, since it is the server that takes its time.
    let databases = ["equal_theirs", "equal_ours"].map(TestDatabase::new);
    let (in_theirs, in_ours) = (databases[0].home(), databases[1].home());
    let requests = requests()?;
    assert_eq!(requests.len(), 31);
    let homes = [theirs.path(), in_theirs.path()];
    let launch = json!({"launch": {"homes": homes, "port": server.port(), "requests": requests}});
    let launched = script(launch).await?;
    assert_eq!(launched["failed"], json!({}), "Dagster launches all of them");

    for home in [&ours, &in_ours] {
        let instance = open(home).await?;
        let location = instance.open_code_location(server.target(), Some("loc")).await?;
        for request in &requests {
            let run = instance.launch(&location, request_of(request)?).await;
            let run = run.map_err(|error| format!("{}: {error:?}", request["name"]))?;
            assert_eq!(Some(run.run_id.as_str()), request["run_id"].as_str());
        }
        if home.path() == ours.path() {
            refusals(&instance, &location).await?;
        }
        instance.dispose().await?;
    }
    let paths = [&theirs, &ours].map(|home| home.path().display().to_string());
    let urls = databases.each_ref().map(TestDatabase::url);
    for ([theirs, ours], table) in [(paths, "history/runs.db runs"), (urls, "postgres runs")] {
        let found =
            script(json!({"compare": {"theirs": theirs, "ours": ours, "since": since}})).await?;
        assert_eq!(found["rows"][table], json!(31), "{found}");
        equal(&found)?;
    }
    server.end().await
}

/// Has the script of this module answer.
pub(super) async fn script(input: Value) -> Result<Value, BoxError> {
    Ok(tokio::task::spawn_blocking(move || dagster_with_input(SCRIPT, &[], &input)).await?)
}

/// Refuses what a comparison has found different.
pub(super) fn equal(found: &Value) -> Result<(), BoxError> {
    let differences: Vec<&str> = found["differences"]
        .as_array()
        .ok_or("nothing was compared")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// What is wrong is refused, named, and leaves nothing behind.
async fn refusals(instance: &DagsterInstance, location: &GrpcCodeLocation) -> Result<(), BoxError> {
    let wrong_number = json!({"ops": {"said": {"config": {"n": "x"}}}});
    let cases = [
        (
            json!({"job": "configured", "config": wrong_number, "path": "C"}),
            "is not valid for expected type \"Int\"",
        ),
        (json!({"job": "needs_config", "path": "C"}), "Missing required config entry"),
        (
            json!({"job": "plane", "path": "C"}),
            "job \"plane\" is not served by the repository \"__repository__\" of the code location \"loc\"; there are plain, ",
        ),
        (
            json!({"job": "plain", "ops": ["nine"], "path": "C"}),
            "No qualified ops to execute found for op_selection=['nine']",
        ),
        (json!({"job": "plane", "ops": ["one"], "path": "C"}), "job \"plane\" is not served"),
        (
            json!({"assets": [["a9"]], "path": "U"}),
            "asset \"a9\" is not served by the code location \"loc\"; there are a1, ",
        ),
        (
            json!({"checks": [[["a2"], "besides"]], "path": "U"}),
            "check \"a2:besides\" is not served by the code location \"loc\"; there are a2:beside, ",
        ),
        (
            json!({"job": "part_job", "partition": "c", "path": "U"}),
            "partition \"c\" is not served by the job \"part_job\"",
        ),
        (json!({"job": "plain", "partition": "c", "path": "U"}), "Job has no PartitionsDefinition"),
        (json!({"job": "tenant_job", "partition": "t9", "path": "U"}), "partitions list tenants"),
        (
            json!({"assets": [["by_name"]], "partition": "z", "path": "U"}),
            "there is no such one; there are x, y",
        ),
        (
            json!({"assets": [["some", "where", "daily"]], "partition": "2026-10-31", "path": "U"}),
            "there is no such one now",
        ),
        (
            json!({"assets": [["dynamic"]], "partition": "t9", "path": "U"}),
            "partitions list tenants",
        ),
        (
            json!({"assets": [["grid"]], "partition": "day=2026-11-02", "path": "U"}),
            "day=..,size=..",
        ),
        (
            json!({"assets": [["a2"]], "partition": "x", "path": "U"}),
            "none of the selected assets and checks has partitions",
        ),
        (
            json!({"job": "plain", "ops": ["one"], "assets": [["a2"]], "path": "U"}),
            "a run selects either ops, or assets and checks",
        ),
        (json!({"path": "C"}), "name the job: the code location \"loc\" has "),
    ];
    let before = instance.get_runs_count(&RunsFilter::default()).await?;
    for (request, part) in cases {
        let Err(error) = instance.launch(location, request_of(&request)?).await else {
            return Err(format!("{request} is launched").into());
        };
        let text = chain(&error);
        assert!(text.contains(part), "{request}: {text}");
    }
    assert_eq!(instance.get_runs_count(&RunsFilter::default()).await?, before, "no run was made");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() -> Result<(), BoxError> {
    let home = Home::new();
    let instance = open(&home).await?;
    let port = super::server::free_port()?;
    let target = dagster_instance::GrpcTarget::port("127.0.0.1", port);
    let Err(error) = instance.open_code_location(target, None).await else {
        return Err("there is a server".into());
    };
    let text = chain(&error);
    assert!(text.contains(&format!("127.0.0.1:{port}. gRPC Error code: UNAVAILABLE")), "{text}");
    assert!(text.contains("Connection refused"), "{text}");
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    assert!(matches!(source, Some(CodeLocationError::Unreachable { .. })), "{error:?}");
    Ok(())
}
