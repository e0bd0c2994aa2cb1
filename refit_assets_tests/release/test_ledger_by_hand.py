"""What a person does to the ledger: approvals and rollbacks."""

import pytest

from refit_assets.errors import LedgerError
from refit_assets.release.ledger import (
    champion,
    plan_approval,
    plan_rollback,
    releases,
)
from refit_assets_tests.release.ledgers import WEEKS, Log, instant, released, version, versions


def test_a_person_can_approve_a_held_refit_by_name_and_reason() -> None:
    log = released(0)
    log.release(1, promote=False)
    event = log.approve(1)
    assert event is not None
    assert (event.kind, event.by, event.reason) == ("approved", "Ada", "holiday week")
    assert (event.version, event.replaced) == (version(1), version(0))
    assert log.serving == version(1)
    assert versions(releases(log.events)) == [version(0), version(1)]


def test_approving_twice_adds_nothing_and_nor_does_releasing_what_was_approved() -> None:
    log = Log()
    log.release(0, promote=False)
    log.approve(0)
    assert log.approve(0) is None
    assert log.release(0, promote=False) is None
    assert len(log.events) == 2


def test_what_is_not_held_cannot_be_approved() -> None:
    log = released(0)
    log.release(1, promote=False)
    with pytest.raises(
        LedgerError, match=r"nothing to approve .* 2013-07-01; held are: 2013-06-10"
    ):
        log.approve(4)
    with pytest.raises(LedgerError, match=r"held are: none"):
        Log().approve(0)


def test_approving_an_old_refit_over_a_newer_one_is_refused() -> None:
    log = Log()
    log.release(0, promote=False)
    log.release(1)
    with pytest.raises(LedgerError, match=r"put an old model over a newer one"):
        log.approve(0)


@pytest.mark.parametrize(("by", "reason"), [("", "because"), ("Ada", "  ")])
def test_a_person_signs_with_name_and_reason(by: str, reason: str) -> None:
    log = released(0)
    with pytest.raises(LedgerError, match=r"rollback needs a name and a reason"):
        plan_rollback(log.events, version(0), by=by, reason=reason, now=log.now)
    with pytest.raises(LedgerError, match=r"approval needs a name and a reason"):
        plan_approval(log.events, "2013-06-03", by=by, reason=reason, now=log.now)


def test_a_rollback_serves_the_old_version_from_its_instant_on() -> None:
    log = released(0, 1, 2)
    event = log.roll_back(0)
    assert event is not None
    assert (event.kind, event.version, event.replaced) == ("rolled_back", version(0), version(2))
    assert (event.refit, event.mojo_sha256) == (WEEKS[0].isoformat(), "mojo-0-0")
    assert log.serving == version(0)
    served = champion(log.events, at=instant(3))
    assert served is not None
    assert served.version == version(2)


def test_after_a_rollback_old_refits_stay_out_and_the_next_is_compared_with_what_serves() -> None:
    log = released(0, 3)
    log.roll_back(0)
    log.release(1)
    assert log.serving == version(0)
    event = log.release(4)
    assert event is not None
    assert (event.against, event.replaced) == (version(0), version(0))
    assert log.serving == version(4)


def test_rolling_back_twice_lies_behind_the_newest_model_both_times() -> None:
    log = released(0, 1, 2)
    log.roll_back(1)
    log.roll_back(0)
    assert log.serving == version(0)
    assert [event.as_of for event in log.events[2:]] == [WEEKS[2]] * 3


def test_a_rolled_back_candidate_does_not_return_by_releasing_it_again() -> None:
    log = released(0, 1)
    log.roll_back(0)
    assert log.release(1) is None
    assert log.serving == version(0)


def test_a_rolled_back_refit_with_new_data_may_serve_again() -> None:
    log = released(0, 1)
    log.roll_back(0)
    log.release(1, build=1)
    assert log.serving == version(1) + "-1"


def test_one_can_roll_forward_again() -> None:
    log = released(0, 1)
    log.roll_back(0)
    log.roll_back(1)
    assert log.serving == version(1)


def test_rolling_back_to_what_serves_adds_nothing() -> None:
    assert released(0, 1).roll_back(1) is None


def test_rolling_back_to_a_version_never_published_names_those_that_are() -> None:
    log = released(0, 1)
    log.release(2, promote=False)
    with pytest.raises(
        LedgerError, match=rf"{version(2)} was never published.* {version(0)}, {version(1)}$"
    ):
        log.roll_back(2)
    with pytest.raises(LedgerError, match=r"published are: none"):
        Log().roll_back(0)
