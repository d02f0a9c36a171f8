"""Homes that real Dagster and our implementation load, and the comparison of what both make of them."""
