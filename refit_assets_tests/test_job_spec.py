"""What the YAML of a Spark job may say, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from refit_assets.job_spec import SparkJobSpec, fill_in

DAILY = {"every": "daily", "start": "2013-01-01"}


def build(**attributes: Any) -> SparkJobSpec:  # noqa: ANN401
    return SparkJobSpec.model_validate({"key": "job", "script": "job.py", **attributes})


def test_a_key_and_a_script_are_all_that_is_needed() -> None:
    assert build().name == "job"
    assert build(key="team/job").name == "team__job"


def test_places_are_filled_in_and_other_braces_stay() -> None:
    text = '{"day": "{partition}", "from": "{landing}"}'
    filled = fill_in(text, {"partition": "2013-01-02", "landing": "s3a://b/landing"})
    assert filled == '{"day": "2013-01-02", "from": "s3a://b/landing"}'


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"arguments": ["{day}"]}, r"\{day\} is none of folder, landing, output"),
        ({"environment": {"DAY": "{partition}"}}, "asks for the partition, and there are no"),
        ({"metadata": {"error": "error: ("}}, "metadata.error: .* is no pattern"),
        ({"metadata": {"error": "error: .*"}}, "has 0 groups, and needs one"),
        ({"packages": ["spark-avro"]}, "packages.0"),
        ({"script": "../job.py"}, "script"),
        ({"key": "my job"}, "key"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_work_is_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        build(**attributes)


def test_a_partitioned_job_may_ask_for_its_partition() -> None:
    assert build(arguments=["{partition}"], partitions=DAILY).arguments == ("{partition}",)
