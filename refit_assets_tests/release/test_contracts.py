"""Contracts found by the version of their jar."""

from pathlib import Path

import pytest

from refit_assets.errors import LedgerError
from refit_assets.features.contract import build_contract
from refit_assets.release.contracts import NOW, find_contract
from refit_assets.release.release import ReleaseTarget
from refit_assets_tests.release.test_provenance import SPEC
from refit_assets_tests.release.test_release import store_jar, target

__all__ = ["target"]


def test_a_packaged_version_has_its_contract(target: ReleaseTarget, tmp_path: Path) -> None:
    packaged = store_jar(target, tmp_path, "1.0.20130603")
    assert find_contract(SPEC, target.store, "1.0.20130603") == packaged.contract


def test_now_is_what_the_yaml_says(target: ReleaseTarget) -> None:
    assert find_contract(SPEC, target.store, NOW) == build_contract(SPEC)


def test_a_version_that_was_never_packaged_is_refused(
    target: ReleaseTarget, tmp_path: Path
) -> None:
    with pytest.raises(LedgerError, match=r"no jar 9\.9 .*; there are: none, and `now`"):
        find_contract(SPEC, target.store, "9.9")
    store_jar(target, tmp_path, "1.0.20130603")
    with pytest.raises(LedgerError, match=r"there are: 1\.0\.20130603, and `now`"):
        find_contract(SPEC, target.store, "9.9")
