"""Ask a real dagster-webserver for what its pages of schedules, sensors, backfills, assets and daemons ask.

It serves a home together with the code location `webserver_definitions.py`. Without a home it prints what this code
location has, as storages and daemons know it. It launches no run, and leaves no process behind.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from common import emit
from webserver import ERROR, METADATA, ask, photograph, serving

DEFINITIONS = Path(__file__).parent / "webserver_definitions.py"

# Where the ticks begin that the page of a schedule foretells: before a night in which the clocks are put forward.
FORETOLD_FROM, FORETOLD = 1711753200, 4

TICK = """fragment Tick on InstigationTick {
  id tickId status timestamp endTimestamp instigationType runIds runKeys originRunIds skipReason cursor logKey
  error { message className stack errorChain { isExplicitLink error { message } } }
  runs { runId status }
  requestedAssetKeys { path } requestedAssetMaterializationCount requestedJobRunCount
  requestedMaterializationsForAssets { assetKey { path } partitionKeys }
  dynamicPartitionsRequestResults { partitionsDefName partitionKeys skippedPartitionKeys type }
  autoMaterializeAssetEvaluationId
  logEvents { events { message timestamp level } cursor hasMore }
}"""

STATE = """fragment State on InstigationState {
  id selectorId name instigationType status repositoryName repositoryLocationName
  repositoryOrigin { id repositoryName repositoryLocationName }
  typeSpecificData { ... on SensorData { lastTickTimestamp lastRunKey lastCursor }
    ... on ScheduleData { cronSchedule startTimestamp } }
  runsCount runs(limit: 10) { id runId status }
  nextTick { timestamp }
  ticks(limit: 10) { ...Tick }
  today: ticks(dayRange: 1, limit: 10) { tickId }
  failed: ticks(dayRange: 1, limit: 10, statuses: [FAILURE]) { tickId status error { message } }
  hasStartPermission hasStopPermission
}"""

REPOSITORY = (
    """query Repository { repositoriesOrError { ... on RepositoryConnection { nodes { id name origin { id } } } %s } }"""
    % ERROR
)

SCHEDULES = (
    """query Schedules($repository: RepositorySelector!, $cursor: Float!, $limit: Int!) {
  schedulesOrError(repositorySelector: $repository) { ... on Schedules { results {
    id name cronSchedule executionTimezone pipelineName mode description defaultStatus canReset
    assetSelection { assetKeys { path } }
    partitionSet { id name }
    scheduleState { ...State }
    futureTicks(cursor: $cursor, limit: $limit) { results { timestamp } cursor } } } %s } }"""
    % ERROR
    + STATE
    + TICK
)

SENSORS = (
    """query Sensors($repository: RepositorySelector!) {
  sensorsOrError(repositorySelector: $repository) { ... on Sensors { results {
    id jobOriginId name description sensorType minIntervalSeconds defaultStatus canReset
    hasCursorUpdatePermissions metadata { assetKeys { path } } targets { pipelineName mode }
    nextTick { timestamp }
    sensorState { ...State } } } %s } }"""
    % ERROR
    + STATE
    + TICK
)

# By its repository, as the overview of automation asks.
STATES = (
    """query States($repositoryID: String!) { instigationStatesOrError(repositoryID: $repositoryID) {
  ... on InstigationStates { results { id name selectorId instigationType status } } %s } }"""
    % ERROR
)

ONE_TICK = (
    """query OneTick($instigator: InstigationSelector!, $tickId: ID!) {
  instigationStateOrError(instigationSelector: $instigator) {
    ... on InstigationState { id tick(tickId: $tickId) { ...Tick } } %s } }"""
    % ERROR
    + TICK
)

BACKFILL = """fragment Backfill on PartitionBackfill {
  __typename id status runStatus timestamp creationTime startTime endTimestamp endTime title description user
  tags { key value } numCancelable numPartitions partitionNames isValidSerialization fromFailure
  reexecutionSteps isAssetBackfill jobName hasCancelPermission hasResumePermission
  assetSelection { path } assetCheckSelection { name }
  partitionSetName partitionSet { id name pipelineName repositoryOrigin { id } }
  partitionStatusCounts { runStatus count }
  partitionStatuses { results { id partitionName runId runStatus } }
  error { message className stack }
  runs(limit: 10) { runId status }
  unfinishedRuns(limit: 10) { runId } cancelableRuns(limit: 10) { runId }
  assetBackfillData {
    rootTargetedPartitions { partitionKeys ranges { start end } }
    assetBackfillStatuses {
      ... on AssetPartitionsStatusCounts { assetKey { path } numPartitionsTargeted
        numPartitionsInProgress numPartitionsMaterialized numPartitionsFailed }
      ... on UnpartitionedAssetStatus { assetKey { path } inProgress materialized failed } } }
  logEvents { events { message } cursor hasMore }
}"""

BACKFILLS = (
    """query Backfills { partitionBackfillsOrError(limit: 10) { ... on PartitionBackfills { results { ...Backfill } }
  %s } }"""
    % ERROR
    + BACKFILL
)

ONE_BACKFILL = (
    """query OneBackfill($id: String!) { partitionBackfillOrError(backfillId: $id) { ...Backfill %s } }""" % ERROR
    + BACKFILL
)

# What the page of backfills lists: entries, and how many there are.
FEED = """query Feed {
  runsFeedOrError(view: BACKFILLS, limit: 10) {
    ... on RunsFeedConnection { cursor hasMore results { __typename id runStatus creationTime startTime endTime
      tags { key value } jobName assetSelection { path } } } %s }
  runsFeedCountOrError(view: BACKFILLS) { ... on RunsFeedCount { count } %s } }""" % (ERROR, ERROR)

ASSETS = (
    """query Assets { assetNodes { id assetKey { path } groupName jobNames isPartitioned isExecutable
  partitionDefinition { name type description
    dimensionTypes { name type dynamicPartitionsDefinitionName } }
  partitionKeys partitionKeyConnection(limit: 2, ascending: true) { results cursor hasMore }
  partitionKeysByDimension { name type partitionKeys }
  partitionStats { numMaterialized numPartitions numFailed numMaterializing }
  assetPartitionStatuses { ... on DefaultPartitionStatuses {
    materializedPartitions failedPartitions unmaterializedPartitions materializingPartitions } }
  latestMaterializationByPartition { partition runId timestamp }
  assetMaterializations(limit: 10) { partition runId timestamp tags { key value } metadataEntries { ...Metadata } }
  assetObservations(limit: 10) { partition runId }
  staleStatus staleCauses { reason }
  targetingInstigators { ... on Schedule { name } ... on Sensor { name } }
  hasAssetChecks assetChecksOrError { ... on AssetChecks { checks { name assetKey { path } description blocking
    canExecuteIndividually executionForLatestMaterialization { ...Execution } } } __typename ... on Error { message } }
  } } fragment Execution on AssetCheckExecution { id runId status timestamp stepKey partition
  evaluation { checkName success severity description partition timestamp metadataEntries { ...Metadata }
    targetMaterialization { storageId runId timestamp } } }"""
    + METADATA
)

CHECKS = """query Checks($assetKey: AssetKeyInput!, $checkName: String!) {
  assetCheckExecutions(assetKey: $assetKey, checkName: $checkName, limit: 10) { id runId status timestamp
    evaluation { success severity description } } }"""

DAEMONS = """query Daemons { instance { id hasInfo info runQueuingSupported autoMaterializePaused
  useAutoMaterializeSensors supportsConcurrencyLimits
  daemonHealth { id allDaemonStatuses { id daemonType required healthy lastHeartbeatTime
    lastHeartbeatErrors { message className } } } } }"""

PAGES = {
    "automation": "automation",
    "schedule": "locations/{repository}/schedules/nightly",
    "sensor": "locations/{repository}/sensors/deliveries",
    "backfills": "runs?view=backfills",
    "backfill": "runs/b/{backfill}",
    "partitions": "assets/paint?view=partitions",
    "dynamic_partitions": "assets/invoices?view=partitions",
    "checks": "assets/stock?view=checks",
    "daemons": "deployment/daemons",
}


def code_location():
    """The schedules and sensors of the code location, and the origin of its repository."""
    from dagster import DagsterInstance
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import PythonFileTarget
    from dagster._serdes import serialize_value

    target = PythonFileTarget(str(DEFINITIONS), None, str(DEFINITIONS.parent), None)

    def ids(instigator):
        return {
            "name": instigator.name,
            "origin": serialize_value(instigator.get_remote_origin()),
            "origin_id": instigator.get_remote_origin_id(),
            "selector_id": instigator.selector_id,
            "default_status": instigator.default_status.value,
        }

    with DagsterInstance.local_temp() as instance, WorkspaceProcessContext(instance, target) as context:
        (location,) = context.create_request_context().code_locations
        (repository,) = location.get_repositories().values()
        schedules = {
            each.name: {
                **ids(each),
                "cron_schedule": each.cron_schedule,
                "execution_timezone": each.execution_timezone,
            }
            for each in repository.get_schedules()
        }
        sensors = {
            each.name: {
                **ids(each),
                "min_interval_seconds": each.min_interval_seconds,
                "sensor_type": each.sensor_type.value,
            }
            for each in repository.get_sensors()
        }
        return {
            "repository": {"name": repository.name, "location": location.name},
            "repository_origin": serialize_value(repository.get_remote_origin()),
            "schedules": schedules,
            "sensors": sensors,
            "foretold_from": FORETOLD_FROM,
            "foretold": FORETOLD,
        }


def results_of(answer):
    return (answer or {}).get("results", [])


def questions(url):
    errors = []
    nodes = (ask(url, errors, REPOSITORY) or {}).get("nodes") or []
    if len(nodes) != 1:
        return {"errors": [*errors, f"there are {len(nodes)} repositories"]}
    selector = {"repositoryName": nodes[0]["name"], "repositoryLocationName": DEFINITIONS.name}
    schedules = ask(url, errors, SCHEDULES, repository=selector, cursor=FORETOLD_FROM, limit=FORETOLD)
    sensors = ask(url, errors, SENSORS, repository=selector)
    states = [each["scheduleState"] for each in results_of(schedules)]
    states += [each["sensorState"] for each in results_of(sensors)]
    ticks = {}
    for state in states:
        for tick in state["ticks"]:
            instigator = {**selector, "name": state["name"]}
            answer = ask(url, errors, ONE_TICK, instigator=instigator, tickId=tick["tickId"])
            ticks[tick["tickId"]] = answer and answer.get("tick")
    backfills = results_of(ask(url, errors, BACKFILLS))
    return {
        "schedules": {each["name"]: each for each in results_of(schedules)},
        "sensors": {each["name"]: each for each in results_of(sensors)},
        "states": results_of(ask(url, errors, STATES, repositoryID=f"{nodes[0]['origin']['id']}::{nodes[0]['id']}")),
        "ticks": ticks,
        "backfills": backfills,
        "one_backfill": {each["id"]: ask(url, errors, ONE_BACKFILL, id=each["id"]) for each in backfills},
        "feed": ask(url, errors, FEED),
        "assets": {"/".join(each["assetKey"]["path"]): each for each in ask(url, errors, ASSETS) or []},
        "checks": ask(url, errors, CHECKS, assetKey={"path": ["stock"]}, checkName="is_counted"),
        "instance": ask(url, errors, DAEMONS),
        "errors": errors,
    }


def photographs(url, answers, directory):
    # Dismisses the dialog that welcomes newcomers, as its button does (.nux in the home).
    ask(url, answers["errors"], "mutation Welcome { setNuxSeen }")
    repository = f"__repository__@{DEFINITIONS.name}"
    backfill = next((each["id"] for each in answers["backfills"] if each["isAssetBackfill"]), "none")
    for name, page in PAGES.items():
        path = page.format(repository=repository, backfill=backfill)
        photograph(f"{url}/{path}", os.path.join(directory, f"{name}.png"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", nargs="?")
    parser.add_argument("--photographs", metavar="DIR", help="write a PNG of each page into this directory")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that it cleans up
    if arguments.home is None:
        emit(code_location())
    else:
        with serving(arguments.home, ["-f", str(DEFINITIONS), "-d", str(DEFINITIONS.parent)]) as address:
            answers = questions(address)
            if arguments.photographs:
                photographs(address, answers, arguments.photographs)
        emit(answers)
