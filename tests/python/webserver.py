"""Ask a real dagster-webserver, over a home, for what its run page asks, and photograph that page.

It serves on 127.0.0.1 only, launches no run, and leaves no process behind.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

from common import emit, start, stop

START_SECONDS, QUERY_SECONDS, SCREENSHOT_SECONDS = 60, 30, 90

ERROR = "__typename ... on Error { message } ... on PythonError { className stack }"

METADATA = """fragment Metadata on MetadataEntry {
  __typename label description
  ... on TextMetadataEntry { text }
  ... on IntMetadataEntry { intValue intRepr }
  ... on FloatMetadataEntry { floatValue floatRepr }
  ... on BoolMetadataEntry { boolValue }
  ... on JsonMetadataEntry { jsonString }
  ... on MarkdownMetadataEntry { mdStr }
  ... on UrlMetadataEntry { url }
  ... on PathMetadataEntry { path }
  ... on NotebookMetadataEntry { path }
  ... on PythonArtifactMetadataEntry { module name }
  ... on PipelineRunMetadataEntry { runId }
  ... on AssetMetadataEntry { assetKey { path } }
  ... on JobMetadataEntry { jobName repositoryName locationName }
  ... on TimestampMetadataEntry { timestamp }
  ... on PoolMetadataEntry { pool }
  ... on TableMetadataEntry { table { records schema { columns { name type } } } }
  ... on TableSchemaMetadataEntry { schema { columns { name type description } } }
}"""

RUN = (
    """query Run($runId: ID!) { pipelineRunOrError(runId: $runId) {
  ... on Run {
    id runId status jobName pipelineName mode rootRunId parentRunId canTerminate
    pipelineSnapshotId parentPipelineSnapshotId creationTime startTime endTime updateTime
    hasReExecutePermission hasTerminatePermission hasDeletePermission hasConcurrencyKeySlots
    hasRunMetricsEnabled hasUnconstrainedRootNodes externalJobSource
    tags { key value } runConfigYaml stepKeysToExecute resolvedOpSelection
    repositoryOrigin { id repositoryName repositoryLocationName }
    stats { %s ... on RunStatsSnapshot {
      id stepsSucceeded stepsFailed materializations expectations
      enqueuedTime launchTime startTime endTime } }
    stepStats { stepKey status startTime endTime attempts { startTime endTime }
      markers { startTime endTime } materializations { assetKey { path } }
      expectationResults { success } }
    executionPlan { artifactsPersisted assetKeys { path } steps {
      key kind solidHandleID metadata { key value } outputs { name }
      inputs { name dependsOn { key } } } }
    assets { id key { path } } assetSelection { path } assetSelectionCount
    assetCheckSelection { name assetKey { path } }
    assetChecks { name assetKey { path } }
    assetMaterializations { runId partition timestamp assetKey { path }
      stepStats { status startTime endTime } }
  } %s } }"""
    % (ERROR, ERROR)
)

# Without RunEvent.pipelineName: Dagster fails on it for a planned materialization.
EVENTS = """query Events($runId: ID!, $cursor: String) {
  logsForRun(runId: $runId, afterCursor: $cursor) { ... on EventConnection {
    cursor hasMore events { __typename
      ... on MessageEvent { runId message timestamp level stepKey solidHandleID eventType }
      ... on DisplayableEvent { label description metadataEntries { ...Metadata } }
      ... on MarkerEvent { markerStart markerEnd }
      ... on ErrorEvent { error { message className stack
        errorChain { isExplicitLink error { message className stack } } } }
      ... on LogsCapturedEvent { fileKey stepKeys pid externalUrl externalStdoutUrl externalStderrUrl }
      ... on MaterializationEvent { partition assetKey { path } tags { key value }
        assetLineage { assetKey { path } partitions } }
      ... on ObservationEvent { partition assetKey { path } tags { key value } }
      ... on AssetMaterializationPlannedEvent { assetKey { path } }
      ... on FailedToMaterializeEvent { partition assetKey { path } }
      ... on ExecutionStepFailureEvent { errorSource failureMetadata { metadataEntries { ...Metadata } } }
      ... on ExecutionStepUpForRetryEvent { secondsToWait }
      ... on ExecutionStepInputEvent { inputName typeCheck { success label description } }
      ... on ExecutionStepOutputEvent { outputName typeCheck { success label description } }
      ... on HandledOutputEvent { outputName managerKey }
      ... on LoadedInputEvent { inputName managerKey upstreamOutputName upstreamStepKey }
      ... on ObjectStoreOperationEvent { operationResult { op } }
      ... on StepExpectationResultEvent { expectationResult { success label description } }
      ... on AssetCheckEvaluationPlannedEvent { plannedAssetKey: assetKey { path } checkName }
      ... on AssetCheckEvaluationEvent { evaluation { checkName success severity description
        assetKey { path } metadataEntries { ...Metadata } targetMaterialization { storageId runId } } }
    } } %s } } """ % ERROR + METADATA

GRAPH = (
    """query Graph($snapshotId: String!) { pipelineSnapshotOrError(snapshotId: $snapshotId) {
  ... on PipelineSnapshot {
    id name description graphName pipelineSnapshotId parentSnapshotId externalJobSource
    tags { key value } runTags { key value } metadataEntries { label }
    modes { id name resources { name description } loggers { name } }
    dagsterTypes { key name displayName }
    solidHandles { handleID solid { name isDynamicMapped
      inputs { definition { name type { displayName } } dependsOn { solid { name } } }
      outputs { definition { name } dependedBy { solid { name } } }
      definition { __typename name description metadata { key value }
        inputDefinitions { name type { displayName } }
        outputDefinitions { name isDynamic type { displayName isNothing } }
        ... on SolidDefinition { requiredResources { resourceKey }
          configField { isRequired configType { key
            ... on CompositeConfigType { fields { name isRequired } } } } } } } }
  } %s } }"""
    % ERROR
)

LOGS = """query Logs($logKey: [String!]!) {
  capturedLogs(logKey: $logKey) { logKey stdout stderr cursor }
  capturedLogsMetadata(logKey: $logKey) { stdoutLocation stderrLocation stdoutDownloadUrl stderrDownloadUrl }
}"""

ASSET = (
    """query Asset($assetKey: AssetKeyInput!) { assetOrError(assetKey: $assetKey) {
  ... on Asset { id key { path } latestEventSortKey latestMaterializationTimestamp hasDefinitionOrRecord
    assetMaterializations(limit: 5) { runId stepKey partition timestamp tags { key value }
      metadataEntries { ...Metadata } }
    latest: assetMaterializations(limit: 1) { runId partition timestamp }
    assetEventHistory(limit: 5, eventTypeSelectors: [MATERIALIZATION, OBSERVATION]) {
      cursor results { __typename ... on MessageEvent { runId timestamp } } } }
  __typename ... on Error { message } } } """
    + METADATA
)

RUNS = (
    """query Runs { runsOrError(limit: 50) {
  ... on Runs { count results { id runId status jobName pipelineName startTime endTime creationTime
    pipelineSnapshotId tags { key value } assetSelection { path } } } %s } }"""
    % ERROR
)


@contextmanager
def serving(home, workspace=("--empty-workspace",)):
    home = os.path.abspath(home)
    if not os.path.isdir(home):
        raise NotADirectoryError(home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = start(
        [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
        + list(workspace),
        env={**os.environ, "DAGSTER_HOME": home},
        cwd=home,  # so that no dagster.toml or workspace.yaml of the caller's is found
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{url}/server_info", timeout=5).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the webserver does not answer (exit {server.poll()})")
                time.sleep(0.1)
        yield url
    finally:
        stop(server)


def failures_in(value):
    """Members of GraphQL unions that say something went wrong."""
    if isinstance(value, dict):
        if value.get("__typename", "").endswith("Error"):
            yield value
        for item in value.values():
            yield from failures_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from failures_in(item)


def ask(url, errors, query, **variables):
    """The one root field's value, or all of them when there are several."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"{url}/graphql", body, {"Content-Type": "application/json", "Accept": "application/json"}
    )
    try:
        response = urllib.request.urlopen(request, timeout=QUERY_SECONDS)
    except urllib.error.HTTPError as error:
        response = error  # GraphQL answers some errors with status 400 and a body
    with response:
        text = response.read().decode("utf-8", "replace")
    try:
        answer = json.loads(text, parse_constant=str)
    except json.JSONDecodeError:
        answer = {"errors": [{"message": f"HTTP {response.status}: {text[:500]}"}]}
    name = query.split("(")[0].split("{")[0].split()[1]
    data = answer.get("data") or {}
    found = [*(answer.get("errors") or []), *failures_in(data)]
    errors += [{"query": name, "error": error} for error in found]
    return next(iter(data.values())) if len(data) == 1 else data


