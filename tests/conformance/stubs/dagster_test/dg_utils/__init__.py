"""See `dagster_test`."""
