"""Which trials a spec means, what their keys depend on, and what is refused."""

from typing import Any

import pytest

from refit_assets.errors import SpecError
from refit_assets.training.plan import PlanInputs, choose, plan_trials, search_of
from refit_assets.training.trial import TrialPlan
from refit_assets_tests.specs import build_spec

INPUTS = PlanInputs(training_set_digest="abc")


def test_a_grid_is_every_combination_in_the_order_of_the_yaml() -> None:
    plans = _plans({"algorithm": "gbm", "grid": {"max_depth": [3, 5], "learn_rate": [0.1, 0.2]}})
    found = [(plan.parameters["max_depth"], plan.parameters["learn_rate"]) for plan in plans]
    assert found == [(3, 0.1), (3, 0.2), (5, 0.1), (5, 0.2)]


def test_the_same_trial_asked_for_twice_is_planned_once() -> None:
    search = {"algorithm": "drf", "parameters": {"ntrees": 7}}
    assert len(_plans(search, search)) == 1


def test_a_random_search_draws_different_combinations_and_the_same_ones_again() -> None:
    space = {"max_depth": list(range(20)), "min_rows": [1, 2, 3]}
    search = {"algorithm": "gbm", "random": {"models": 12, "space": space}}
    plans = _plans(search)
    assert len({plan.key for plan in plans}) == 12
    assert plans == _plans(search)
    assert plans != _plans(search, seed=8)


def test_a_random_search_of_a_small_space_ends_with_all_of_it() -> None:
    search = {"algorithm": "gbm", "random": {"models": 50, "space": {"max_depth": [1, 2, 3]}}}
    assert sorted(plan.parameters["max_depth"] for plan in _plans(search)) == [1, 2, 3]


@pytest.mark.parametrize(
    "changed",
    [
        {"parameters": {"ntrees": 6}},
        {"training_set_digest": "abd"},
        {"seed": 8},
        {"threshold": 0.2},
        {"validation": None, "folds": 3},
        {"algorithm": "drf"},
    ],
)
def test_the_key_changes_with_what_decides_the_bytes(changed: dict[str, Any]) -> None:
    assert _key(**changed) != _key()


@pytest.mark.parametrize("changed", [{"max_parallel": 1}, {"choose_by": "auc"}, {"nodes": 3}])
def test_the_key_of_a_gbm_does_not_change_with_anything_else(changed: dict[str, Any]) -> None:
    assert _key(**changed) == _key()


@pytest.mark.parametrize("algorithm", ["glm", "xgboost", "deep_learning"])
def test_the_number_of_nodes_is_part_of_the_key_where_arithmetic_depends_on_it(
    algorithm: str,
) -> None:
    parameters: dict[str, Any] = {}
    one = _key(algorithm=algorithm, parameters=parameters, nodes=1)
    assert one != _key(algorithm=algorithm, parameters=parameters, nodes=2)


def test_an_ensemble_stacks_the_trials_of_its_algorithms_wherever_it_stands() -> None:
    ensemble = {"algorithm": "stacked_ensemble", "base": ["gbm", "glm"]}
    gbm, drf, glm, stacked = _plans(
        ensemble, {"algorithm": "gbm"}, {"algorithm": "drf"}, {"algorithm": "glm"}
    )
    assert stacked.base == (gbm.key, glm.key)
    assert drf.key not in stacked.base


def test_an_ensemble_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="finds no trial of drf to stack"):
        _plans({"algorithm": "gbm"}, {"algorithm": "stacked_ensemble", "base": ["drf"]})


@pytest.mark.parametrize("models", [1, 2, 3, 5, 8, 14])
def test_automl_plans_as_many_models_as_it_was_asked_for(models: int) -> None:
    plans = _plans({"algorithm": "automl", "models": models})
    assert len(plans) == models
    assert (plans[-1].algorithm == "stacked_ensemble") == (models > 2)


def test_automl_takes_no_parameters() -> None:
    with pytest.raises(SpecError, match="it takes models and nothing else"):
        _plans({"algorithm": "automl", "models": 3, "parameters": {"ntrees": 5}})