def all_events(url, errors, run_id):
    events, cursor = [], None
    while True:
        page = ask(url, errors, EVENTS, runId=run_id, cursor=cursor)
        if not page or "events" not in page:
            return page
        events += page["events"]
        cursor = page["cursor"]
        if not page["hasMore"]:
            return {**page, "events": events}


def captured(url, errors, run_id, events):
    logs = []
    for event in (events or {}).get("events", []):
        if event["__typename"] == "LogsCapturedEvent":
            key = [run_id, "compute_logs", event["fileKey"]]
            answer = ask(url, errors, LOGS, logKey=key)
            parts = [answer.get("capturedLogs"), answer.get("capturedLogsMetadata")]
            kept = {"fileKey": event["fileKey"], "stepKeys": event["stepKeys"]}
            logs.append({**kept, **(parts[0] or {}), "metadata": parts[1]})
    return logs


def questions(url, run_id, asset):
    errors = []
    run = ask(url, errors, RUN, runId=run_id)
    events = all_events(url, errors, run_id)
    snapshot_id = (run or {}).get("pipelineSnapshotId")
    return {
        "errors": errors,
        "run": run,
        "events": events,
        "graph": snapshot_id and ask(url, errors, GRAPH, snapshotId=snapshot_id),
        "logs": captured(url, errors, run_id, events),
        "asset": asset and ask(url, errors, ASSET, assetKey={"path": asset.split("/")}),
        "runs": ask(url, errors, RUNS),
    }


