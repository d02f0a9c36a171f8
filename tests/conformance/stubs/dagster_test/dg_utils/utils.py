"""What the configuration of Dagster's tests asks for before they begin."""


def scrub_tox_uv_project_environment():
    """Nothing: there is no environment of tox around these tests."""
