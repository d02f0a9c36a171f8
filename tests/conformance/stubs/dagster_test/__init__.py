"""In place of a package that Dagster's suites import and that is not published: the functions that they need."""
