"""Dagster Pipes over S3 for workloads that a restarted run may take over.

Unlike Dagster's own reader the messages lie under a name that follows from the workload, so that
a successor finds them, and they are removed with it. Belongs here: sessions and messages. Does
not: what runs (`resources.kubernetes`).
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.pipes.utils import PipesBlobStoreMessageReader

from refit_assets.storage_s3 import Bucket

# Dagster's own reader of S3 looks every ten.
_POLL_SECONDS = 2


class WorkloadMessages(PipesBlobStoreMessageReader):
    """Reads a workload's messages from below its own prefix, from the first one on."""

    def __init__(self, bucket: Bucket, folder: str) -> None:
        """Read below a name of the bucket that ends in a slash."""
        super().__init__(interval=_POLL_SECONDS)
        self.bucket = bucket
        self.folder = folder

    @contextmanager
    def get_params(self) -> Generator[Mapping[str, Any]]:
        """Tell the program where to write."""
        prefix = f"{self.bucket.prefix}{self.folder}".rstrip("/")
        yield {"bucket": self.bucket.bucket, "key_prefix": prefix}

    def messages_are_readable(self, params: Mapping[str, Any]) -> bool:
        """Whether the first message is there."""
        del params
        return self.bucket.read(f"{self.folder}1.json") is not None

    def download_messages_chunk(self, index: int, params: Mapping[str, Any]) -> str | None:
        """Return one chunk, or None where it is not there yet."""
        del params
        content = self.bucket.read(f"{self.folder}{index}.json")
        return None if content is None else content.decode()

    def no_messages_debug_text(self) -> str:
        """Where nothing arrived."""
        return f"Looked below {self.bucket.uri}/{self.folder}."


@dataclass(frozen=True, kw_only=True)
class OpenPipes:
    """An open session: what the program must be told."""

    session: Any
    environment: Mapping[str, str]


@contextmanager
def open_pipes(
    context: dg.AssetExecutionContext, bucket: Bucket, folder: str, extras: Mapping[str, Any]
) -> Generator[OpenPipes]:
    """Open a Pipes session with a workload that writes its messages below `folder`."""
    with dg.open_pipes_session(
        context=context,
        # By variables: the S3 injector leaves its object behind where something is raised.
        context_injector=dg.PipesEnvContextInjector(),
        message_reader=WorkloadMessages(bucket, folder),
        extras=dict(extras),
    ) as session:
        yield OpenPipes(session=session, environment=session.get_bootstrap_env_vars())
