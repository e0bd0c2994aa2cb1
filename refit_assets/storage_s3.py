"""Storage in an S3 bucket: what `artefacts.Folder` is on a laptop.

Belongs here: objects under names, and what S3 answers. Does not: credentials and endpoints, which
boto3 reads from the standard `AWS_*` variables or the pod's service account.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from refit_assets.artefacts import Listed
from refit_assets.errors import SetupError

_ABSENT = frozenset({"NoSuchKey", "NotFound", "404"})
# S3 answers 412 to the loser of a race, or 409 while the winner is still writing.
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
# S3 takes no more in one request.
_MOST_DELETED_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Storage below a prefix of a bucket."""

    client: Any
    """A boto3 S3 client, or what behaves like one."""
    bucket: str
    prefix: str = ""
    """Empty, or ends in a slash."""

    @property
    def uri(self) -> str:
        """Address of the root, without a slash at its end."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, name: str) -> bytes | None:
        """Return the bytes, or None where there is no such name."""
        from botocore.exceptions import ClientError

        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise
        return answer["Body"].read()

    def write(self, name: str, content: bytes) -> None:
        """Put the bytes there; an object appears whole or not at all."""
        self.client.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=content)

    def write_new(self, name: str, content: bytes) -> bool:
        """Put the bytes there if nothing is; the server lets one writer win."""
        from botocore.exceptions import ClientError

        key = self.prefix + name
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if _code(error) in _TAKEN:
                return False
            raise
        return True

    def names(self, prefix: str) -> Sequence[str]:
        """All names that begin with a prefix that ends in a slash, sorted."""
        return sorted(found.name for found in self.listed(prefix))

    def listed(self, prefix: str) -> Iterator[Listed]:
        """All objects below a prefix; what ends in a slash is a folder that a console made."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + prefix
        )
        for page in pages:
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):
                    name = found["Key"].removeprefix(self.prefix)
                    yield _listed(name, found["Size"], found)

    def look_at(self, name: str) -> Listed | None:
        """Return what a listing tells of one object, or None where there is no such name."""
        from botocore.exceptions import ClientError

        try:
            found = self.client.head_object(Bucket=self.bucket, Key=self.prefix + name)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise
        return _listed(name, found["ContentLength"], found)

    def upload(self, local: Path, name: str) -> None:
        """Put a file there, in parts where it is large."""
        self.client.upload_file(str(local), self.bucket, self.prefix + name)

    def download(self, name: str, local: Path) -> None:
        """Fetch a file; FileNotFoundError names it where it is not there."""
        from botocore.exceptions import ClientError

        local.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.client.download_file(self.bucket, self.prefix + name, str(local))
        except ClientError as error:
            if _code(error) in _ABSENT:
                message = f"{self.uri}/{name} is not there"
                raise FileNotFoundError(message) from error
            raise

    def delete(self, prefix: str) -> None:
        """Delete everything below a prefix that ends in a slash."""
        names = self.names(prefix)
        for start in range(0, len(names), _MOST_DELETED_AT_ONCE):
            batch = names[start : start + _MOST_DELETED_AT_ONCE]
            objects = [{"Key": self.prefix + name} for name in batch]
            self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": objects})


def open_bucket(uri: str) -> Bucket:
    """Open the storage at an s3:// address.

    Raises:
        SetupError: it is no such address.

    """
    import boto3
    from botocore.config import Config

    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        message = f"{uri!r} is no S3 address; expected s3://bucket/prefix"
        raise SetupError(message)
    prefix = parts.path.strip("/")
    # Checksums that not every S3 server knows are sent only where the operation needs them.
    config = Config(
        retries={"mode": "standard", "max_attempts": 6},
        # Not every server has a host name for each of its buckets.
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Bucket(
        client=boto3.client("s3", config=config),
        bucket=parts.netloc,
        prefix=f"{prefix}/" if prefix else "",
    )


def _listed(name: str, size: int, found: Mapping[str, Any]) -> Listed:
    modified = int(found["LastModified"].timestamp() * 1e9)
    # The bucket's word counts: of an object uploaded in parts it is no MD5 of the content.
    return Listed(name=name, size=size, modified=modified, etag=found["ETag"].strip('"'))


def _code(error: Any) -> str:  # noqa: ANN401 - botocore has no types
    return str(error.response.get("Error", {}).get("Code"))
