"""The component as dg's commands use it."""

from pathlib import Path

import pytest
from dagster.components.component_scaffolding import scaffold_object

from refit_assets.errors import SpecError
from refit_assets.models import COMPONENT, read_model


def test_dg_scaffold_writes_a_pair_that_works(tmp_path: Path) -> None:
    scaffold_object(tmp_path / "late_parcels", COMPONENT, None, "yaml", None)
    spec = read_model(tmp_path / "late_parcels" / "defs.yaml")
    assert spec is not None
    assert spec.name == "late_parcels"
    assert (tmp_path / "late_parcels" / "features.py").exists()


def test_dg_scaffold_leaves_a_model_that_is_there_alone(tmp_path: Path) -> None:
    mine = tmp_path / "late_parcels" / "features.py"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(SpecError, match="is there already"):
        scaffold_object(mine.parent, COMPONENT, None, "yaml", None)
    assert mine.read_text() == "mine"
