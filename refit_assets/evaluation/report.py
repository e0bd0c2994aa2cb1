"""Reports as one HTML file each: an evaluation, and a challenger against the champion.

No scripts, no network: style and charts are in the file, and the same records give the same bytes.
Belongs here: what a page says and in which order. Does not: charts (`plots`, `svg`), arithmetic.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from refit_assets.evaluation.plots import (
    Figure,
    calibration_figure,
    discrimination_figures,
    learning_figure,
    residual_figure,
    score_figure,
)
from refit_assets.evaluation.records import Comparison, Evaluation, Interval, Measured, Slice
from refit_assets.evaluation.svg import render_interval
from refit_assets.evaluation.verdict import GateResult, Verdict
from refit_assets.evaluation.wording import (
    METRIC_MEANINGS,
    direction,
    format_number,
    format_share,
    metric_name,
)
from refit_assets.features.training_set import TrainingSet
from refit_assets.features.window import RefitWindow
from refit_assets.spec import HIGHER_IS_BETTER, Metric
from refit_assets.training.trial import Candidate

MOST_FEATURES = 20
_TEMPLATES = Path(__file__).parent / "templates"
CHART_STYLE = _TEMPLATES / "chart.css"
"""Colours and lines of all charts, light and dark."""


def render_evaluation_report(
    evaluation: Evaluation,
    *,
    candidate: Candidate | None = None,
    training_set: TrainingSet | None = None,
    gates: Sequence[GateResult] = (),
    description: str = "",
) -> str:
    """Render what a model is worth, as a page.

    `candidate` adds importance, learning curve and how the model was fitted; `training_set` adds
    the windows; `gates` (of `judge_evaluation`) adds what the spec asks for.
    """
    return render_page(
        "evaluation.html.jinja",
        evaluation=evaluation,
        candidate=candidate,
        description=description,
        gates=gates,
        failed=[gate for gate in gates if not gate.held],
        facts=_facts(evaluation, candidate, training_set),
        metrics=[_metric_row(one) for one in evaluation.metrics],
        figures=discrimination_figures(evaluation),
        pairs=_pairs(evaluation),
        slices=_slice_groups(evaluation),
        importance=_importance(candidate),
        learning=candidate and learning_figure(candidate.learning_curve, candidate.curve_metric),
    )


def render_release_report(
    evaluation: Evaluation,
    comparison: Comparison | None,
    verdict: Verdict,
    *,
    description: str = "",
) -> str:
    """Render a challenger against the champion, gate by gate, as a page.

    Without a comparison (first release, or a champion that could not score the holdout) the page
    says so, and shows the gates.
    """
    return render_page(
        "release.html.jinja",
        evaluation=evaluation,
        comparison=comparison,
        verdict=verdict,
        description=description,
        facts=_facts(evaluation, None, None),
        compared=_compared_rows(comparison),
        bands=_band_rows(comparison),
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=format_number, share=format_share, metric=metric_name)
    sheets = [CHART_STYLE.read_text(), (_TEMPLATES / "style.css").read_text()]
    known: dict[str, Any] = {"style": Markup("".join(sheets))}  # noqa: S704 - our own files
    environment.globals.update(known)
    return environment


def render_page(template: str, **context: Any) -> str:  # noqa: ANN401 - whatever the template reads
    """Render one of the templates as a page that needs no other file."""
    return _environment().get_template(template).render(**context)


def _facts(
    evaluation: Evaluation, candidate: Candidate | None, training_set: TrainingSet | None
) -> list[tuple[str, str]]:
    facts = [("Refit", evaluation.refit), ("Version of the jar", evaluation.version)]
    if training_set is not None:
        facts += _window_facts(training_set.window)
        if training_set.search is not None:
            facts.append(("Settings searched for", f"refit {training_set.search.refit}"))
    left_out = f" ({evaluation.unlabelled_rows:,} without a label left out)"
    rows = f"{evaluation.rows:,}{left_out if evaluation.unlabelled_rows else ''}"
    facts.append(("Rows of the holdout", rows))
    if candidate is not None:
        facts += [
            ("Trial", f"{candidate.algorithm} {candidate.trial_key}"),
            ("Parameters", ", ".join(f"{k}={v}" for k, v in sorted(candidate.parameters.items()))),
            ("H2O", candidate.h2o_version),
        ]
    if evaluation.threshold is not None:
        facts.append(("Decision cut-off", f"{evaluation.threshold:.6g}"))
    return [
        *facts,
        ("Training set", evaluation.training_set_digest),
        ("MOJO (SHA-256)", evaluation.mojo_sha256),
    ]


def _window_facts(window: RefitWindow) -> list[tuple[str, str]]:
    parts = [("Fitted on", window.train_days), ("Validated on", window.validation_days)]
    parts.append(("Evaluated on", window.holdout_days))
    return [(name, f"{days[0]} to {days[-1]}") for name, days in parts if days]


def _metric_row(measured: Measured) -> dict[str, str]:
    return {
        "name": metric_name(measured.metric),
        "value": format_number(measured.value),
        "interval": _interval(measured.interval),
        "direction": direction(measured.metric),
        "meaning": METRIC_MEANINGS[measured.metric],
    }


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "–"  # noqa: RUF001
    return f"{format_number(interval.low)} to {format_number(interval.high)}"


def _pairs(evaluation: Evaluation) -> list[Figure]:
    figures = [calibration_figure(evaluation), score_figure(evaluation)]
    return figures if evaluation.classification else [*figures, residual_figure(evaluation)]


def _slice_groups(evaluation: Evaluation) -> list[dict[str, Any]]:
    """A table for each column and metric, its rows on one common scale."""
    groups: list[dict[str, Any]] = []
    for column, found in groupby(evaluation.slices, key=lambda one: one.column):
        slices = list(found)
        metrics: dict[Metric, None] = {one.metric: None for each in slices for one in each.metrics}
        for metric in metrics:
            overall = evaluation.measured(metric)
            pairs = [(each, each.measured(metric)) for each in slices]
            scale = _scale([overall, *(measured for _, measured in pairs)])
            rows = [_slice_row(each, measured, scale) for each, measured in pairs]
            name = metric_name(metric)
            groups.append({"column": column, "metric": name, "rows": rows, "overall": overall})
    return groups


def _slice_row(one: Slice, measured: Measured | None, scale: tuple[float, float]) -> dict[str, Any]:
    value = None if measured is None else measured.value
    interval = None if measured is None else measured.interval
    graph = ""
    if value is not None:
        low, high = (interval.low, interval.high) if interval else (value, value)
        graph = render_interval(low, value, high, scale=scale)
    return {
        "level": one.level,
        "rows": one.rows,
        "mean_label": one.mean_label,
        "mean_score": one.mean_score,
        "value": format_number(value),
        "interval": _interval(interval),
        "graph": graph,
        "judged": measured is not None,
    }


def _scale(found: Iterable[Measured | None]) -> tuple[float, float]:
    values: list[float] = []
    for one in found:
        if one is not None and one.value is not None:
            values.append(one.value)
            values += [] if one.interval is None else [one.interval.low, one.interval.high]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _importance(candidate: Candidate | None) -> list[tuple[str, float, float]]:
    """Name, share, and width in percent of the longest bar."""
    if candidate is None or not candidate.importance:
        return []
    longest = max(share for _, share in candidate.importance) or 1.0
    shown = candidate.importance[:MOST_FEATURES]
    return [(name, share, 100 * share / longest) for name, share in shown]


def _compared_rows(comparison: Comparison | None) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for one in comparison.metrics if comparison else ():
        better, change = "–", "–"  # noqa: RUF001
        if one.challenger is not None and one.champion is not None:
            gain = one.challenger - one.champion
            ahead = (gain > 0) == (one.metric in HIGHER_IS_BETTER)
            better = "as good" if gain == 0 else "challenger" if ahead else "champion"
            change = f"{'+' if gain > 0 else '−' if gain < 0 else ''}{format_number(abs(gain))}"  # noqa: RUF001
        rows.append(
            {
                "name": metric_name(one.metric),
                "challenger": format_number(one.challenger),
                "champion": format_number(one.champion),
                "change": change,
                "better": better,
            }
        )
    return rows


def _band_rows(comparison: Comparison | None) -> list[tuple[str, list[tuple[int, float]]]]:
    """Name of each band of the champion, and rows with their share for each of the challenger."""
    if comparison is None:
        return []
    edges = [format_number(edge, 3) for edge in comparison.bands.edges]
    names = [f"below {edges[0]}", *(f"{a} to {b}" for a, b in pairwise(edges))] if edges else []
    names.append(f"{edges[-1]} or more" if edges else "all")
    return [
        (name, [(count, count / max(sum(row), 1)) for count in row])
        for name, row in zip(names, comparison.bands.rows, strict=True)
    ]
