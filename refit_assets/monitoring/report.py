"""A watched day as one HTML page, and as pictures for the UI.

Belongs here: which charts, in which words. Does not: drawing (`evaluation.svg`), the page's style
(`evaluation.report`), what is beyond its limits (`drift`, `live`).
"""

from collections.abc import Sequence
from typing import Any

from refit_assets.evaluation.key_plots import draw_svg
from refit_assets.evaluation.plots import Figure
from refit_assets.evaluation.report import render_page
from refit_assets.evaluation.svg import Axis, Chart, fit_axis, from_zero
from refit_assets.evaluation.wording import format_number, metric_name
from refit_assets.monitoring.watch import MonitoredDay
from refit_assets.spec import ModelSpec

_MOST_SHOWN = 10


def render_monitoring_report(spec: ModelSpec, days: Sequence[MonitoredDay]) -> str:
    """Render the last of some watched days as a page; the others are its history."""
    day = days[-1]
    live = day.live
    return render_page(
        "monitoring.html.jinja",
        day=day,
        description=spec.description,
        limits=spec.monitoring,
        drifts=_rows(spec, day),
        live=live,
        live_name=live and metric_name(live.metric),
        figures=history_figures(spec, days),
    )


def history_figures(spec: ModelSpec, days: Sequence[MonitoredDay]) -> list[Figure]:
    """Drift of the scores and the live metric, day by day."""
    drifts = [(one, one.scores) for one in days if one.scores is not None]
    lives = [(one, one.live) for one in days if one.live and one.live.value is not None]
    figures: list[Figure] = []
    if drifts:
        allowed = [max(spec.monitoring.score_psi, drift.chance) for _, drift in drifts]
        highest = max(*allowed, *(drift.psi for _, drift in drifts))
        chart = Chart("PSI of the scores by day", _days(days), from_zero("PSI", highest))
        xs = [_place(days, one) for one, _ in drifts]
        # Of each day its own: the fewer rows, the more PSI is chance.
        for x, limit in zip(xs, allowed, strict=True):
            chart.line([x - 0.5, x + 0.5], [limit, limit], "faint dashed")
        chart.line(xs, [drift.psi for _, drift in drifts], "thin one")
        for (one, drift), x in zip(drifts, xs, strict=True):
            chart.dot(x, drift.psi, "one", f"{one.day}: {drift.psi:.3f}, {drift.rows:,} rows")
        caption = "Against the holdout's scores by the same version. Dashed: the limit."
        figures.append(Figure(heading="Scores", svg=chart.render(), caption=caption))
    if lives:
        figures.append(_live_figure(spec, days, lives))
    return figures


def _live_figure(spec: ModelSpec, days: Sequence[MonitoredDay], lives: Sequence[Any]) -> Figure:
    limits = [spec.monitoring.live_floor, spec.monitoring.live_ceiling]
    asked = [limit for limit in limits if limit is not None]
    name = metric_name(lives[-1][1].metric)
    ends = [
        end
        for _, live in lives
        for end in (live.value, *((live.interval.low, live.interval.high) if live.interval else ()))
    ]
    chart = Chart(f"{name} by day", _days(days), fit_axis(name, [*ends, *asked]))
    for limit in asked:
        chart.line([chart.x.low, chart.x.high], [limit, limit], "faint dashed")
    for one, live in lives:
        x = _place(days, one)
        if live.interval:
            chart.whisker(x, live.interval.low, live.interval.high, "one")
        shown = f"{one.day}: {format_number(live.value)}, {live.labelled_rows:,} labelled rows"
        chart.dot(x, live.value, "one", shown)
    caption = f"Of stretches of up to {spec.monitoring.stretch_days} days; whiskers are intervals "
    caption += "by bootstrap. Dashed: what the spec asks for."
    return Figure(heading=name, svg=chart.render(), caption=caption)


def _days(days: Sequence[MonitoredDay]) -> Axis:
    """Days counted back from the last one, which is 0."""
    reach = (days[-1].day - days[0].day).days
    return Axis(title=f"days before {days[-1].day}", low=-reach - 0.6, high=0.6)


def _place(days: Sequence[MonitoredDay], one: MonitoredDay) -> float:
    return float((one.day - days[-1].day).days)


def _rows(spec: ModelSpec, day: MonitoredDay) -> list[dict[str, Any]]:
    """Scores first, then inputs by how far they drifted."""
    limits = spec.monitoring
    ranked = sorted(day.inputs, key=lambda drift: (-drift.psi, drift.name))
    scores = [] if day.scores is None else [(day.scores, limits.score_psi)]
    pairs = [*scores, *((drift, limits.input_psi) for drift in ranked)]
    beyond = {breach.name for breach in day.breaches}
    longest = max((drift.psi for drift, _ in pairs), default=0.0) or 1.0
    return [
        {
            "drift": drift,
            "allowed": "any" if drift.blind else f"{max(limit, drift.chance):.3f}",
            "beyond": drift.name in beyond,
            "width": 100 * drift.psi / longest,
        }
        for drift, limit in pairs
    ]


def render_monitoring_markdown(spec: ModelSpec, days: Sequence[MonitoredDay]) -> str:
    """Render what the UI shows of a watched day: sentences, and pictures."""
    day = days[-1]
    said = [f"- {sentence}" for sentence in day.sentences] or ["- everything is within its limits"]
    if day.live_verdict is not None and day.live_verdict.held:
        said.append(f"- {day.live_verdict.sentence}")
    table = ["| drift of | PSI | allowed |", "|---|---|---|", *_table(spec, day)]
    figures = history_figures(spec, days) if len(days) > 1 else []
    images = [f"![{figure.heading}]({draw_svg(figure)})" for figure in figures]
    return "\n".join([*said, "", *table, "", *images])


def _table(spec: ModelSpec, day: MonitoredDay) -> list[str]:
    """Lines of the scores and of the inputs that drifted most."""
    return [
        f"| {row['drift'].name}{' **beyond**' if row['beyond'] else ''} "
        f"| {format_number(row['drift'].psi)} | {row['allowed']} |"
        for row in _rows(spec, day)[: _MOST_SHOWN + 1]
    ]
