"""Where the home is, and which variables Dagster reads beside the file."""

from configurations.case import BASE, Case

TELEMETRY = "telemetry:\n  enabled: false\n"


def cases():
    for name, home in {
        "unset": None,
        "empty": "",
        "space": " ",
        "relative": "home",
        "dot": ".",
        "dot_in_path": BASE + "/./home",
        "parent_in_path": BASE + "/home/../home",
        "slash_at_end": BASE + "/home/",
        "tilde": "~",
        "tilde_below": "~/inner",
        "tilde_of_user": "~nobody-of-this-name/x",
        "tilde_inside": BASE + "/~",
        "variable_inside": "$HOME",
        "absent": BASE + "/absent",
        "file": BASE + "/home/dagster.yaml",
        "newline": BASE + "/home\n",
        "root_of_links": BASE + "/link",
        "link_to_nothing": BASE + "/dangling",
        "uri": "file://" + BASE + "/home",
    }.items():
        files = {
            "user/dagster.yaml": TELEMETRY,
            "user/inner/dagster.yaml": "nux:\n  enabled: false\n",
            "~/dagster.yaml": TELEMETRY,
            "work/home/dagster.yaml": TELEMETRY,
            "work/dagster.yaml": TELEMETRY,
            "link": "->home",
            "dangling": "->nowhere",
        }
        yield Case(f"home/{name}", TELEMETRY, home=home, files=files)
    for name in ("with [brackets]", "with*star", "with?mark", "with space", "wïth-äccent", "with[!x]"):
        yield Case(f"home/{name}", None, home=f"{BASE}/{name}", files={f"{name}/dagster.yaml": TELEMETRY})
    for name, env in {
        "run_records_limit": {"DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT": "50"},
        "run_records_limit_spaces": {"DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT": " 5_0\n"},
        "run_records_limit_text": {"DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT": "many"},
        "run_records_limit_empty": {"DAGSTER_DEFAULT_GRAPHQL_RUN_RECORDS_LIMIT": ""},
        "killswitch_1": {"DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH": "1"},
        "killswitch_true": {"DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH": "TRUE"},
        "killswitch_yes": {"DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH": "yes"},
        "killswitch_empty": {"DAGSTER_LEGACY_FRESHNESS_POLICY_KILLSWITCH": ""},
        "telemetry_variable": {"DAGSTER_DISABLE_TELEMETRY": "no"},
        "freshness_variable": {"DAGSTER_ASSET_FRESHNESS_ENABLED": "false"},
        "batch_size": {"DAGSTER_EVENT_BATCH_SIZE": "50"},
        "batch_size_text": {"DAGSTER_EVENT_BATCH_SIZE": "many"},
    }.items():
        yield Case(f"environment/{name}", "", env)
    both = TELEMETRY + "run_monitoring:\n  enabled: true\n  start_timeout_seconds: 7\n"
    for name, overrides in {
        "section_of_file": {"telemetry": {"enabled": True}},
        "part_of_section": {"run_monitoring": {"enabled": False}},
        "other_section": {"nux": {"enabled": False}},
        "wrong": {"nux": {"enabled": "no"}},
        "unknown": {"nix": {"enabled": False}},
        "null": {"telemetry": None},
        "of_storage": {"storage": {"sqlite": {"base_dir": "of-overrides"}}},
        "of_storage_env": {"storage": {"sqlite": {"base_dir": {"env": "DIRECTORY"}}}},
        "of_queue": {"run_queue": {"max_concurrent_runs": 3, "tag_concurrency_limits": [{"key": "a", "limit": 1}]}},
        "excluded": {"run_queue": {}, "run_coordinator": {"module": "dagster", "class": "QueuedRunCoordinator"}},
        "file_is_wrong": {"telemetry": {"enabled": True}, "run_monitoring": {}},
    }.items():
        text = both.replace("false", "maybe") if name == "file_is_wrong" else both
        yield Case(f"overrides/{name}", text, {"DIRECTORY": BASE + "/of-variable"}, overrides=overrides)
    yield Case("filename/other", TELEMETRY, files={"home/other.yaml": "nux:\n  enabled: false\n"}, filename="other.yaml")
    yield Case("filename/absent", TELEMETRY, filename="other.yaml")
    dir_of_env = "storage:\n  sqlite:\n    base_dir:\n      env: DAGSTER_HOME\n"
    yield Case("environment/home_as_directory", dir_of_env)
    yield Case("environment/home_as_directory_tilde", None, home="~", files={"user/dagster.yaml": dir_of_env})
