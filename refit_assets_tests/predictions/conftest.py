"""The packaged model of the packaging tests, for whoever scores by it."""

from refit_assets_tests.packaging.conftest import maven, packaged_folder, request_of

__all__ = ["maven", "packaged_folder", "request_of"]
