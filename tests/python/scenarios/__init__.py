"""The same runs and events through real Dagster and through this implementation, and both databases compared."""
