"""How a fit is spread over clusters and nodes."""

from typing import Any

import pytest

from refit_assets.resources.cluster_h2o import Passes, plan_passes
from refit_assets_tests.training.flights import build_spec

TREES = [{"algorithm": "gbm"}, {"algorithm": "drf"}]
LINES = [{"algorithm": "glm"}]


@pytest.mark.parametrize(
    ("size", "search", "clusters", "trees_only", "last_nodes"),
    [
        ({}, TREES + LINES, 0, False, 1),
        ({"nodes": 2}, TREES, 0, False, 2),
        ({"nodes": 2}, LINES, 0, False, 2),
        ({"nodes": 2}, TREES + LINES, 1, True, 1),
        ({"nodes": 2, "clusters": 3}, TREES + LINES, 3, True, 1),
        ({"nodes": 2, "clusters": 3}, TREES, 3, False, 2),
        ({"clusters": 3}, TREES + LINES, 3, False, 1),
    ],
)
def test_trees_are_spread_and_what_depends_on_the_nodes_is_not(
    size: dict[str, int],
    search: list[dict[str, Any]],
    clusters: int,
    trees_only: bool,  # noqa: FBT001
    last_nodes: int,
) -> None:
    spec = build_spec(
        trials={"choose_by": "log_loss", "validation": 1, "search": search},
        compute={"kubernetes": {"h2o": size}},
    )
    assert plan_passes(spec) == Passes(
        clusters=clusters,
        nodes=size.get("nodes", 1),
        trees_only=trees_only,
        last_nodes=last_nodes,
    )
