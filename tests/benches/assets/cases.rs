//! What is measured: the same tasks by both sides in turn, on the same home.

use std::path::Path;

use dagster_instance_tests::speed::{Dagster, Report, show};
use serde_json::{Value, json};

use crate::Result;
use crate::home::{Home, Size};

/// A task, and whether Dagster can do it, too.
struct Case {
    name: String,
    task: Value,
    dagster_can: bool,
}

fn cases(size: Size) -> Vec<Case> {
    let few = size.assets / 10;
    let case = |name: String, task: Value| Case { name, task, dagster_can: true };
    let status = |name: &str, is_cached: bool| {
        let task = json!({
            "task": "get_status_by_partition",
            "assets": 10,
            "partitions": size.partitions,
            "is_cached": is_cached,
        });
        case(format!("get_status_by_partition of 10 assets, {name}"), task)
    };
    let mut wiping = case(
        format!("wipe_asset_partitions of {} partitions of an asset", size.partitions),
        json!({"task": "wipe_asset_partitions", "partitions": size.partitions, "asset": size.assets - 1}),
    );
    wiping.dagster_can = false;
    vec![
        case(
            format!("get_asset_records of all {} assets", size.assets),
            json!({"task": "get_asset_records"}),
        ),
        case(
            format!("get_latest_materialization_events of {few} assets"),
            json!({"task": "get_latest_materialization_events", "assets": few}),
        ),
        status("nothing cached", false),
        status("cached", true),
        wiping,
    ]
}

pub(crate) fn all(
    report: &mut Report,
    home: &Home,
    size: Size,
    (python, script): (&str, &str),
    flush: f64,
) -> Result<()> {
    let title = format!("{}; a flush of 4 KiB took {flush:.0} us just before", home.database);
    let columns = ["operation", "Dagster", "ours", "ratio", "memory of Dagster", "memory of ours"];
    report.table(&title, &columns);
    let own = std::env::current_exe()?;
    let own = own.to_str().ok_or("the path of this program is no text")?;
    for mut case in cases(size) {
        let (mut theirs, mut ours) = (Done::default(), Done::default());
        for round in 0..report.rounds {
            // Each round wipes another asset: what is gone cannot be wiped again.
            if let Some(asset) = case.task.get("asset").and_then(Value::as_u64) {
                case.task["asset"] = json!(asset - round as u64);
            }
            let counted = ours.add(own, "ours", &home.path, &case.task)?;
            if case.dagster_can {
                let expected = theirs.add(python, script, &home.path, &case.task)?;
                if counted != expected {
                    let name = &case.name;
                    return Err(format!("{name}: {counted}, where Dagster has {expected}").into());
                }
            }
        }
        report.row(&[
            case.name,
            theirs.seconds.median().map_or_else(dash, show),
            ours.seconds.median().map_or_else(dash, show),
            theirs.seconds.median().zip(ours.seconds.median()).map_or_else(dash, ratio),
            theirs.peaks.median().map_or_else(dash, mebibytes),
            ours.peaks.median().map_or_else(dash, mebibytes),
        ]);
    }
    Ok(())
}

/// What one side needed for a case, round by round.
#[derive(Default)]
struct Done {
    seconds: Values,
    peaks: Values,
}

impl Done {
    /// Does a task once, in a fresh process; returns how many things it has answered with.
    fn add(&mut self, program: &str, argument: &str, home: &Path, task: &Value) -> Result<Value> {
        let mut side = Dagster::start(program, argument)?;
        let mut task = task.clone();
        task["home"] = json!(home);
        side.answer(&json!({"task": "open", "home": home}))?;
        let answer = side.answer(&task)?;
        let number = |name: &str| {
            answer[name].as_f64().ok_or_else(|| format!("{program} {task}: no {name} in {answer}"))
        };
        self.seconds.0.push(number("seconds")?);
        self.peaks.0.push(number("peak")?);
        Ok(answer["count"].clone())
    }
}

#[derive(Default)]
struct Values(Vec<f64>);

impl Values {
    fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

fn dash() -> String {
    "-".to_owned()
}

fn ratio((theirs, ours): (f64, f64)) -> String {
    format!("{:.1}", theirs / ours)
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.0} MiB", bytes / 1_048_576.0)
}
