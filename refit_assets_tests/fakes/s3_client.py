"""What boto3's S3 client answers, from a dictionary."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Operation")


@dataclass
class FakeS3:
    objects: dict[str, bytes] = field(default_factory=dict)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise refused("NoSuchKey")
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        IfNoneMatch: str | None = None,  # noqa: N803
    ) -> None:
        if IfNoneMatch == "*" and Key in self.objects:
            raise refused("PreconditionFailed")
        self.objects[Key] = Body

    def get_paginator(self, operation: str) -> "FakeS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for key in self.objects:
            if key.startswith(Prefix):
                yield {"Contents": [{"Key": key}]}
        yield {}

    def upload_file(self, local: str, bucket: str, key: str) -> None:
        self.objects[key] = Path(local).read_bytes()

    def download_file(self, bucket: str, key: str, local: str) -> None:
        if key not in self.objects:
            raise refused("404")
        Path(local).write_bytes(self.objects[key])

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> None:  # noqa: N803
        for one in Delete["Objects"]:
            self.objects.pop(one["Key"], None)
