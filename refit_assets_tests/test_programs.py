"""What programs do around a stage's work, without any engine."""

from dataclasses import replace
from datetime import date

import pytest

from refit_assets.errors import DataError
from refit_assets.features.job import FeaturesRequest, inspect_request
from refit_assets.programs import _landed_here  # pyright: ignore[reportPrivateUsage]
from refit_assets_tests.fakes.s3_server import new_bucket
from refit_assets_tests.training.flights import build_spec

DAY = date(2013, 7, 1)


def test_a_bad_file_is_named_by_where_it_landed_and_not_by_its_copy_in_the_pod(
    s3_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = new_bucket(s3_address, monkeypatch, "landing/")
    bucket.write(f"flights/{DAY}.csv", b"b\n1\n")
    request = FeaturesRequest(
        spec=build_spec(),
        first=DAY,
        last=DAY,
        landing_uri=bucket.uri,
        catalogue_uri="",
        warehouse_uri="",
        run_id="1",
    )

    def look() -> None:
        with _landed_here(request) as (here, etags):
            assert list(etags) == [f"flights/{DAY}.csv"]
            inspect_request(replace(request, landing_uri=here.uri))

    with pytest.raises(DataError, match="expected 'a' in the header") as caught:
        look()
    place = f"{bucket.uri}/flights/{DAY}.csv"
    assert caught.value.findings[0].where == place
    assert place in str(caught.value)
