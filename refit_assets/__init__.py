"""Refit a production model as one reproducible pipeline of Dagster assets."""
