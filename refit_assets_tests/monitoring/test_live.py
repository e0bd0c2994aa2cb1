"""The live metric on real flights, as labels come in."""

from datetime import date

import numpy as np

from refit_assets.monitoring.live import LiveMetric, judge_live, measure_live
from refit_assets.spec import Monitoring
from refit_assets_tests.evaluation.flights import flights_spec, holdout, predictions

LABELS = holdout(flights_spec()).labels
SCORES = predictions().columns["p:late"]


def measured(labels: np.ndarray) -> LiveMetric:
    return measure_live(
        labels,
        SCORES,
        model="late",
        version="1.0.20130408",
        metric="auc",
        first=date(2013, 4, 10),
        last=date(2013, 4, 12),
        classification=True,
    )


def test_rows_without_label_are_counted_and_left_out() -> None:
    labels = LABELS.copy()
    labels[:100] = np.nan
    live = measured(labels)
    assert (live.rows, live.labelled_rows) == (540, 440)
    assert live.interval is not None
    assert live.value is not None
    assert live.interval.low < live.value < live.interval.high


def test_too_few_labels_are_no_breach_and_say_so() -> None:
    labels = np.full(len(LABELS), np.nan)
    labels[:99] = LABELS[:99]
    verdict = judge_live(Monitoring(live_metric="auc", live_floor=0.99), measured(labels))
    assert verdict.held
    assert "99 of 540 rows have labels" in verdict.sentence
    assert measured(np.zeros(len(LABELS))).value is None


def test_only_a_whole_interval_beyond_the_limit_is_a_breach() -> None:
    live = measured(LABELS)
    assert live.interval is not None
    low, high = live.interval.low, live.interval.high
    held = {
        "floor inside": Monitoring(live_floor=(low + high) / 2),
        "ceiling inside": Monitoring(live_ceiling=(low + high) / 2),
        "no limit": Monitoring(),
    }
    assert all(judge_live(limits, live).held for limits in held.values())
    assert not judge_live(Monitoring(live_floor=high + 0.01), live).held
    breach = judge_live(Monitoring(live_ceiling=low - 0.01, live_floor=0.1), live)
    assert not breach.held
    assert "at least 0.1 and at most" in breach.sentence
