"""A back-test as people read it: a table for the terminal, and one HTML file with a plot.

Belongs here: rows, words and the plot. Does not: the figures (`backtest`).
"""

from datetime import date

from refit_assets.evaluation.report import render_page
from refit_assets.evaluation.svg import Axis, Chart, fit_axis
from refit_assets.evaluation.wording import direction, format_number, metric_name
from refit_assets.release.backtest import Backtest, Earned

_STYLES = ("one", "two", "muted-line", "faint dashed", "thin one")
_DAYS_A_WEEK = 7


def render_backtest(backtest: Backtest) -> str:
    """Render for a terminal."""
    metric = metric_name(backtest.metric)
    lines = [
        f"{backtest.model}, {backtest.first} to {backtest.last}: {metric} on the days served",
        f"  {'cadence':<10}{'refits':>8}{'promoted':>10}{'compute s':>11}{'rows':>12}{metric:>20}",
    ]
    lines += [
        f"  {one.rhythm:<10}{len(one.refits):>8}{len(one.promoted):>10}"
        f"{one.compute_seconds:>11,.0f}{one.rows:>12,}{format_number(one.value):>20}"
        for one in backtest.cadences
    ]
    return "\n".join(lines)


def render_backtest_report(backtest: Backtest) -> str:
    """Render as a page: what each cadence cost and earned, and the metric over time."""
    return render_page(
        "backtest.html.jinja",
        backtest=backtest,
        direction=direction(backtest.metric),
        plot=_plot(backtest),
        legend=[*zip(_STYLES, (one.rhythm for one in backtest.cadences), strict=False)],
        windows=_windows(backtest),
    )


def _plot(backtest: Backtest) -> str:
    """The metric of each window over the weeks; a promotion is a dot. Empty without figures."""
    values = [s.value for one in backtest.cadences for s in one.served if s.value is not None]
    if not values:
        return ""
    weeks = (backtest.last - backtest.first).days / _DAYS_A_WEEK
    chart = Chart(
        f"{metric_name(backtest.metric)} on the days served, by cadence",
        Axis(title=f"Weeks since {backtest.first}", low=0, high=max(weeks, 1)),
        fit_axis(metric_name(backtest.metric), values),
    )
    for css, one in zip(_STYLES, backtest.cadences, strict=False):
        _draw(chart, backtest.first, one, css)
    return chart.render()


def _draw(chart: Chart, first: date, one: Earned, css: str) -> None:
    points = [
        ((served.first - first).days / _DAYS_A_WEEK, served.value, served)
        for served in one.served
        if served.value is not None
    ]
    chart.line([week for week, _, _ in points], [value for _, value, _ in points], css)
    for week, value, served in points:
        if served.first.isoformat() in one.promoted:
            told = f"{one.rhythm}: {served.version} from {served.first}, {format_number(value)}"
            chart.dot(week, value, css.rsplit(maxsplit=1)[-1], told)


def _windows(backtest: Backtest) -> list[tuple[str, list[tuple[str, str]]]]:
    """One line a window: its first day, then version and value of each cadence."""
    starts = sorted({served.first for one in backtest.cadences for served in one.served})
    by_cadence = [{served.first: served for served in one.served} for one in backtest.cadences]
    return [
        (
            start.isoformat(),
            [
                (found.version, format_number(found.value)) if found else ("none", "")
                for found in (served.get(start) for served in by_cadence)
            ],
        )
        for start in starts
    ]
