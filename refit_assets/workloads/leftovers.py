"""Leftovers: workloads whose run has ended, found by their label and removed.

The last of three nets, for what a killed run pod could not delete and whose time-to-live is long.
Knows labels and kinds; which runs have ended is asked of whoever knows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from refit_assets.workloads.h2o_cluster import KINDS as CLUSTER_KINDS
from refit_assets.workloads.kube import RUN_LABEL, Api

# What each workload is found by, and the kinds that share its name. Pods go with what owns them.
PARTS = {
    "SparkApplication": ("SparkApplication",),
    "StatefulSet": CLUSTER_KINDS,
    "Job": ("Job",),
}


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A workload that nobody waits for any more."""

    kind: str
    name: str
    run_id: str


def find_leftovers(api: Api, has_ended: Callable[[str], bool]) -> tuple[Leftover, ...]:
    """Find the workloads of ended runs; what carries no run's label is not ours."""
    return tuple(one for one in _workloads(api) if has_ended(one.run_id))


def remove_leftover(api: Api, leftover: Leftover) -> None:
    """Delete all that a workload consists of; the next look shows whether it is gone."""
    for kind in PARTS[leftover.kind]:
        api.delete(kind, leftover.name)


def _workloads(api: Api) -> Iterator[Leftover]:
    for kind in PARTS:
        for found in api.find(kind, {}):
            metadata = found["metadata"]
            run_id = metadata.get("labels", {}).get(RUN_LABEL)
            if run_id and metadata.get("deletionTimestamp") is None:
                yield Leftover(kind=kind, name=metadata["name"], run_id=run_id)
