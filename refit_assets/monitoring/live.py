"""The live metric: what the model that served was worth, once its rows have labels.

Pure. Joining predictions with labels is the asset's; the interval is the evaluation's bootstrap.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from refit_assets.evaluation.bootstrap import bootstrap, derive_seed
from refit_assets.evaluation.records import Interval
from refit_assets.evaluation.wording import format_number, metric_name
from refit_assets.spec import Metric, Monitoring
from refit_assets.training.metrics import measure

FEWEST_ROWS = 100
"""Below it no metric is taken: a day of few labels says more about the few than about the model."""


@dataclass(frozen=True, kw_only=True)
class LiveMetric:
    """A metric over the labelled rows of a stretch of days."""

    model: str
    version: str
    """Of the model that made the predictions."""
    metric: Metric
    first: date
    last: date
    rows: int
    """Predicted rows."""
    labelled_rows: int
    value: float | None
    """None where there are too few labels, or the metric is undefined on them."""
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class LiveVerdict:
    """Whether the live metric is within its limits."""

    held: bool
    sentence: str


def measure_live(
    labels: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    model: str,
    version: str,
    metric: Metric,
    first: date,
    last: date,
    classification: bool,
) -> LiveMetric:
    """Measure the predictions of some days; a label of NaN is not there yet."""
    known = ~np.isnan(labels)
    value, interval = None, None
    if known.sum() >= FEWEST_ROWS:
        found = measure(labels[known], scores[known], classification=classification)[metric]
        value = None if np.isnan(found) else found
    if value is not None:
        seed = derive_seed(model, version, first.isoformat(), last.isoformat())
        interval = bootstrap(labels[known], scores[known], [metric], seed=seed)[metric]
    return LiveMetric(
        model=model,
        version=version,
        metric=metric,
        first=first,
        last=last,
        rows=len(labels),
        labelled_rows=int(known.sum()),
        value=value,
        interval=interval,
    )


def judge_live(limits: Monitoring, live: LiveMetric) -> LiveVerdict:
    """Judge a live metric: it breaches only if its whole interval is beyond the limit.

    Too few labels are no breach: there is nothing yet to act on, and the sentence says so.
    """
    name = metric_name(live.metric)
    if live.value is None or live.interval is None:
        sentence = (
            f"{name} is not known yet: {live.labelled_rows:,} of {live.rows:,} rows have labels."
        )
        return LiveVerdict(held=True, sentence=sentence)
    low, high = live.interval.low, live.interval.high
    below = limits.live_floor is not None and high < limits.live_floor
    above = limits.live_ceiling is not None and low > limits.live_ceiling
    sentence = (
        f"{name} of {live.version} from {live.first} to {live.last} is {format_number(live.value)} "
        f"({live.interval.confidence:.0%} interval {format_number(low)} to {format_number(high)}, "
        f"{live.labelled_rows:,} labelled rows){_limits(limits)}."
    )
    return LiveVerdict(held=not (below or above), sentence=sentence)


def _limits(limits: Monitoring) -> str:
    asked: list[str] = []
    if limits.live_floor is not None:
        asked.append(f"at least {limits.live_floor:g}")
    if limits.live_ceiling is not None:
        asked.append(f"at most {limits.live_ceiling:g}")
    return f"; the spec asks for {' and '.join(asked)}" if asked else ""