def photograph(url, target):
    target = os.path.abspath(target)
    if os.path.exists(target):
        os.remove(target)  # an old picture is no proof
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = start(
            [shutil.which("chromium") or "/usr/bin/chromium", "--headless", "--no-sandbox"]
            + ["--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"]
            + ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
            + ["--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
            + [f"--user-data-dir={profile}", "--window-size=1600,1000"]
            + ["--virtual-time-budget=20000", f"--screenshot={target}", url],
        )
        try:
            if browser.wait(SCREENSHOT_SECONDS) != 0 or not os.path.exists(target):
                raise RuntimeError(f"no screenshot (chromium exit {browser.returncode})")
        except subprocess.TimeoutExpired:
            raise RuntimeError("no screenshot: chromium took too long") from None
        finally:
            stop(browser)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("run_id")
    parser.add_argument("--asset", help="an asset key such as demo/hello")
    parser.add_argument("--screenshot", help="write a PNG of the run page here")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that it cleans up
    with serving(arguments.home) as address:
        answers = questions(address, arguments.run_id, arguments.asset)
        if arguments.screenshot:
            # Dismisses the dialog that welcomes newcomers, as its button does (.nux in the home).
            ask(address, answers["errors"], "mutation Welcome { setNuxSeen }")
            photograph(f"{address}/runs/{arguments.run_id}", arguments.screenshot)
    emit(answers)
