//! Jobs of Kubernetes: ours are those that Dagster's `K8sRunLauncher` makes of the same configuration and the same run. The
//! kept ones, and the table of models, are those of the pinned release.

use std::collections::BTreeMap;
use std::fs;

use dagster_instance_tests::{Home, dagster, dagster_script, root};
use instance_config::{Environment, LoadSettings, load_settings_of};
use instance_core::instance_ref::InstanceRef;
use instance_core::run::DagsterRun;
use instance_core::serdes::deserialize_value;
use instance_core::settings::{KubernetesSettings, RunLauncherSettings};
use instance_launcher::{KubernetesJob, LauncherVariables};
use serde_json::{Value, json};

/// Where the Jobs are kept.
const KEPT: &str = "tests/fixtures/kubernetes_jobs.json";
/// Where the table of models is.
const MODELS: &str = "crates/instance-launcher/src/kubernetes/models.txt";

/// The one label that we write otherwise: Dagster's value ends with what the API server refuses.
const OTHER_LABELS: [(&str, &str); 1] = [("__a b/c.é-_", "a-b-c")];

#[derive(Clone)]
struct Variables(BTreeMap<String, String>);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

fn kept() -> Value {
    let text = fs::read_to_string(root().join(KEPT)).expect(KEPT);
    serde_json::from_str(&text).expect(KEPT)
}

#[test]
fn the_kept_jobs_are_those_of_dagster() {
    let (asked, kept) = (dagster("kubernetes_jobs.py", &[]), kept());
    let advice = format!("python tests/python/kubernetes_jobs.py > {KEPT}");
    let (of_asked, of_kept) = (&asked["cases"], &kept["cases"]);
    let of_asked = of_asked.as_array().expect("a list");
    for (asked, kept) in of_asked.iter().zip(of_kept.as_array().expect("a list")) {
        assert_eq!(asked, kept, "{advice}");
    }
    assert_eq!(asked, kept, "{advice}");
}

#[test]
fn the_table_of_models_is_that_of_the_client() {
    let printed = dagster_script("kubernetes_models.py").output().expect("Python");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let kept = fs::read(root().join(MODELS)).expect(MODELS);
    assert!(printed.stdout == kept, "python tests/python/kubernetes_models.py > {MODELS}");
}

#[test]
fn jobs_are_those_of_dagster() {
    let kept = kept();
    let said = kept["instance_ref"].as_str().expect("a text").to_owned();
    let reference: InstanceRef = deserialize_value(&said).expect("a reference");
    let cases = kept["cases"].as_array().expect("a list");
    assert!(cases.len() > 60, "{}", cases.len());
    let mut failures = Vec::new();
    for case in cases {
        let ours = ours(case, &reference).map(|mut job| {
            let argument = job.body.pointer_mut("/spec/template/spec/containers/0/args");
            let argument = argument.and_then(|arguments| arguments.as_array_mut()?.last_mut());
            let argument = argument.expect("arguments");
            let text = argument.as_str().expect("a text").replace(&said, "<instance_ref>");
            *argument = text.into();
            job
        });
        let name = case["name"].as_str().expect("a name");
        let result = &case["result"];
        match (result["error"].as_str(), ours) {
            (None, Ok(job)) => compare(name, result, &job, &mut failures),
            (None, Err(error)) => failures.push(format!("{name}: {error}")),
            (Some(expect), Ok(_)) => {
                failures.push(format!("{name}: no error; Dagster's is {expect}"));
            }
            (Some(expect), Err(error)) => {
                if let Some(text) = same_text(expect)
                    && !error.contains(text)
                {
                    failures.push(format!("{name}: {error:?} is not {text:?}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn compare(name: &str, expect: &Value, job: &KubernetesJob, failures: &mut Vec<String>) {
    let expected = &mut expect["job"].clone();
    for (text, label) in OTHER_LABELS {
        if name == format!("a label of {text}") {
            for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
                let labels = expected.pointer_mut(labels).expect("labels");
                labels["dagster/job"] = json!(label);
            }
        }
    }
    if job.body != *expected {
        failures.push(format!("{name}:\nours     {}\nDagster's {expected}", job.body));
    }
    let told = json!({"namespace": job.namespace, "tags": {"dagster/image": job.image}});
    let wanted = json!({"namespace": expect["namespace"], "tags": expect["tags"]});
    if told != wanted {
        failures.push(format!("{name}: {told} is not {wanted}"));
    }
    // Which launcher events there are is the same for all, but for the name of the Job.
    let name_of_job = expect.pointer("/events/0/metadata/0/1");
    if name_of_job != Some(&json!(job.name)) {
        failures.push(format!("{name}: {} is not {name_of_job:?}", job.name));
    }
}

/// The part of Dagster's error that ours says in the same words; `None` if it is one of Python's own.
fn same_text(error: &str) -> Option<&str> {
    let (kind, text) = error.split_once(": ")?;
    let is_same = match kind {
        "Exception" | "DagsterInvalidConfigError" => true,
        "ValueError" => text.starts_with("Invalid value for"),
        _ => false,
    };
    is_same.then(|| text.lines().next().unwrap_or_default())
}

/// The Job that we make of a case.
fn ours(case: &Value, reference: &InstanceRef) -> Result<KubernetesJob, String> {
    let variables: BTreeMap<String, String> =
        serde_json::from_value(case["environment"].clone()).expect("texts");
    let variables = Variables(variables);
    let settings = settings(&case["launcher"], &variables)?;
    let run: DagsterRun = deserialize_value(case["run"].as_str().expect("a text")).expect("a run");
    let attempt = case["attempt"].as_u64().map(|attempt| u32::try_from(attempt).expect("a few"));
    let of_launcher = LauncherVariables::new(move |name| variables.get(name));
    KubernetesJob::of_run(&settings, &run, attempt, reference, &of_launcher)
        .map_err(|error| error.to_string())
}

/// The configuration of the launcher, as a `dagster.yaml` says it.
fn settings(launcher: &Value, variables: &Variables) -> Result<KubernetesSettings, String> {
    let home = Home::new();
    let section = json!({"run_launcher": {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": launcher}});
    fs::write(home.path().join("dagster.yaml"), section.to_string()).expect("written");
    let settings = load_settings_of(&LoadSettings::new(home.path()), variables);
    match settings.map_err(|error| error.to_string())?.run_launcher {
        RunLauncherSettings::Kubernetes(settings) => Ok(*settings),
        RunLauncherSettings::Unusable(problems) => Err(problems.to_string()),
        other => panic!("{other:?}"),
    }
}
