"""The code location, resolved once: that takes as long as many tests."""

from functools import cache

import dagster as dg

from refit_assets.definitions import defs


@cache
def repository() -> dg.RepositoryDefinition:
    found = defs().get_repository_def()
    found.get_all_jobs()  # what a code server resolves when it loads
    return found
