"""Reports of real evaluations: whole, self-contained, the same bytes each time."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from refit_assets.evaluation.comparison import Contender, compare
from refit_assets.evaluation.key_plots import key_plots, render_key_plots_markdown
from refit_assets.evaluation.report import render_evaluation_report, render_release_report
from refit_assets.evaluation.svg import Axis
from refit_assets.evaluation.verdict import judge, judge_evaluation
from refit_assets.evaluation.wording import format_number
from refit_assets.training.trial import Candidate, CurvePoint
from refit_assets_tests.evaluation.flights import (
    air_spec,
    evaluated,
    evaluated_air,
    flights_spec,
    holdout,
    predictions,
)
from refit_assets_tests.training.flights import PINS, build_spec, build_training_set

VOID = {"meta", "br", "img", "link"}
CANDIDATE = Candidate(
    trial_key="3fa1c0de77b2a911",
    algorithm="gbm",
    parameters={"ntrees": 20},
    seed=7,
    nodes=None,
    h2o_version="3.46.0.11",
    training_set_digest="ab12",
    mojo_sha256="cd34",
    threshold=0.3,
    metrics={"log_loss": 0.5},
    importance=(("distance", 0.7), ("hour", 0.3)),
    learning_curve=tuple(
        CurvePoint(step=at, training=1 / (at + 1), validation=None) for at in range(3)
    ),
    curve_metric="logloss",
    key_column="flight_id",
    golden_rows=10,
    golden_sha256="e",
    holdout_rows=540,
    holdout_predictions_sha256="f",
)


class Page(HTMLParser):
    """Fails on tags that are not closed in their order; keeps what it met."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.met: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def evaluation_page() -> str:
    spec = flights_spec(gates={"floors": {"auc": 0.99}})
    found = evaluated(spec)
    gates = judge_evaluation(spec.gates, found)
    return render_evaluation_report(found, candidate=CANDIDATE, gates=gates, description="<b>")


def release_page(*, first: bool) -> str:
    spec = flights_spec(gates={"champion": {"metric": "log_loss"}})
    found = evaluated(spec)
    ours = Contender(version="2", mojo_sha256="a", predictions=predictions())
    theirs = Contender(version="1", mojo_sha256="b", predictions=predictions("champion"))
    comparison = None if first else compare(spec, holdout(spec), ours, theirs)
    verdict = judge(spec.gates, found, comparison, None, champion=None if first else "1")
    return render_release_report(found, comparison, verdict)


def test_a_report_is_one_file_without_scripts_or_network() -> None:
    for page in (evaluation_page(), release_page(first=False), release_page(first=True)):
        met = Page(page).met
        assert not {"script", "link", "img", "iframe"} & set(met)
        assert "http" not in page
        assert "url(" not in page


def test_a_report_names_the_refit_that_searched_for_the_settings() -> None:
    pinned = build_training_set(build_spec(), PINS)
    found = evaluated(flights_spec())
    earlier = replace(pinned, search=replace(pinned, refit="2013-07-03"))
    pages = [render_evaluation_report(found, training_set=one) for one in (pinned, earlier)]
    assert ["refit 2013-07-03" in page for page in pages] == [False, True]


def test_the_same_records_give_the_same_bytes() -> None:
    assert evaluation_page() == evaluation_page()
    assert release_page(first=False) == release_page(first=False)


def test_every_picture_has_a_title_and_every_table_heads() -> None:
    page = evaluation_page()
    pictures = re.findall(r"<svg viewBox[^>]*>", page)
    assert len(pictures) == 6
    assert all('role="img"' in one and "aria-label=" in one for one in pictures)
    assert page.count("<table") == page.count("<thead>")
    assert "<th>" not in page


def test_what_an_owner_wrote_is_escaped() -> None:
    page = evaluation_page()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_a_regression_has_errors_and_no_cut_offs() -> None:
    page = render_evaluation_report(evaluated_air(air_spec()))
    Page(page)
    assert "Distribution of the errors" in page
    assert "cut-off" not in page.lower()
    assert "Importance" not in page


def test_the_first_release_says_that_there_is_nothing_to_compare_with() -> None:
    page = release_page(first=True)
    assert "no model was released before this one" in page
    assert "Which decisions change?" not in page
    assert "Which decisions change?" in release_page(first=False)


@pytest.mark.parametrize(
    ("kind", "names"),
    [("late", ["ROC", "Calibration", "Scores"]), ("air", ["Calibration", "Errors"])],
)
def test_key_plots_are_small_pictures_with_a_style_and_always_the_same(
    kind: str, names: list[str]
) -> None:
    found = evaluated(flights_spec()) if kind == "late" else evaluated_air(air_spec())
    plots = key_plots(found)
    assert [*plots] == names
    assert plots == key_plots(found)
    for uri in plots.values():
        head, content = uri.split(",")
        assert head == "data:image/svg+xml;base64"
        picture = ET.fromstring(base64.b64decode(content))
        assert picture.tag == "{http://www.w3.org/2000/svg}svg"
        assert "--one:" in str(picture.findtext("{*}style"))
        assert len(content) < 30_000
    assert render_key_plots_markdown(found).count("![") == len(names)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.1235"),
        (12.3456, "12.35"),
        (12345.6, "12,346"),
        (0.0, "0"),
        (0.00001, "1e-05"),
        (None, "\u2013"),
    ],
)
def test_numbers_are_worded_with_four_digits(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_ticks_are_round_and_cover_the_scale() -> None:
    axis = Axis(title="", low=0.013, high=0.27, percent=True)
    assert [axis.text(tick) for tick in axis.ticks()] == ["10%", "20%"] or len(axis.ticks()) >= 3
    assert [
        Axis(title="", low=0, high=1).text(tick) for tick in Axis(title="", low=0, high=1).ticks()
    ] == [
        "0.0",
        "0.2",
        "0.4",
        "0.6",
        "0.8",
        "1.0",
    ]
