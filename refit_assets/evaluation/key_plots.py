"""Small pictures for the UI, whose Markdown shows images but no inline SVG: PNG as data URIs.

Only what a person wants to see before opening the report; the same records give the same bytes.
"""

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from refit_assets.evaluation.records import Evaluation
from refit_assets.evaluation.wording import format_number, metric_name

Axes: TypeAlias = Any  # matplotlib's, which is imported where it draws
Figure: TypeAlias = Any

_ONE, _TWO, _SOFT = "#1f6fd0", "#d2601a", "#8a94a0"
_INCHES = (3.6, 2.7)
_DOTS = 110


def key_plots(evaluation: Evaluation) -> Mapping[str, str]:
    """Name of each plot, and its PNG as a data URI."""
    plots: dict[str, Callable[[Axes], None]] = {
        "calibration": lambda axes: _calibration(axes, evaluation)
    }
    for curve in evaluation.curves:
        if curve.name == "roc":
            plots["roc"] = lambda axes, curve=curve: _roc(axes, curve, evaluation)
    if evaluation.residuals:
        plots["errors"] = lambda axes: _errors(axes, evaluation)
    else:
        plots["scores"] = lambda axes: _scores(axes, evaluation)
    return {name: draw_png(plot) for name, plot in plots.items()}


def render_key_plots_markdown(evaluation: Evaluation) -> str:
    """Render the key plots, and the metrics above them, as Markdown for metadata in the UI."""
    lines = ["| metric | value | interval |", "|---|---|---|"]
    for one in evaluation.metrics:
        low_high = (
            "" if one.interval is None else f"{one.interval.low:.4g} to {one.interval.high:.4g}"
        )
        lines.append(f"| {metric_name(one.metric)} | {format_number(one.value)} | {low_high} |")
    images = [f"![{name}]({uri})" for name, uri in key_plots(evaluation).items()]
    return "\n".join([*lines, "", *images])


def draw_png(plot: Callable[[Axes], None]) -> str:
    """Draw a small plot, and return its PNG as a data URI."""
    # The figure without pyplot: no global state, no display, and half a second only when drawn.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    figure: Figure = MatplotlibFigure(figsize=_INCHES, dpi=_DOTS, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    plot(axes)
    content = io.BytesIO()
    # Matplotlib's version would be written into the file, and change its bytes.
    FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def _roc(axes: Axes, curve: Any, evaluation: Evaluation) -> None:  # noqa: ANN401 - a Curve
    axes.plot([0, 1], [0, 1], color=_SOFT, linestyle="--", linewidth=1)
    axes.plot(curve.x, curve.y, color=_ONE, linewidth=2)
    area = evaluation.measured("auc")
    name_axes(
        axes, f"ROC, area {format_number(area and area.value)}", "false positive rate", "true"
    )


def _calibration(axes: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.calibration
    said, came = [one.mean_score for one in bins], [one.mean_label for one in bins]
    reach = [
        [one.mean_label - one.low for one in bins],
        [one.high - one.mean_label for one in bins],
    ]
    ends = [min(*said, *came), max(*said, *came)]
    axes.plot(ends, ends, color=_SOFT, linestyle="--", linewidth=1)
    axes.errorbar(said, came, yerr=reach, color=_ONE, marker="o", markersize=4, linewidth=1)
    name_axes(axes, "Calibration", "predicted", "observed")


def _scores(axes: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.scores
    lows, width = [one.low for one in bins], bins[0].high - bins[0].low
    for counts, colour, name in (
        ([one.negatives for one in bins], _SOFT, f"not {evaluation.positive}"),
        ([one.positives for one in bins], _TWO, str(evaluation.positive)),
    ):
        total = max(sum(counts), 1)
        shares = [count / total for count in counts]
        axes.bar(lows, shares, width, align="edge", color=colour, alpha=0.65, label=name)
    axes.legend(frameon=False, fontsize=8)
    name_axes(axes, "Scores by label", "score", "share of rows")


def _errors(axes: Axes, evaluation: Evaluation) -> None:
    bins = evaluation.residuals
    counts, width = [one.negatives for one in bins], bins[0].high - bins[0].low
    axes.bar([one.low for one in bins], counts, width, align="edge", color=_ONE)
    name_axes(axes, "Errors", "prediction less truth", "rows")


def name_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Say what a small plot shows."""
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
