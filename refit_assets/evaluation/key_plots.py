"""Small pictures for the UI, whose Markdown shows images but no inline SVG: SVG as data URIs.

The charts of the report, with their style inside, because a picture inherits none.
Belongs here: which of them a person wants to see before opening the report. Does not: how they are
drawn (`plots`).
"""

import base64
from collections.abc import Mapping

from refit_assets.evaluation.plots import (
    Figure,
    calibration_figure,
    discrimination_figures,
    residual_figure,
    score_figure,
)
from refit_assets.evaluation.records import Evaluation
from refit_assets.evaluation.report import CHART_STYLE
from refit_assets.evaluation.svg import HEIGHT, WIDTH
from refit_assets.evaluation.wording import format_number, metric_name

# A background of its own: the UI may be dark where the system that the style asks is light.
_BACKGROUND = ":root{background:var(--card)}"


def key_plots(evaluation: Evaluation) -> Mapping[str, str]:
    """Heading of each plot, and its SVG as a data URI; the same records give the same bytes."""
    figures = [one for one in discrimination_figures(evaluation) if one.heading == "ROC"]
    figures.append(calibration_figure(evaluation))
    last = score_figure if evaluation.classification else residual_figure
    return {figure.heading: draw_svg(figure) for figure in [*figures, last(evaluation)]}


def render_key_plots_markdown(evaluation: Evaluation) -> str:
    """Render the key plots, and the metrics above them, as Markdown for metadata in the UI."""
    lines = ["| metric | value | interval |", "|---|---|---|"]
    for one in evaluation.metrics:
        low_high = (
            "" if one.interval is None else f"{one.interval.low:.4g} to {one.interval.high:.4g}"
        )
        lines.append(f"| {metric_name(one.metric)} | {format_number(one.value)} | {low_high} |")
    plots = key_plots(evaluation)
    images = [f"![{name}]({uri})" for name, uri in plots.items()]
    return "\n".join([*lines, "", _row([*plots]), _row(["---"] * len(plots)), _row(images)])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def draw_svg(figure: Figure) -> str:
    """Return a chart with its style inside as a data URI."""
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
    style = f"<style>{CHART_STYLE.read_text()}{_BACKGROUND}</style>"
    content = figure.svg.replace("<svg", picture, 1).replace("</title>", f"</title>{style}", 1)
    return "data:image/svg+xml;base64," + base64.b64encode(content.encode()).decode()
