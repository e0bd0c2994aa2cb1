"""Which charts a report shows of an evaluation, a candidate and a comparison.

Belongs here: choosing scales, lines and words. Does not: drawing primitives (`svg`), the page
around the charts (`report`).
"""

from dataclasses import dataclass

from refit_assets.evaluation.records import Curve, Evaluation, HistogramBin
from refit_assets.evaluation.svg import Axis, Chart, fit_axis, from_zero
from refit_assets.evaluation.wording import METRIC_NAMES, format_number, format_share
from refit_assets.training.trial import CurvePoint


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart with the sentence below it."""

    heading: str
    svg: str
    caption: str
    legend: tuple[tuple[str, str], ...] = ()
    """Class of the colour, and what it stands for."""


def discrimination_figures(evaluation: Evaluation) -> list[Figure]:
    """ROC, precision-recall and lift; none where only one label occurs."""
    draw = {"roc": _roc, "precision_recall": _precision_recall, "lift": _lift}
    return [draw[curve.name](curve, evaluation) for curve in evaluation.curves]


def calibration_figure(evaluation: Evaluation) -> Figure:
    """What was said against what came, with intervals."""
    bins = evaluation.calibration
    number = not evaluation.classification
    ends = [value for one in bins for value in (one.mean_score, one.low, one.high)]
    axis = fit_axis("", ends) if number else from_zero("", max(ends))
    said, came = ("Predicted", "Observed mean") if number else ("Predicted probability", "Observed")
    chart = Chart(
        f"Calibration: {said.lower()} against {came.lower()} in ten bins",
        Axis(title=said, low=axis.low, high=axis.high, percent=not number),
        Axis(title=came, low=axis.low, high=axis.high, percent=not number),
    )
    chart.line([axis.low, axis.high], [axis.low, axis.high], "faint dashed")
    chart.line([one.mean_score for one in bins], [one.mean_label for one in bins], "thin one")
    for one in bins:
        chart.whisker(one.mean_score, one.low, one.high, "one")
        shown = (
            f"predicted {format_number(one.mean_score)}, observed {format_number(one.mean_label)}"
        )
        chart.dot(one.mean_score, one.mean_label, "one", f"{shown}, {one.rows:,} rows")
    error = evaluation.measured("calibration_error")
    caption = "Ten bins with equally many rows; whiskers are 95 % intervals. On the dashed line, "
    caption += "predictions come true as often as they say."
    if error is not None and error.value is not None:
        caption += f" Mean distance from it: {format_number(error.value)}."
    return Figure(heading="Calibration", svg=chart.render(), caption=caption)


def score_figure(evaluation: Evaluation) -> Figure:
    """Distribution of the scores, by label; of the predictions where a number is predicted."""
    bins = evaluation.scores
    if not evaluation.classification:
        title = f"Predicted {evaluation.target}"
        return Figure(
            heading="Predictions",
            svg=_histogram("Distribution of the predictions", title, bins),
            caption="Share of the rows; the outermost bars hold what lies beyond.",
        )
    totals = (sum(one.negatives for one in bins), sum(one.positives for one in bins))
    shares = [
        (one.negatives / max(totals[0], 1), one.positives / max(totals[1], 1)) for one in bins
    ]
    chart = Chart(
        "Distribution of the scores by label",
        Axis(title="Score", low=0, high=1, percent=True),
        from_zero("Share of rows with the label", max(max(pair) for pair in shares), percent=True),
    )
    for one, (negative, positive) in zip(bins, shares, strict=True):
        chart.bar(one.low, one.high, negative, "bar muted")
        chart.bar(one.low, one.high, positive, "bar two see-through")
    if evaluation.threshold is not None:
        chart.upright(evaluation.threshold, "", f"cut-off {evaluation.threshold:.3g}")
    return Figure(
        heading="Scores",
        svg=chart.render(),
        caption="The further apart both shapes are, the better the labels can be told apart.",
        legend=(("two", str(evaluation.positive)), ("muted", f"not {evaluation.positive}")),
    )


def residual_figure(evaluation: Evaluation) -> Figure:
    """Distribution of prediction less truth."""
    return Figure(
        heading="Errors",
        svg=_histogram("Distribution of the errors", "Prediction less truth", evaluation.residuals),
        caption="Left of zero the model says too little, right of it too much.",
    )


def learning_figure(
    points: tuple[CurvePoint, ...], metric: str | None, *, step_name: str = "Step"
) -> Figure | None:
    """How training and validation went; None where the algorithm has no such curve."""
    curves = {
        css: [(point.step, value) for point in points if (value := getattr(point, css)) is not None]
        for css in ("training", "validation")
    }
    drawn = {css: pairs for css, pairs in curves.items() if len(pairs) > 1}
    if not drawn:
        return None
    values = [value for pairs in drawn.values() for _, value in pairs]
    steps = [step for pairs in drawn.values() for step, _ in pairs]
    name = (metric or "metric").replace("_", " ")
    chart = Chart(
        f"Learning curve: {name} by {step_name.lower()}",
        from_zero(step_name, max(steps)),
        fit_axis(name, values),
    )
    colours = {"training": "muted-line", "validation": "one"}
    for css, pairs in drawn.items():
        chart.line([x for x, _ in pairs], [y for _, y in pairs], colours[css])
    return Figure(
        heading="Learning curve",
        svg=chart.render(),
        caption="H2O's own figures while it fitted; the trial was chosen by exact ones.",
        legend=tuple((colours[css], css) for css in drawn),
    )


def _roc(curve: Curve, evaluation: Evaluation) -> Figure:
    across, up = _share_axis("False positive rate"), _share_axis("True positive rate")
    chart = Chart("ROC curve", across, up)
    chart.area(curve.x, curve.y, "wash")
    chart.line([0, 1], [0, 1], "faint dashed")
    chart.line(curve.x, curve.y, "one")
    chosen = evaluation.chosen
    if chosen is not None and chosen.recall is not None:
        negatives = chosen.false_positives + chosen.true_negatives
        false_alarms = chosen.false_positives / max(negatives, 1)
        chart.dot(false_alarms, chosen.recall, "two", f"cut-off {chosen.threshold:.3g}")
    return Figure(
        heading="ROC",
        svg=chart.render(),
        caption=f"Area {_value(evaluation, 'auc')}. The dashed line is a coin; "
        "the dot is the jar's cut-off.",
    )


def _precision_recall(curve: Curve, evaluation: Evaluation) -> Figure:
    chart = Chart("Precision-recall curve", _share_axis("Recall"), _share_axis("Precision"))
    base = evaluation.mean_label
    chart.area(curve.x, curve.y, "wash")
    chart.line([0, 1], [base, base], "faint dashed")
    chart.line(curve.x, curve.y, "one")
    chosen = evaluation.chosen
    if chosen is not None and chosen.precision is not None and chosen.recall is not None:
        chart.dot(chosen.recall, chosen.precision, "two", f"cut-off {chosen.threshold:.3g}")
    return Figure(
        heading="Precision and recall",
        svg=chart.render(),
        caption=f"Area {_value(evaluation, 'pr_auc')}. The dashed line is the share of positives, "
        f"{format_share(base)}.",
    )


def _lift(curve: Curve, evaluation: Evaluation) -> Figure:
    chart = Chart(
        "Lift by share of rows flagged",
        _share_axis("Share of rows flagged, highest scores first"),
        from_zero("Times the average", max(curve.y)),
    )
    chart.line([0, 1], [1, 1], "faint dashed")
    chart.line(curve.x, curve.y, "one")
    tenth = next((y for x, y in zip(curve.x, curve.y, strict=True) if x >= 0.1), None)  # noqa: PLR2004
    said = "" if tenth is None else f"Among the tenth scored highest, {tenth:.2f} times as many "
    caption = f"{said}are {evaluation.positive} as on average." if said else "Against the average."
    return Figure(heading="Lift", svg=chart.render(), caption=caption)


def _histogram(name: str, title: str, bins: tuple[HistogramBin, ...]) -> str:
    total = sum(one.negatives for one in bins)
    chart = Chart(
        name,
        Axis(title=title, low=bins[0].low, high=bins[-1].high),
        from_zero("Share of rows", max(one.negatives for one in bins) / total, percent=True),
    )
    for one in bins:
        chart.bar(one.low, one.high, one.negatives / total, "bar one")
    if bins[0].low < 0 < bins[-1].high:
        chart.upright(0, "", "0")
    return chart.render()


def _share_axis(title: str) -> Axis:
    return Axis(title=title, low=0, high=1, percent=True)


def _value(evaluation: Evaluation, metric: str) -> str:
    found = next((one for one in evaluation.metrics if one.metric == metric), None)
    return METRIC_NAMES["auc"] if found is None else format_number(found.value)
