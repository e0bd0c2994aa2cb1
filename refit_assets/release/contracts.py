"""The input contract behind a version: what `refit contract diff` compares.

Belongs here: finding a contract by its version. Does not: comparing (`packaging.versions`).
"""

from refit_assets.artefacts import ArtefactStore
from refit_assets.errors import LedgerError
from refit_assets.features.contract import InputContract, build_contract
from refit_assets.packaging.candidate import read_packaged
from refit_assets.spec import ModelSpec

NOW = "now"
"""Stands for the contract that the YAML says now; its jar is not packaged yet."""


def find_contract(spec: ModelSpec, store: ArtefactStore, version: str) -> InputContract:
    """Return the contract of a packaged version, or of `now`.

    Raises:
        LedgerError: no jar of that version was packaged; names those that were.

    """
    if version == NOW:
        return build_contract(spec)
    known = {one.jar.version: one.contract for one in read_packaged(store, spec.name)}
    if version not in known:
        message = (
            f"no jar {version} of {spec.name} was packaged; there are: "
            f"{', '.join(sorted(known)) or 'none'}, and `{NOW}` for the YAML"
        )
        raise LedgerError(message)
    return known[version]
