"""Components: what a YAML file can ask for."""

from refit_assets.components.refit_model import RefitModel

__all__ = ["RefitModel"]
