"""What boto3's S3 client answers, from a dictionary."""
# ruff: noqa: N803 - boto3 spells its arguments so

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


def refused_by(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Operation")


NOSUCHKEY = refused_by("NoSuchKey")
PRECONDITIONFAILED = refused_by("PreconditionFailed")
NOT_FOUND = refused_by("404")


@dataclass
class FakeS3:
    objects: dict[str, bytes] = field(default_factory=dict)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise NOSUCHKEY
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        IfNoneMatch: str | None = None,
    ) -> None:
        if IfNoneMatch == "*" and Key in self.objects:
            raise PRECONDITIONFAILED
        self.objects[Key] = Body

    def get_paginator(self, operation: str) -> "FakeS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        for key in self.objects:
            if key.startswith(Prefix):
                yield {"Contents": [{"Key": key}]}
        yield {}

    def upload_file(self, local: str, bucket: str, key: str) -> None:
        self.objects[key] = Path(local).read_bytes()

    def download_file(self, bucket: str, key: str, local: str) -> None:
        if key not in self.objects:
            raise NOT_FOUND
        Path(local).write_bytes(self.objects[key])

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> None:
        for one in Delete["Objects"]:
            self.objects.pop(one["Key"], None)
