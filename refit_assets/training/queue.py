"""One queue of trials for several H2O clusters: who takes a trial writes so, and one writer wins.

A folder of the store and no service: a cluster that is replaced comes back under its name and
takes again what it had, so that no trial is lost with a node.
"""

from dataclasses import dataclass

from refit_assets.artefacts import ArtefactStore
from refit_assets.training.trial import TrialPlan


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A trial that somebody fits."""

    by: str


@dataclass(frozen=True, kw_only=True)
class TrialQueue:
    """A queue, as one of its clusters sees it."""

    store: ArtefactStore
    folder: str
    """A name that ends in a slash."""
    taker: str

    def take(self, plan: TrialPlan) -> bool:
        """Take a trial; False where another cluster has it."""
        name = f"{self.folder}{plan.key}.json"
        if self.store.write_new_record(name, Taken(by=self.taker)):
            return True
        return self.store.read_record(Taken, name) == Taken(by=self.taker)
