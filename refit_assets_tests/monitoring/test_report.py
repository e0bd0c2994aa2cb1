"""A watched day: what is beyond its limit is marked, and what was allowed is told."""

from datetime import date

from refit_assets.monitoring.drift import Drift, judge_drift
from refit_assets.monitoring.report import render_monitoring_markdown, render_monitoring_report
from refit_assets.monitoring.watch import MonitoredDay
from refit_assets_tests.specs import build_spec

SPEC = build_spec()


def drift(name: str, psi: float, chance: float, *, blind: bool = False) -> Drift:
    return Drift(
        name=name,
        rows=100,
        psi=psi,
        chance=chance,
        missing_share=0.0,
        training_missing_share=0.0,
        unseen_share=0.0,
        unseen_levels=(),
        blind=blind,
    )


def watched(*inputs: Drift) -> MonitoredDay:
    return MonitoredDay(
        model="late",
        day=date(2013, 1, 8),
        version="1.0.20130108",
        first=date(2013, 1, 2),
        scored_days=7,
        inputs=inputs,
        scores=None,
        live=None,
        live_verdict=None,
        breaches=judge_drift(SPEC.monitoring, inputs, None),
        made_of="these days",
    )


def test_each_input_has_its_line_with_what_was_allowed_and_breaches_are_marked() -> None:
    inputs = drift("size", 3, 0.1), drift("kind", 1, 2), drift("temp", 8, 50, blind=True)
    day = watched(*inputs)
    lines = render_monitoring_markdown(SPEC, [day]).splitlines()
    assert lines[0] == f"- {day.breaches[0].sentence}"
    assert lines[-3:] == [
        "| temp | 8.000 | any |",
        "| size **beyond** | 3.000 | 0.250 |",
        "| kind | 1.000 | 2.000 |",
    ]
    page = render_monitoring_report(SPEC, [day])
    assert page.count('class="tag bad"') == 1
    assert "1 beyond its limit" in page
    assert "<td>any</td>" in page
