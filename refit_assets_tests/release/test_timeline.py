"""The timeline as rows and as text."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from refit_assets.release.ledger import EventKind, LedgerEvent
from refit_assets.release.timeline import render_timeline, timeline_rows

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def event(number: int, kind: EventKind, day: int, replaced: str | None = None) -> LedgerEvent:
    return LedgerEvent(
        sequence=number,
        kind=kind,
        model="flight_delay",
        refit=f"2013-06-{day:02}",
        as_of=date(2013, 6, day),
        recorded_at=START + timedelta(hours=number),
        version=f"1.0.201306{day:02}",
        coordinates="com.example:flight-delay",
        mojo_sha256="m",
        training_set_digest="t",
        reason="auc 0.71",
        by="run 1a",
        replaced=replaced,
    )


def ledger() -> Sequence[LedgerEvent]:
    back = event(5, "rolled_back", 10, replaced="1.0.20130624")
    return [
        event(1, "promoted", 10),
        event(2, "promoted", 24, replaced="1.0.20130610"),
        event(3, "held", 30),
        event(4, "promoted", 17),
        replace(back, as_of=date(2013, 6, 24), by="Ada", reason="complaints"),
    ]


def test_each_event_tells_what_it_did_to_what_serves() -> None:
    rows = timeline_rows(ledger())
    assert [row.effect for row in rows] == [
        "served",
        "served",
        "not released",
        "a newer model served already",
        "serves",
    ]
    assert rows[0].until == START + timedelta(hours=2)
    assert rows[4].until is None


def test_at_an_instant_only_what_was_known_is_told() -> None:
    rows = timeline_rows(ledger(), at=START + timedelta(hours=2))
    assert [row.effect for row in rows] == ["served", "serves"]


def test_the_text_says_who_served_when_and_why_and_by_whom() -> None:
    text = render_timeline("flight_delay", timeline_rows(ledger()))
    assert text.splitlines() == [
        "flight_delay",
        "  2026-01-05 13:00:00Z  1.0.20130610  promoted: served until 2026-01-05 14:00:00Z",
        "    refit 2013-06-10, by run 1a: auc 0.71",
        (
            "  2026-01-05 14:00:00Z  1.0.20130624  promoted: served until 2026-01-05 17:00:00Z "
            "(instead of 1.0.20130610)"
        ),
        "    refit 2013-06-24, by run 1a: auc 0.71",
        "  2026-01-05 15:00:00Z  1.0.20130630  held: not released",
        "    refit 2013-06-30, by run 1a: auc 0.71",
        "  2026-01-05 16:00:00Z  1.0.20130617  promoted: a newer model served already",
        "    refit 2013-06-17, by run 1a: auc 0.71",
        "→ 2026-01-05 17:00:00Z  1.0.20130610  rolled back: serves (instead of 1.0.20130624)",
        "    refit 2013-06-10, by Ada: complaints",
    ]


def test_a_model_without_decisions_says_so() -> None:
    assert render_timeline("flight_delay", ()) == (
        "flight_delay: nothing was decided yet; `refit run flight_delay` makes the first refit"
    )
