"""Metrics beside scikit-learn's, those of trials and those of an evaluation.

In one module, since importing scikit-learn takes longer than all the tests of most.
"""

import numpy as np
import pytest

from refit_assets.training.metrics import measure
from refit_assets_tests.evaluation.flights import evaluated, flights_spec, holdout, predictions


@pytest.mark.parametrize("decimals", [1, 3, 17])
def test_metrics_of_trials_are_scikit_learns_with_many_ties_and_with_none(decimals: int) -> None:
    from sklearn import metrics as sk

    random = np.random.default_rng(11)
    labels = (random.random(3000) < 0.2).astype(float)
    scores = np.round(np.clip(random.random(3000) * 0.7 + labels * 0.3, 0, 1), decimals)
    found = measure(labels, scores, classification=True)
    false_positives, true_positives, _ = sk.roc_curve(labels, scores)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), rel=1e-14)
    assert found["pr_auc"] == pytest.approx(sk.average_precision_score(labels, scores), rel=1e-14)
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, scores), rel=1e-14)
    assert found["ks"] == pytest.approx(np.max(true_positives - false_positives), rel=1e-14)


def test_metrics_of_an_evaluation_are_scikit_learns_and_lie_in_their_intervals() -> None:
    from sklearn import metrics as sk

    found = evaluated(flights_spec())
    labels, scores = holdout(flights_spec()).labels, predictions().columns["p:late"]
    values = {one.metric: one.value for one in found.metrics}
    assert values["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), rel=1e-14)
    assert values["log_loss"] == pytest.approx(sk.log_loss(labels, scores), rel=1e-14)
    assert found.metrics[0].metric == "log_loss"
    for one in found.metrics:
        assert one.interval is not None
        assert one.interval.low < one.interval.high
    assert found.parity is not None
    assert found.parity.proven
