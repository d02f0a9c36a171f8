"""What differs between the two answers about a home, member by member."""

import json
import os

import yaml

from dagster_shared.yaml_utils import DagsterYamlLoader

SHORT = 300
# Directories: what counts is where they lead from the directory in which the process works.
DIRECTORIES = {
    "directory",
    "file_manager_directory",
    "root_directory",
    "schedules_directory",
    "storage_directory",
}

THREADS = {"use_threads": False, "num_workers": None, "num_submit_workers": None}
# What Dagster's own readers of a mapping take for what it does not say. Ours are types in which all is said.
DEFAULTS = {
    "code_server_settings": {
        "local_startup_timeout": 180,
        "reload_timeout": 180,
        "wait_for_local_processes_on_shutdown": False,
    },
    "get_auto_materialize_settings": {
        "enabled": True,
        "max_tick_retries": 3,
        "minimum_interval_seconds": None,
        "num_workers": None,
        "respect_materialization_data_versions": False,
        "run_tags": {},
        "use_sensors": True,
        "use_threads": False,
    },
    "get_backfill_settings": THREADS,
    "get_scheduler_settings": THREADS,
    "get_sensor_settings": {**THREADS, "use_threads": True},
    "run_monitoring_settings": {
        "cancel_timeout_seconds": 180,
        "cancellation_thread_poll_interval_seconds": 10,
        "enabled": False,
        "free_slots_after_run_end_seconds": None,
        "max_resume_run_attempts": 0,
        "max_runtime_seconds": 0,
        "poll_interval_seconds": 120,
        "start_timeout_seconds": 180,
    },
}

# Dagster looks up no variable in this section, and its daemon has what stands there: a mapping is true, and no number.
NOT_LOOKED_UP = {
    "enabled": True,
    "max_tick_retries": 3,
    "minimum_interval_seconds": None,
    "respect_materialization_data_versions": True,
    "use_sensors": True,
}


def of_automation(key, value):
    return NOT_LOOKED_UP[key] if isinstance(value, dict) and key in NOT_LOOKED_UP else value


def text(value):
    """The value as a text that tells `1`, `1.0` and `true` apart, and has no order of keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def of_class(data):
    """What an `InstanceRef` says of a class, with its configuration read."""
    if not isinstance(data, dict) or "config_yaml" not in data:
        return data
    try:
        config = yaml.load(data["config_yaml"], Loader=DagsterYamlLoader)
    except yaml.YAMLError as error:
        config = f"no YAML: {error}"
    if isinstance(config, dict):
        # `CompositeStorage` and the storages of old have others inside.
        config = {key: of_class(value) for key, value in config.items()}
        config = of_class(config) if "config_yaml" in config else config
    return {**data, "config_yaml": json.loads(json.dumps(config, default=str))}


def comparable(name, value, directory):
    if name == "get_ref":
        return {key: of_class(each) for key, each in json.loads(value).items()}
    if name == "get_auto_materialize_settings":
        value = {key: of_automation(key, each) for key, each in value.items()}
    if name.startswith("auto_materialize_"):
        return of_automation(name.removeprefix("auto_materialize_"), value)
    if name in DEFAULTS:
        return {**DEFAULTS[name], **value}
    if name in DIRECTORIES and isinstance(value, str):
        return os.path.normpath(os.path.join(directory, value))
    if isinstance(value, dict):
        return {key: comparable(key, each, directory) for key, each in value.items()}
    return value


def short(answer):
    if answer is None:
        return "nothing"
    shown = f"error: {answer['error']}" if "error" in answer else text(answer["ok"])
    return shown if len(shown) <= SHORT else shown[:SHORT] + "…"


def differences(theirs, ours, directory):
    """(what, how) for each difference. What differs is `verdict` or the name of a member, with `by reference:` before
    it if it is about the instance that we open from Dagster's reference."""
    yield from of_members(theirs, ours, directory)
    if "by_reference" in ours:
        for what, how in of_members(theirs, ours["by_reference"], directory):
            yield f"by reference: {what}", how


def of_members(theirs, ours, directory):
    if theirs["accepted"] != ours["accepted"]:
        verdicts = [
            "accepted" if answer["accepted"] else f"refused: {answer['error'].replace(chr(10), ' | ')}"
            for answer in (theirs, ours)
        ]
        yield "verdict", f"Dagster {verdicts[0]}\n    here    {verdicts[1]}"
    if not (theirs["accepted"] and ours["accepted"]):
        return
    for name in sorted(theirs["members"].keys() | ours["members"].keys()):
        one, two = theirs["members"].get(name), ours["members"].get(name)
        if one and two and ("error" in one and "error" in two or text(one) == text(two)):
            continue
        values = [comparable(name, answer["ok"], directory) if answer and "ok" in answer else None for answer in (one, two)]
        is_same = one and two and "ok" in one and "ok" in two and text(values[0]) == text(values[1])
        if not is_same:
            yield name, f"Dagster {short(one)}\n    here    {short(two)}"