def test_a_smaller_automl_is_the_beginning_of_a_larger_one() -> None:
    small = _plans({"algorithm": "automl", "models": 2})
    large = _plans({"algorithm": "automl", "models": 9})
    assert large[:2] == small


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"seed": 4}, "write trials.seed"),
        ({"nfolds": 5}, "write trials.folds"),
        ({"weights_column": "w"}, "names a column"),
        ({"max_runtime_secs": 60}, "stops by the clock"),
        ({"stopping_rounds": 3}, "needs score_tree_interval"),
        ({"stopping_rounds": 3, "score_tree_interval": 5}, "not its default"),
        (
            {"stopping_rounds": 3, "score_tree_interval": 5, "stopping_metric": "AUC"},
            "computes exactly",
        ),
    ],
)
def test_what_would_not_reproduce_is_refused(parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        _plans({"algorithm": "gbm", "parameters": parameters})


def test_early_stopping_at_fixed_trees_by_an_exact_metric_is_allowed() -> None:
    parameters = {"stopping_rounds": 3, "score_tree_interval": 5, "stopping_metric": "logloss"}
    (plan,) = _plans({"algorithm": "gbm", "parameters": parameters})
    assert plan.parameters["stopping_rounds"] == 3
    # Its sums depend on the nodes in their last bits, and so may the number of trees.
    assert plan.nodes == 1


def test_a_model_that_cannot_score_missing_values_is_refused() -> None:
    with pytest.raises(SpecError, match="can't score"):
        _plans({"algorithm": "glm", "parameters": {"missing_values_handling": "Skip"}})


def test_deep_learning_is_planned_reproducible_or_not_at_all() -> None:
    (plan,) = _plans({"algorithm": "deep_learning"})
    assert plan.parameters["reproducible"] is True
    assert plan.parameters["overwrite_with_best_model"] is False
    with pytest.raises(SpecError, match="no two fits agree"):
        _plans({"algorithm": "deep_learning", "parameters": {"reproducible": False}})


@pytest.mark.parametrize("trials", [{}, {"validation": None, "folds": 3}])
def test_a_trial_is_written_as_the_search_that_plans_it_alone(trials: dict[str, Any]) -> None:
    plans = _plans(
        {"algorithm": "gbm", "parameters": {"ntrees": 9}, "grid": {"max_depth": [3, 5]}},
        {"algorithm": "glm"},
        {"algorithm": "deep_learning", "parameters": {"hidden": [4]}},
        {"algorithm": "automl", "models": 5},
        {"algorithm": "stacked_ensemble", "base": ["gbm", "glm"]},
        **trials,
    )
    assert {plan.algorithm for plan in plans} > {"gbm", "glm", "deep_learning", "stacked_ensemble"}
    for plan in plans:
        *stacked, alone = _plans(*search_of(plan, plans), **trials)
        assert alone.key == plan.key
        assert tuple(one.key for one in stacked) == plan.base


def test_the_name_of_a_model_follows_from_its_key() -> None:
    (plan,) = _plans({"algorithm": "gbm"})
    assert plan.model_id == f"gbm_{plan.key}"


def _plans(*search: dict[str, Any], **trials: Any) -> tuple[TrialPlan, ...]:  # noqa: ANN401
    content = {"choose_by": "log_loss", "validation": 1, "search": search, **trials}
    return plan_trials(build_spec(trials=content), INPUTS)


def _key(
    *,
    algorithm: str = "gbm",
    parameters: dict[str, Any] | None = None,
    training_set_digest: str = "abc",
    nodes: int = 1,
    **trials: Any,  # noqa: ANN401
) -> str:
    chosen = {"ntrees": 5} if parameters is None else parameters
    search = [{"algorithm": algorithm, "parameters": chosen}]
    content = {"choose_by": "log_loss", "validation": 1, "search": search, **trials}
    inputs = PlanInputs(training_set_digest=training_set_digest, nodes=nodes)
    return plan_trials(build_spec(trials=content), inputs)[0].key


def test_what_a_search_chose_takes_its_place_and_the_rest_of_the_spec_stays() -> None:
    content = {
        "choose_by": "log_loss",
        "validation": 1,
        "search": [
            {"algorithm": "gbm", "grid": {"max_depth": [3, 5]}},
            {"algorithm": "glm"},
            {"algorithm": "stacked_ensemble", "base": ["glm"]},
        ],
    }
    spec = build_spec(trials=content)
    plans = plan_trials(spec, INPUTS)
    for plan, keys in ((plans[1], [plans[1].key]), (plans[3], [plans[2].key, plans[3].key])):
        others = [one for one in plans if one is not plan]
        chosen = choose(spec, [plan, *others])
        assert [one.key for one in plan_trials(chosen, INPUTS)] == keys
        again = chosen.trials.model_copy(update={"search": spec.trials.search})
        assert chosen.model_copy(update={"trials": again}) == spec
