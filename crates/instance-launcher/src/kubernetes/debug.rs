//! What helps people to find out why the worker of a run failed, in the words of Dagster.

use serde_json::Value;

use super::api::{Api, ApiError, LOG_LINES};

/// All that is known about a Job and its pods, the newest pod first.
///
/// # Errors
///
/// The pods could not be listed.
pub(super) async fn debug_info(
    api: &Api,
    namespace: &str,
    job: &str,
    with_logs: bool,
) -> Result<String, ApiError> {
    let mut pods = api.pods_of(namespace, job).await?;
    let created = |pod: &Value| pod["metadata"]["creationTimestamp"].as_str().map(str::to_owned);
    pods.sort_by_key(|pod| std::cmp::Reverse(created(pod)));
    let mut infos = Vec::new();
    for pod in &pods {
        infos.push(of_pod(api, namespace, pod, with_logs).await);
    }
    Ok(match pods.first() {
        Some(newest) => {
            let pod = name(newest);
            format!(
                "{}\nFor more information about the failure, try running `kubectl describe pod {pod}`, \
                 `kubectl logs {pod}`, or `kubectl describe job {job}` in your cluster.",
                infos.join("\n")
            )
        }
        None => format!(
            "\n\n{}\n\nFor more information about the failure, try running `kubectl describe job {job}` in your \
             cluster.",
            of_job(api, namespace, job).await?
        ),
    })
}

async fn of_pod(api: &Api, namespace: &str, pod: &Value, with_logs: bool) -> String {
    let pod_name = name(pod);
    let mut hints = Vec::new();
    let mut logs = Vec::new();
    for container in array(&pod["spec"]["containers"]).iter().filter(|_| with_logs) {
        let container = container["name"].as_str().unwrap_or_default();
        logs.push(if has_printed(pod, container) {
            match api.log(namespace, pod_name, container).await {
                Ok(log) => of_log(container, &log, &mut hints),
                Err(error) => {
                    format!("Failure fetching pod logs for container '{container}': {error}")
                }
            }
        } else {
            format!("No logs for container '{container}'.")
        });
    }
    let warnings = match api.events_of(namespace, pod_name).await {
        Ok(events) => warnings(&events),
        Err(error) => format!("Failure fetching pod events: {error}"),
    };
    let mut parts = vec![format!("Debug information for pod {pod_name}:"), status(pod)];
    parts.extend(hints);
    parts.extend(logs);
    parts.push(warnings);
    parts.join("\n\n")
}

fn name(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The status of a container within the status of its pod; null if it has none.
fn container_status<'a>(pod: &'a Value, container: &str) -> &'a Value {
    let statuses = array(&pod["status"]["containerStatuses"]);
    statuses.iter().find(|status| status["name"] == container).unwrap_or(&Value::Null)
}

/// Whether there are logs: the container runs or has run.
fn has_printed(pod: &Value, container: &str) -> bool {
    let status = container_status(pod, container);
    let both = [&status["state"], &status["lastState"]];
    both.iter().any(|state| !state["running"].is_null() || !state["terminated"].is_null())
}

fn of_log(container: &str, log: &str, hints: &mut Vec<String>) -> String {
    let log = log.strip_suffix('\n').unwrap_or(log);
    if log.contains("exec format error") {
        hints.push(format!(
            "Logs for container '{container}' contained `exec format error`, which usually means that your Docker image \
             was built using the wrong architecture.\nTry rebuilding your docker image with the `--platform linux/amd64` \
             flag set."
        ));
    }
    if log.is_empty() {
        return format!("No logs for container '{container}'.");
    }
    format!("Last {LOG_LINES} log lines for container '{container}':\n{log}")
}

/// The status of a pod and of each of its containers.
fn status(pod: &Value) -> String {
    let status = &pod["status"];
    if status.is_null() {
        return "Could not determine pod status.".to_owned();
    }
    let mut lines =
        vec![format!("Pod status: {}", with_message(&status["phase"], &status["message"]))];
    for container in array(&status["containerStatuses"]) {
        let name = container["name"].as_str().unwrap_or_default();
        lines.push(format!("Container '{name}' status: {}", container_state(container)));
    }
    lines.join("\n")
}

fn container_state(container: &Value) -> String {
    let state = &container["state"];
    let [running, terminated, waiting] =
        ["running", "terminated", "waiting"].map(|key| &state[key]);
    if !running.is_null() {
        let is_ready = container["ready"] == true;
        return if is_ready { "Ready" } else { "Running but not ready" }.to_owned();
    }
    if !terminated.is_null() {
        let code = said(&terminated["exitCode"]);
        let why = with_message(&terminated["reason"], &terminated["message"]);
        return format!("Terminated with exit code {code}: {why}");
    }
    if !waiting.is_null() {
        return format!("Waiting: {}", with_message(&waiting["reason"], &waiting["message"]));
    }
    "None".to_owned()
}

/// A word, and a message behind it if there is one.
fn with_message(word: &Value, message: &Value) -> String {
    match message.as_str().filter(|message| !message.is_empty()) {
        Some(message) => format!("{}: {message}", said(word)),
        None => said(word),
    }
}

/// A value as Python prints it.
fn said(value: &Value) -> String {
    super::python_text::python_str(value)
}

fn warnings(events: &[Value]) -> String {
    let warnings = events.iter().filter(|event| event["type"] == "Warning");
    let warnings: Vec<_> = warnings
        .map(|event| {
            let count = event["count"].as_i64().filter(|count| *count > 1);
            let count = count.map(|count| format!(" (x{count})")).unwrap_or_default();
            format!("{}: {}{count}", said(&event["reason"]), said(&event["message"]))
        })
        .collect();
    if warnings.is_empty() {
        return "No warning events for pod.".to_owned();
    }
    format!("Warning events for pod:\n{}", warnings.join("\n"))
}

async fn of_job(api: &Api, namespace: &str, job: &str) -> Result<String, ApiError> {
    let found = api.job(namespace, job).await?;
    let mut parts = vec![format!("Debug information for job {job}:")];
    match &found {
        None => parts.push(format!("Could not find job {job}")),
        Some(found) => {
            parts.push(job_status(&found["status"]));
            let events = api.events_of(namespace, job).await?;
            let event =
                |event: &Value| format!("{}: {}", said(&event["reason"]), said(&event["message"]));
            parts.extend(events.iter().map(event));
        }
    }
    Ok(parts.join("\n\n"))
}

fn job_status(status: &Value) -> String {
    if status.is_null() {
        return "Could not determine job status.".to_owned();
    }
    let start = said(&status["startTime"]);
    let start = start.strip_suffix('Z').map_or(start.clone(), |time| format!("{time}+00:00"));
    let count = |key: &str| {
        let count = status[key].as_i64().filter(|count| *count != 0);
        format!("\n - {key}={}", count.map_or("None".to_owned(), |count| count.to_string()))
    };
    let counts = ["active", "succeeded", "failed"].map(count).concat();
    format!("Job status:\n - start_time: {start}{counts}")
}
